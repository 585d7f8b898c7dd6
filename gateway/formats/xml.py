"""Reads XML from strangers: bytes to a tree, or a refusal that names the place.

Nothing here resolves an entity, opens a file or a socket, or trusts the sender's own word about
its encoding: the bytes are decoded first, strictly, and the parser sees exactly what was checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage, MessageTooLarge

_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_DECLARED: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "utf-16": "utf-16",
    "windows-1251": "cp1251",
    "cp1251": "cp1251",
}
"""The encodings that hospitals really send, by their declared name."""

_DECLARATION: Final = re.compile(
    r"""<\?xml\s[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z][\w.\-]{0,40})["']"""
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a message the gateway is willing to hold.

    `size` in bytes; `depth` in nested elements; `scope` and `declarations` count `xmlns`
    declarations on one element with its ancestors and in the whole message.
    """

    size: int = 64 * 2**20
    depth: int = 256
    scope: int = 64
    declarations: int = 512


DEFAULT_LIMITS: Final = Limits()


def read_xml(message: bytes, limits: Limits = DEFAULT_LIMITS) -> etree._ElementTree:
    """Return the tree of `message` (XML 1.0, namespaces).

    Raises `MessageTooLarge` when a limit is passed and `MalformedMessage` for everything else
    that is not well-formed XML without a document type declaration; no other error, whatever
    the bytes.
    """
    if len(message) > limits.size:
        raise MessageTooLarge(
            f"the message is larger than {limits.size} bytes", where=f"byte {limits.size + 1}"
        )
    text, content = _decode(message)
    _refuse_doctype(text)
    declarations = content.count(b"xmlns")
    if declarations > limits.declarations:
        raise MessageTooLarge(
            f"more than {limits.declarations} namespace declarations",
            where=_place_of_declaration(content, limits.declarations + 1),
        )
    tree = _parse(content)
    declared: object = tree.docinfo.internalDTD  # the stubs hold it for never None
    if declared is not None:
        raise MalformedMessage("a document type declaration is not accepted")
    _refuse_depth(tree, limits.depth)
    if declarations > limits.scope:
        _refuse_scope(tree, limits.scope)
    return tree


def elements_of(found: object) -> list[etree._Element]:
    """Return the elements of what an XPath answered."""
    return [one for one in found if etree.iselement(one)] if isinstance(found, list) else []


def _decode(message: bytes) -> tuple[str, bytes]:
    """Return the characters and the same as UTF-8 bytes without a byte order mark."""
    encoding, start = _encoding_of(message)
    body = message[start:] if start else message
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise MalformedMessage(
            f"the bytes are not {encoding}", where=_place_of_byte(message, start + error.start)
        ) from error
    if encoding == "utf-8":
        return text, body
    try:
        return text, text.encode("utf-8")
    except UnicodeEncodeError as error:  # a lone surrogate in UTF-16
        raise MalformedMessage(
            f"the bytes are not {encoding}", where=f"character {error.start + 1}"
        ) from error


def _encoding_of(message: bytes) -> tuple[str, int]:
    """Return Python's name of the encoding and how many bytes its mark takes.

    XML 1.0 (5th ed.) §4.3.3 and appendix F: the mark first, then the declaration, else UTF-8.
    """
    marked, start = next(
        ((name, len(mark)) for mark, name in _BOMS if message.startswith(mark)), ("", 0)
    )
    head = message[start : start + 512].decode(marked or "latin-1", errors="replace")
    declaration = _DECLARATION.match(head)
    if declaration is None:
        return _encoding_without_declaration(message, marked), start
    declared = _DECLARED.get(declaration[1].lower())
    if declared is None:
        raise MalformedMessage(f"the encoding {declaration[1]} is not supported", where="line 1")
    if declared != (marked or declared).removesuffix("-le").removesuffix("-be"):
        raise MalformedMessage(
            "the declared encoding contradicts the byte order mark", where="line 1"
        )
    if declared == "utf-16" and not marked:
        raise MalformedMessage("UTF-16 is declared but there is no byte order mark", where="byte 1")
    return marked or declared, start


def _encoding_without_declaration(message: bytes, marked: str) -> str:
    if not marked and b"\x00" in message[:4]:
        raise MalformedMessage("neither UTF-8 nor a byte order mark", where="byte 1")
    return marked or "utf-8"


def _place_of_byte(message: bytes, offset: int) -> str:
    line = message.count(b"\n", 0, offset) + 1
    return f"line {line}, byte {offset + 1}"


def _place_of_declaration(content: bytes, number: int) -> str:
    """Return the line of the `xmlns` of this number, counted from one."""
    found = next(islice(re.finditer(b"xmlns", content), number - 1, None))
    line = content.count(b"\n", 0, found.start()) + 1
    return f"line {line}"


def _refuse_doctype(text: str) -> None:
    """Refuse `<!DOCTYPE` in the prolog, before a parser could act on it.

    Anywhere else the characters are text, a comment, or no XML at all (XML 1.0 §2.8).
    """
    if "<!DOCTYPE" not in text:
        return
    position = 0
    while True:
        position = _skip_space(text, position)
        if text.startswith("<!--", position):
            position = _skip_to(text, "-->", position + 4)
        elif text.startswith("<?", position):
            position = _skip_to(text, "?>", position + 2)
        else:
            break
    if text.startswith("<!DOCTYPE", position):
        line = text.count("\n", 0, position) + 1
        raise MalformedMessage("a document type declaration is not accepted", where=f"line {line}")


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _skip_to(text: str, end: str, position: int) -> int:
    found = text.find(end, position)
    return len(text) if found < 0 else found + len(end)


def _parse(content: bytes) -> etree._ElementTree:
    # A fresh parser each time: a shared one holds a lock and serialises threads.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
    )
    try:
        return etree.fromstring(content, parser).getroottree()
    except etree.XMLSyntaxError as error:
        raise _told(error) from error


def _told(error: etree.XMLSyntaxError) -> MalformedMessage:
    """Name the fault without quoting the document: libxml2's own sentence may hold a name."""
    last: object = getattr(error.error_log, "last_error", None)
    name = str(getattr(last, "type_name", "unknown")).lower().replace("_", "-")
    line, column = error.position
    where = f"line {line}, column {column}"
    if name.endswith("resource-limit"):
        return MessageTooLarge("too deep, or one text of more than ten megabytes", where=where)
    return MalformedMessage(f"not well-formed XML ({name})", where=where)


def _refuse_depth(tree: etree._ElementTree, depth: int) -> None:
    level = elements_of(tree.xpath("/*" * (depth + 1)))
    if level:
        raise MessageTooLarge(
            f"elements are nested deeper than {depth}", where=f"line {level[0].sourceline}"
        )


def _refuse_scope(tree: etree._ElementTree, scope: int) -> None:
    open_declarations = 0
    for event, element in etree.iterwalk(tree, events=("start-ns", "start", "end-ns")):
        if event != "start":
            open_declarations += 1 if event == "start-ns" else -1
        elif open_declarations > scope:  # the declarations come before their element
            raise MessageTooLarge(
                f"more than {scope} namespaces in scope", where=f"line {element.sourceline}"
            )
