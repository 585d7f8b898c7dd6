"""Reads an envelope from a stranger: bytes to a tree whose canonical form cannot be made costly.

Canonicalisation takes quadratic time where namespaces abound (34 kB can take ten seconds), so
they are counted before. SOAP forbids document types and processing instructions; comments would
vanish from what is signed, and nothing here needs them.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage, MessageTooLarge

_LARGEST: Final = 64 * 2**20
_MOST_NAMESPACES: Final = 512
_MOST_IN_SCOPE: Final = 64
_ENCODING: Final = re.compile(rb"""<\?xml[^>]{0,100}?\sencoding\s*=\s*["']([^"']{0,40})["']""")
_FORBIDDEN_NODES: Final = etree.XPath("//comment() | //processing-instruction()")


def read_envelope(envelope: bytes) -> etree._Element:
    """Return the root; raise MalformedMessage or MessageTooLarge, whatever the bytes."""
    if len(envelope) > _LARGEST:
        raise MessageTooLarge(f"more than {_LARGEST} bytes")
    _need_utf8(envelope)
    if b"<!DOCTYPE" in envelope or b"<!ENTITY" in envelope:
        raise MalformedMessage("a document type is not admitted in SOAP")
    namespaces = envelope.count(b"xmlns")
    if namespaces > _MOST_NAMESPACES:
        raise MessageTooLarge(f"more than {_MOST_NAMESPACES} namespace declarations")
    if namespaces > _MOST_IN_SCOPE:
        _refuse_crowded_scope(envelope)
    root = parse(envelope)
    if _FORBIDDEN_NODES(root):
        raise MalformedMessage("comments and processing instructions are not admitted")
    return root


def _need_utf8(envelope: bytes) -> None:
    """Refuse other encodings: in UTF-16 none of the marks above would be seen."""
    declared = _ENCODING.match(envelope.removeprefix(b"\xef\xbb\xbf"))
    if declared is not None and declared[1].lower() not in (b"utf-8", b"utf8"):
        raise MalformedMessage("the envelope is not in UTF-8")
    try:
        envelope.decode()
    except UnicodeDecodeError as error:
        raise MalformedMessage("the envelope is not in UTF-8") from error
    if b"\0" in envelope:
        raise MalformedMessage("the envelope is not in UTF-8")


def parse(envelope: bytes) -> etree._Element:
    """Return the root of well-formed XML, with nothing resolved; raise MalformedMessage."""
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        return etree.fromstring(envelope, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessage("the envelope is not well-formed XML") from error


def _refuse_crowded_scope(envelope: bytes) -> None:
    scope = 0
    try:
        for event, _ in etree.iterparse(
            BytesIO(envelope),
            events=("start-ns", "end-ns"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        ):
            scope += 1 if event == "start-ns" else -1
            if scope > _MOST_IN_SCOPE:
                raise MessageTooLarge(f"more than {_MOST_IN_SCOPE} namespaces in one place")
    except etree.XMLSyntaxError as error:
        raise MalformedMessage("the envelope is not well-formed XML") from error


def canonical(element: etree._Element, prefixes: tuple[str, ...] = ()) -> bytes:
    """Return the exclusive canonical form without comments (RFC 3741); raise MalformedMessage."""
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=list(prefixes) or None,
        )
    except etree.LxmlError as error:  # a namespace that is a relative URI (RFC 3741 §1.3)
        raise MalformedMessage("a part of the envelope has no canonical form") from error


def elements_of(found: object) -> list[etree._Element]:
    """Return the elements of what an XPath answered."""
    return [one for one in found if etree.iselement(one)] if isinstance(found, list) else []
