"""Reads what a sender posts: streamed and counted, nothing kept twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage

from gateway.errors import MalformedMessage, MessageTooLarge
from gateway.ports import SignerCms

CHUNK = 1 << 16
MIB = 1 << 20
MOST_SIGNATURES = 64
LARGEST_SIGNATURE = 1 * MIB
_BROKEN_OFF = (ConnectionError, BadHttpMessage, web.RequestPayloadError)
"""What aiohttp raises for a body that ends too soon, or is not chunked or packed as it says."""
_BROKEN = (ValueError, AssertionError, RuntimeError, LookupError, *_BROKEN_OFF)
"""What aiohttp's multipart reader raises for a body that breaks its own rules."""
_AS_IT_IS = frozenset({"", "binary", "8bit", "7bit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A document with the signatures that came along."""

    content: bytes = field(repr=False)
    content_type: str
    signatures: tuple[SignerCms, ...] = ()


async def read_upload(request: web.Request, *, limit: int) -> Upload:
    """Return the document of a request, whose body may hold `limit` bytes.

    Raises MalformedMessage, MessageTooLarge.
    """
    if request.content_type != "multipart/form-data":
        content = await read_body(request, limit=limit)
        return Upload(content=content, content_type=request.content_type)
    try:
        return await _read_form(await request.multipart(), limit)
    except _BROKEN as error:
        raise MalformedMessage("the multipart body is broken", where=hdrs.CONTENT_TYPE) from error


async def read_body(request: web.Request, *, limit: int) -> bytes:
    """Return a plain body. Raises MalformedMessage, MessageTooLarge."""
    declared = request.content_length
    if declared is not None and declared > limit:
        raise _too_large(limit)
    content = await _collect(lambda: request.content.read(CHUNK), limit)
    if not content:
        raise MalformedMessage("the body is empty", where="body")
    return content


async def _read_form(reader: MultipartReader, limit: int) -> Upload:
    document: Upload | None = None
    signatures: list[SignerCms] = []
    left = limit
    async for part in reader:
        name = part.name if isinstance(part, BodyPartReader) else None
        if not isinstance(part, BodyPartReader) or name not in {"document", "signature"}:
            raise MalformedMessage("parts are named document or signature", where=f"part {name}")
        if part.headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower() not in _AS_IT_IS:
            raise MalformedMessage("a part is sent as it is (RFC 7578 §4.7)", where=f"part {name}")
        if name == "signature":
            signatures.append(await _read_signature(part, len(signatures)))
            left -= len(signatures[-1].content)
        elif document is None:
            document = await _read_document(part, left)
            left -= len(document.content)
        else:
            raise MalformedMessage("one document a request", where="part document")
    if document is None:
        raise MalformedMessage("the part document is missing", where="part document")
    return Upload(
        content=document.content,
        content_type=document.content_type,
        signatures=tuple(signatures),
    )


async def _read_document(part: BodyPartReader, limit: int) -> Upload:
    content = await _collect(lambda: part.read_chunk(CHUNK), limit)
    if not content:
        raise MalformedMessage("the document is empty", where="part document")
    content_type = part.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    return Upload(content=content, content_type=content_type)


async def _read_signature(part: BodyPartReader, number: int) -> SignerCms:
    where = f"part signature {number + 1}"
    if number >= MOST_SIGNATURES:
        raise MessageTooLarge(f"at most {MOST_SIGNATURES} signatures a document", where=where)
    role = read_role(part.headers.get("X-Role", ""), where)
    content = await _collect(lambda: part.read_chunk(CHUNK), LARGEST_SIGNATURE)
    if not content:
        raise MalformedMessage("the signature is empty", where=where)
    return SignerCms(role=role, content=content)


def read_role(text: str, where: str) -> str:
    """Return a signer's role: an НСИ 99.2.368 code or `organization`. Raises MalformedMessage."""
    role = text.strip()
    if role == "organization" or (role.isascii() and role.isdecimal() and len(role) <= 4):
        return role
    raise MalformedMessage(
        "the header X-Role wants a code of 1.2.643.5.1.13.13.99.2.368 or organization",
        where=where,
    )


async def _collect(read: Callable[[], Awaitable[bytes]], limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := await _read_on(read):
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def _read_on(read: Callable[[], Awaitable[bytes]]) -> bytes:
    try:
        return await read()
    except _BROKEN_OFF as error:
        text = "the body broke off, or is not chunked or packed as its headers say"
        raise MalformedMessage(text, where="body") from error


def _too_large(limit: int) -> MessageTooLarge:
    return MessageTooLarge(f"at most {limit} bytes are taken", where=f"byte {limit + 1}")
