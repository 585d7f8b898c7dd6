"""The transform of СМЭВ3, `urn://smev-gov-ru/xmldsig/transform`.

It takes the octets of the exclusive canonical form, and gives every namespace a prefix of its own
counting: ns1, ns2, … by one counter, in the order of first need, declared where first needed and
good below it. White space between elements and instructions fall away; attributes are sorted,
those with a namespace first, by (namespace, name). A canonical form is so regular that it is read
with one expression and not as a tree: 60 kB take two milliseconds, not five.
Steps 1 to 9 of «Алгоритм трансформации XML», info.gosuslugi.ru.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.signatures.xml.names import XML

_TAG: Final = re.compile(rb'<([^ >]+)([^>"]*(?:"[^"]*"[^>"]*)*)>')
# The canonical form puts declarations first, then attributes without a namespace, each sorted.
_REST: Final = re.compile(
    rb'((?: xmlns(?::[^=]+)?="[^"]*")*)((?: [^:=]+="[^"]*")*)((?: [^=]+="[^"]*")*)'
)
_INSTRUCTION: Final = re.compile(rb"<\?.*?\?>", re.DOTALL)
_PAIR: Final = re.compile(rb' ([^=]+)="([^"]*)"')
_CR: Final = b"&#xD;"
_SLASH, _QUESTION = b"/?"
_SHORT: Final = 11
_PIECE: Final = 512


class _Scope:
    """What prefixes mean in one place: `theirs` in the canonical form, `ours` by namespace.

    `known` remembers the start and the end of elements that need no new prefix here.
    """

    __slots__ = ("known", "ours", "theirs")

    def __init__(self, theirs: dict[bytes, bytes], ours: dict[bytes, bytes]) -> None:
        self.theirs, self.ours = theirs, ours
        self.known: dict[bytes, tuple[bytes, bytes]] = {}


def transform(octets: bytes) -> bytes:
    """Return the transformed octets of an exclusive canonical form (UTF-8)."""
    out: list[bytes] = []
    scope = _Scope({b"xml": XML.encode()}, {XML.encode(): b"xml:"})
    above: list[tuple[bytes, _Scope]] = []
    count = 0
    pieces = _TAG.split(_INSTRUCTION.sub(b"<?>", octets) if b"<?" in octets else octets)
    for text, name, rest in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=False):
        if text and not text.isspace():
            out.append(_write_text(text) if b"&" in text else text)
        if name[0] == _SLASH:
            end, scope = above.pop()
            out.append(end)
        elif name[0] != _QUESTION:
            known = scope.known.get(name)
            if known is not None and b":" not in rest and b" xmlns" not in rest:
                out.append(known[0] + _write_values(rest) + b">")
                above.append((known[1], scope))
            else:
                start, end, below, count = _write_start(name, rest, scope, count)
                out.append(start)
                above.append((end, scope))
                scope = below
    return b"".join(out)


def _write_start(
    name: bytes, rest: bytes, scope: _Scope, count: int
) -> tuple[bytes, bytes, _Scope, int]:
    """Return the start tag anew, the end tag, the scope between, and the last prefix's number."""
    match = _REST.fullmatch(rest)
    assert match is not None  # the canonical form has no other
    declarations, plain, qualified = match.groups()
    theirs = scope.theirs
    if declarations:
        found = _PAIR.findall(declarations)
        theirs = {**theirs, **{key[6:]: value for key, value in found}}
    prefix, _, local = name.rpartition(b":")
    own = theirs.get(prefix, b"")
    attributes = [_resolve(key, value, theirs) for key, value in _PAIR.findall(qualified)]
    ours, declared = scope.ours, b""
    for uri in (own, *(each[0] for each in attributes)):
        if uri and uri not in ours:
            count += 1
            ours = {**ours, uri: b"ns%d:" % count}
            declared += b' xmlns:ns%d="%b"' % (count, uri)
    written = ours.get(own, b"") + local
    given = b"".join(b' %b%b="%b"' % (ours[uri], key, value) for uri, key, value in attributes)
    start, end = b"<" + written, b"</" + written + b">"
    below = scope
    if ours is not scope.ours or theirs is not scope.theirs:
        below = _Scope(theirs, ours)
    else:
        scope.known[name] = (start, end)
    return start + declared + _write_values(given + plain) + b">", end, below, count


def _resolve(key: bytes, value: bytes, theirs: dict[bytes, bytes]) -> tuple[bytes, bytes, bytes]:
    prefix, _, local = key.partition(b":")
    return theirs[prefix], local, value


def _write_values(attributes: bytes) -> bytes:
    """Return attributes as step 9.2 escapes them."""
    if b"&#x" not in attributes:
        return attributes
    return attributes.replace(_CR, b"&#xd;").replace(b"&#xA;", b"&#xa;")


def _write_text(text: bytes) -> bytes:
    """Return the text as step 9.1 escapes it; empty when it is white space alone."""
    if not text.replace(_CR, b"").strip():
        return b""
    if b"&gt;" not in text:
        return text.replace(_CR, b"&#xd;")
    plain = text.decode()
    for written, meant in (("&gt;", ">"), ("&lt;", "<"), ("&#xD;", "\r"), ("&amp;", "&")):
        plain = plain.replace(written, meant)
    if len(plain) <= _SHORT:
        return _write_piece(plain, again=False)
    return b"".join(
        _write_piece(plain[at : at + _PIECE], again=True) for at in range(0, len(plain), _PIECE)
    )


def _write_piece(piece: str, *, again: bool) -> bytes:
    """Escape `>` where it comes first, after `]`, and in long texts after what was escaped."""
    out: list[str] = []
    before = "]"
    for char in piece:
        written = {"&": "&amp;", "<": "&lt;", "\r": "&#xd;"}.get(char, char)
        if char == ">" and before == "]":
            written = "&gt;"
        out.append(written)
        before = "]" if again and len(written) > 1 else char
    return "".join(out).encode()
