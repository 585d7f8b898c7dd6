"""One process that holds the compiled packs and judges one document at a time.

SaxonC keeps Python's lock while it works, so it must not live in the gateway's process. Frames
on standard input and output, each a four-byte big-endian length and that many bytes: first the
packs (JSON), answered by `{}` or `{"error": …}`; then documents, each a pack's number in one
byte and the document's bytes, each answered by a judgement.
"""

from __future__ import annotations

import json
import os
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypedDict

import saxonche
from lxml import etree

from gateway.errors import HouseError, MalformedMessage
from gateway.formats.cda import HL7, name_of, place_of
from gateway.formats.xml import read_xml
from gateway.validation.schematron import Rulebook, transpile

LENGTH: Final = struct.Struct(">I")
_STEP: Final = re.compile(r"/(@?)(?:Q\{([^}]*)\})?([^/\[\]{}]+)(?:\[(\d+)\])?")
# libxml2 quotes the faulty value, and the value may be a name or a birth date. What it says of
# the schema stands behind one of these words; every other quotation is cut.
_VALUE: Final = re.compile(
    r"(?<=The value )'.*?'(?= (?:is not|has))|(?<=: )'.*?'(?= is not a valid value)", re.DOTALL
)
_QUOTED: Final = re.compile(r"(?:\b(Element|element|attribute|type|facet|pattern) )?'[^']*'")


class Fault(TypedDict):
    """One failed check: its number in the Schematron (0: the XSD's), place, line and sentence."""

    check: int
    where: str
    line: int
    text: str
    kind: str


class Judgement(TypedDict):
    """What became of a document; `reached` is false when the Schematron was not asked."""

    reached: bool
    faults: list[Fault]


@dataclass(frozen=True, slots=True)
class CompiledPack:
    """A pack in the form in which it judges."""

    schema: etree.XMLSchema | None
    rules: saxonche.PyXsltExecutable
    book: Rulebook

    def judge(self, processor: saxonche.PySaxonProcessor, content: bytes) -> Judgement:
        """Ask the XSD, then, only if it is content, the Schematron."""
        try:
            root = read_xml(content).getroot()
        except MalformedMessage as error:
            return {"reached": False, "faults": [_unreadable(error)]}
        faults = self._structure(root)
        if faults:
            return {"reached": False, "faults": faults}
        node = processor.parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
        answer = self.rules.transform_to_string(xdm_node=node) or ""
        lines = [line.split("\t", 1) for line in answer.splitlines()]
        return {
            "reached": True,
            "faults": [_placed(root, int(check), path) for check, path in lines],
        }

    def _structure(self, root: etree._Element) -> list[Fault]:
        if etree.QName(root).namespace != HL7:
            # No context of a Schematron would match: it would pass, and mean nothing.
            return [_fault(0, root, "the root is not in the namespace of HL7 v3", "namespace")]
        if self.schema is None or self.schema.validate(root):
            return []
        log, prefixes = self.schema.error_log, _prefixes(root)
        return [
            _broken(root, error, prefixes)
            for error in log  # type: ignore[attr-defined] # the stubs know no entries
        ]


def _broken(root: etree._Element, error: etree._LogEntry, prefixes: dict[str, str]) -> Fault:
    found = _select(root, error.path or "", prefixes)
    element = found[0] if isinstance(found, list) and found else root
    place = element if etree.iselement(element) else root
    return _fault(0, place, _told(error.message), error.type_name.lower().removeprefix("schemav_"))


def _told(message: str) -> str:
    """Return libxml2's sentence without the document's own values."""
    text = _VALUE.sub("'…'", message).replace(f"{{{HL7}}}", "")
    return _QUOTED.sub(lambda quoted: quoted[0] if quoted[1] else "'…'", text)


def _prefixes(root: etree._Element) -> dict[str, str]:
    return {prefix: uri for one in root.iter("*") for prefix, uri in one.nsmap.items() if prefix}


def _select(root: etree._Element, path: str, prefixes: dict[str, str]) -> object:
    """Return what libxml2's own path leads to; its prefixes are the document's."""
    if not path:
        return []
    try:
        return root.getroottree().xpath(path, namespaces=prefixes)
    except etree.XPathError:  # one prefix of two meanings
        return []


def _unreadable(error: MalformedMessage) -> Fault:
    return {"check": 0, "where": error.where, "line": 0, "text": error.text, "kind": "malformed"}


def _fault(check: int, element: etree._Element, text: str, kind: str) -> Fault:
    where, line = place_of(element), _line_of(element)
    return {"check": check, "where": where, "line": line, "text": text, "kind": kind}


def _line_of(element: etree._Element) -> int:
    line: object = element.sourceline
    return line if isinstance(line, int) else 0


def _placed(root: etree._Element, check: int, path: str) -> Fault:
    """Turn `fn:path()` into the gateway's form of a place, with its line in the document."""
    steps = _STEP.findall(path)
    element = root
    attribute = ""
    for mark, uri, local, position in steps[1:]:
        tag = f"{{{uri}}}{local}" if uri else local
        if mark:
            attribute = tag
        elif position and "(" not in local:
            element = list(element.iterchildren(tag))[int(position) - 1]
    where = place_of(element) + (f"/@{name_of(attribute)}" if attribute else "")
    line = _line_of(element)
    return {"check": check, "where": where, "line": line, "text": "", "kind": "assertion"}


def compile_pack(
    processor: saxonche.PySaxonProcessor, schematron: Path, schema: Path | None
) -> CompiledPack:
    """Compile one pack; raises `HouseError` when the authority's file cannot be compiled."""
    book = transpile(schematron.read_bytes(), default_namespace=HL7)
    compiler = processor.new_xslt30_processor()
    try:
        rules = compiler.compile_stylesheet(stylesheet_text=book.stylesheet)
    except saxonche.PySaxonApiError as error:
        raise HouseError(f"{schematron} does not compile: {error}", where="packs") from error
    try:
        compiled = None if schema is None else etree.XMLSchema(etree.parse(schema))
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
        raise HouseError(f"{schema} does not compile: {error}", where="packs") from error
    return CompiledPack(compiled, rules, book)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer frames until the gateway closes its end."""
    processor = saxonche.PySaxonProcessor(license=False)
    packs: list[CompiledPack] = []
    try:
        for schematron, schema in json.loads(_read(requests) or b"[]"):
            packs.append(
                compile_pack(processor, Path(schematron), Path(schema) if schema else None)
            )
    except (HouseError, OSError) as error:
        _write(answers, {"error": str(error)})
        return
    _write(answers, {})
    while (frame := _read(requests)) is not None:
        _write(answers, packs[frame[0]].judge(processor, frame[1:]))


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    return stream.read(length)


def _write(stream: BinaryIO, answer: object) -> None:
    body = json.dumps(answer).encode()
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def main() -> None:
    """Keep standard output for frames; what the libraries print goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
