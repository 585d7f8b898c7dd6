"""Reads XML from a stranger: bytes to a tree whose canonical form cannot be made costly.

Canonicalisation takes quadratic time where namespaces abound (34 kB can take ten seconds), so
they are counted before. A document type is never admitted. Comments vanish from what is signed;
an envelope may have none, a document may, and its verdict says so.
"""

from __future__ import annotations

import re
import threading
from io import BytesIO
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage, MessageTooLarge

_LARGEST: Final = 64 * 2**20
_MOST_NAMESPACES: Final = 512
_MOST_IN_SCOPE: Final = 64
_ENCODING: Final = re.compile(rb"""<\?xml[^>]{0,100}?\sencoding\s*=\s*["']([^"']{0,40})["']""")
_COMMENTS: Final = etree.XPath("//comment()")
_INSTRUCTIONS: Final = etree.XPath("//processing-instruction()")
_MARK: Final = b"\xef\xbb\xbf"
_DECLARATION: Final = (b"<?xml ", b"<?xml\t", b"<?xml\n", b"<?xml\r")


class _Parsers(threading.local):
    """One parser a thread: making one takes as long as reading a small envelope."""

    def __init__(self) -> None:
        self.parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )


_PARSERS: Final = _Parsers()


def read_xml(content: bytes) -> etree._Element:
    """Return the root; raise MalformedMessage or MessageTooLarge, whatever the bytes."""
    if len(content) > _LARGEST:
        raise MessageTooLarge(f"more than {_LARGEST} bytes")
    _need_utf8(content)
    if _mentions(content, b"<!DOCTYPE") or _mentions(content, b"<!ENTITY"):
        raise MalformedMessage("a document type is not admitted")
    namespaces = content.count(b"xmlns")
    if namespaces > _MOST_NAMESPACES:
        raise MessageTooLarge(f"more than {_MOST_NAMESPACES} namespace declarations")
    if namespaces > _MOST_IN_SCOPE:
        _refuse_crowded_scope(content)
    return parse(content)


def read_envelope(content: bytes) -> etree._Element:
    """Return the root of what has no comments and no instructions; raise as `read_xml`."""
    root = read_xml(content)
    if has_comments(content, root) or _has_instructions(content, root):
        raise MalformedMessage("comments and processing instructions are not admitted")
    return root


def has_comments(content: bytes, root: etree._Element) -> bool:
    """Tell whether there are comments; the bytes are asked first, for a CDATA section may lie."""
    return _mentions(content, b"<!--") and bool(_COMMENTS(root))


def _has_instructions(content: bytes, root: etree._Element) -> bool:
    if not _mentions(content, b"<?"):
        return False
    declared = content.removeprefix(_MARK).startswith(_DECLARATION)
    return content.count(b"<?") > declared and bool(_INSTRUCTIONS(root))


def _mentions(content: bytes, mark: bytes) -> bool:
    """Tell whether a mark like `<!` is there; its rare second octet is found much faster."""
    return mark[1:2] in content and mark in content


def _need_utf8(content: bytes) -> None:
    """Refuse other encodings: in UTF-16 none of the marks above would be seen."""
    declared = _ENCODING.match(content.removeprefix(_MARK))
    if declared is not None and declared[1].lower() not in (b"utf-8", b"utf8"):
        raise MalformedMessage("it is not in UTF-8")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise MalformedMessage("it is not in UTF-8") from error
    if b"\0" in content:
        raise MalformedMessage("it is not in UTF-8")


def parse(content: bytes) -> etree._Element:
    """Return the root of well-formed XML, with nothing resolved; raise MalformedMessage."""
    try:
        return etree.fromstring(content, _PARSERS.parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedMessage("it is not well-formed XML") from error


def _refuse_crowded_scope(content: bytes) -> None:
    scope = 0
    try:
        for event, _ in etree.iterparse(
            BytesIO(content),
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
        raise MalformedMessage("it is not well-formed XML") from error


def elements_of(found: object) -> list[etree._Element]:
    """Return the elements of what an XPath answered."""
    return [one for one in found if etree.iselement(one)] if isinstance(found, list) else []
