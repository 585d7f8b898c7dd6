"""Seals bodies at rest, and indexes patients without naming them.

AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: change the key before 2³² bodies.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import HouseError, SettingError

_MAGIC: Final = b"MSE\x01"
_KEY_ID: Final = 8
_NONCE: Final = 12
_HEADER: Final = len(_MAGIC) + _KEY_ID + _NONCE
_TAG: Final = 16


class Seal:
    """Seals with the first key, opens with any; the key's id stands in front of each body."""

    def __init__(self, keys: Sequence[bytes], draw: Callable[[int], bytes]) -> None:
        """Take keys of 32 bytes and a source of random bytes; raise SettingError."""
        if not keys or any(len(key) != 32 for key in keys):
            raise SettingError("a sealing key has 32 bytes")
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._current = _key_id(keys[0])
        self._draw = draw

    def seal(self, body: bytes, associated: bytes) -> bytes:
        """Encrypt the body; `associated` (the caller's id of it) must be given again to open it."""
        nonce = self._draw(_NONCE)
        header = _MAGIC + self._current + nonce
        return header + self._ciphers[self._current].encrypt(nonce, body, header + associated)

    def open(self, sealed: bytes, associated: bytes) -> bytes:
        """Decrypt; raise HouseError when the key is not there or the body was changed or moved."""
        header = sealed[:_HEADER]
        if not is_sealed(sealed):
            raise HouseError("this body is not sealed")
        key_id, nonce = header[len(_MAGIC) : -_NONCE], header[-_NONCE:]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise HouseError(f"the sealing key {key_id.hex()} is not configured")
        try:
            return cipher.decrypt(nonce, sealed[_HEADER:], header + associated)
        except InvalidTag as error:
            raise HouseError("a sealed body was changed or belongs elsewhere") from error


def is_sealed(content: bytes) -> bool:
    """Tell whether the content begins as a sealed body does."""
    return content.startswith(_MAGIC) and len(content) >= _HEADER + _TAG


def load_seal(paths: Sequence[Path], draw: Callable[[int], bytes]) -> Seal:
    """Read key files, the one that seals first; raise SettingError naming the file."""
    return Seal([read_key(path) for path in paths], draw)


def read_key(path: Path) -> bytes:
    """Read 32 bytes, raw or as base64 or hexadecimal; raise SettingError naming the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}") from error
    for read in (bytes, _from_hexadecimal, _from_base64):
        key = read(content)
        if len(key) == 32:
            return key
    raise SettingError(f"{path} holds no key of 32 bytes, raw, in base64 or hexadecimal")


def _from_hexadecimal(content: bytes) -> bytes:
    try:
        return bytes.fromhex(content.decode("ascii"))
    except ValueError:
        return b""


def _from_base64(content: bytes) -> bytes:
    try:
        return base64.b64decode(content.strip(), validate=True)
    except ValueError:
        return b""


def patient_index(key: bytes, identifier: str) -> bytes:
    """Return HMAC-SHA-256 of a СНИЛС or ИИН, written in any way: equal people, equal octets."""
    digits = "".join(character for character in identifier if character in "0123456789")
    return hmac.digest(key, digits.encode("ascii"), "sha256")


def mark(key: bytes, content: bytes) -> bytes:
    """Return the HMAC-SHA-256 by which the ledger knows its own checkpoints."""
    return hmac.digest(key, b"checkpoint\0" + content, "sha256")


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"mse-gateway sealing key id" + key).digest()[:_KEY_ID]
