"""The door to libcrypto.so.3: one method a call, keys freed when nobody holds them.

Every call lets go of the GIL. A failed call leaves nothing in OpenSSL's error queue, which this
thread shares with Python's own ssl module.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_size_t, c_uint, c_uint64, c_void_p
from typing import Final

from gateway.errors import HouseError
from gateway.signatures.backends.pkcs8 import unarmour

_INIT_ENGINE_DYNAMIC: Final = 0x400  # openssl/crypto.h
# Ciphers (for keys under a GOST password), digests, key methods, key encodings.
_ENGINE_METHODS: Final = 0x0040 | 0x0080 | 0x0200 | 0x0400
_POINTERS: Final = POINTER(c_void_p)
_SIGNATURES: Final[dict[str, tuple[type | None, tuple[type, ...]]]] = {
    "OPENSSL_init_crypto": (c_int, (c_uint64, c_void_p)),
    "ENGINE_by_id": (c_void_p, (c_char_p,)),
    "ENGINE_init": (c_int, (c_void_p,)),
    "ENGINE_set_default": (c_int, (c_void_p, c_uint)),
    "ENGINE_free": (c_int, (c_void_p,)),
    "ERR_clear_error": (None, ()),
    "EVP_get_digestbyname": (c_void_p, (c_char_p,)),
    "EVP_Digest": (c_int, (c_char_p, c_size_t, c_char_p, c_void_p, c_void_p, c_void_p)),
    "EVP_MD_CTX_new": (c_void_p, ()),
    "EVP_MD_CTX_free": (None, (c_void_p,)),
    "EVP_DigestSignInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestSign": (c_int, (c_void_p, c_char_p, POINTER(c_size_t), c_char_p, c_size_t)),
    "EVP_DigestVerifyInit": (c_int, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "EVP_DigestVerify": (c_int, (c_void_p, c_char_p, c_size_t, c_char_p, c_size_t)),
    "EVP_PKEY_free": (None, (c_void_p,)),
    "EVP_PKEY_get_base_id": (c_int, (c_void_p,)),
    "EVP_PKEY_get_bits": (c_int, (c_void_p,)),
    "EVP_PKEY_CTX_new_id": (c_void_p, (c_int, c_void_p)),
    "EVP_PKEY_CTX_free": (None, (c_void_p,)),
    "EVP_PKEY_keygen_init": (c_int, (c_void_p,)),
    "EVP_PKEY_CTX_ctrl_str": (c_int, (c_void_p, c_char_p, c_char_p)),
    "EVP_PKEY_keygen": (c_int, (c_void_p, _POINTERS)),
    "EVP_PKEY2PKCS8": (c_void_p, (c_void_p,)),
    "PKCS8_PRIV_KEY_INFO_free": (None, (c_void_p,)),
    "i2d_PKCS8_PRIV_KEY_INFO": (c_int, (c_void_p, POINTER(c_char_p))),
    "i2d_PUBKEY": (c_int, (c_void_p, POINTER(c_char_p))),
    "d2i_PUBKEY": (c_void_p, (c_void_p, POINTER(c_char_p), c_long)),
    "BIO_new_mem_buf": (c_void_p, (c_char_p, c_int)),
    "BIO_free": (c_int, (c_void_p,)),
    "PEM_read_bio_PrivateKey": (c_void_p, (c_void_p, c_void_p, c_void_p, c_char_p)),
    "d2i_PKCS8PrivateKey_bio": (c_void_p, (c_void_p, c_void_p, c_void_p, c_char_p)),
    "d2i_PrivateKey_bio": (c_void_p, (c_void_p, c_void_p)),
    "d2i_PKCS8_bio": (c_void_p, (c_void_p, c_void_p)),
    "PKCS8_decrypt": (c_void_p, (c_void_p, c_char_p, c_int)),
    "X509_SIG_free": (None, (c_void_p,)),
}


class Evp:
    """An EVP_PKEY that is freed with its last holder."""

    __slots__ = ("_free", "pointer")

    def __init__(self, library: ctypes.CDLL, pointer: int) -> None:
        self.pointer = pointer
        self._free = library.EVP_PKEY_free

    def __del__(self) -> None:
        self._free(self.pointer)


class Libcrypto:
    """libcrypto with its prototypes, and the engine switched on where it is installed."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        self._lib = library
        self.has_gost = self._switch_on(b"gost")

    def digest(self, name: bytes) -> int | None:
        """Return the EVP_MD of this name, or None."""
        return self._lib.EVP_get_digestbyname(name) or None

    def hash(self, digest: int, content: bytes, size: int) -> bytes:
        """Hash the content into `size` bytes."""
        buffer = ctypes.create_string_buffer(size)
        self._need(self._lib.EVP_Digest(content, len(content), buffer, None, digest, None))
        return buffer.raw

    def sign(self, key: Evp, digest: int, content: bytes, longest: int) -> bytes:
        """Hash and sign in one call; the signature has at most `longest` bytes."""
        buffer, size = ctypes.create_string_buffer(longest), c_size_t(longest)
        context = self._lib.EVP_MD_CTX_new()
        try:
            self._need(self._lib.EVP_DigestSignInit(context, None, digest, None, key.pointer))
            self._need(
                self._lib.EVP_DigestSign(context, buffer, byref(size), content, len(content))
            )
        finally:
            self._lib.EVP_MD_CTX_free(context)
        return buffer.raw[: size.value]

    def verify(self, key: Evp, digest: int, signature: bytes, content: bytes) -> bool:
        """Tell whether the signature is good."""
        context = self._lib.EVP_MD_CTX_new()
        try:
            self._need(self._lib.EVP_DigestVerifyInit(context, None, digest, None, key.pointer))
            good = self._lib.EVP_DigestVerify(
                context, signature, len(signature), content, len(content)
            )
        finally:
            self._lib.EVP_MD_CTX_free(context)
        if good != 1:
            self._lib.ERR_clear_error()
        return bool(good == 1)

    def read_private(self, key: bytes, password: bytes | None) -> Evp | None:
        """Read PEM, PKCS#8 DER (encrypted too) or traditional DER; None when it is none."""
        # An empty password, never NULL: with NULL OpenSSL would ask on the terminal.
        secret = password or b""
        if key.lstrip().startswith(b"-----BEGIN"):
            return self._through_bio(key, self._lib.PEM_read_bio_PrivateKey, None, None, secret)
        return self._through_bio(key, self._lib.d2i_PrivateKey_bio, None) or self._through_bio(
            key, self._lib.d2i_PKCS8PrivateKey_bio, None, None, secret
        )

    def unlock(self, key: bytes, password: bytes) -> bytes | None:
        """Take the password off a PKCS#8 key (PEM or DER); None when that cannot be done.

        The key inside may be of any algorithm, known here or not.
        """
        der = unarmour(key)
        bio = self._lib.BIO_new_mem_buf(der, len(der))
        sealed = self._lib.d2i_PKCS8_bio(bio, None)
        self._lib.BIO_free(bio)
        opened = self._lib.PKCS8_decrypt(sealed, password, len(password)) if sealed else None
        self._lib.X509_SIG_free(sealed)
        self._lib.ERR_clear_error()
        if not opened:
            return None
        try:
            return self._to_der(self._lib.i2d_PKCS8_PRIV_KEY_INFO, opened)
        finally:
            self._lib.PKCS8_PRIV_KEY_INFO_free(opened)

    def read_public(self, spki: bytes) -> Evp | None:
        """Read a SubjectPublicKeyInfo to its last byte; None when it is none."""
        cursor = c_char_p(spki)
        start = ctypes.cast(cursor, c_void_p).value or 0
        pointer = self._lib.d2i_PUBKEY(None, byref(cursor), len(spki))
        if not pointer:
            self._lib.ERR_clear_error()
            return None
        key = Evp(self._lib, pointer)
        return key if (ctypes.cast(cursor, c_void_p).value or 0) - start == len(spki) else None

    def write_public(self, key: Evp) -> bytes:
        """Return the SubjectPublicKeyInfo of the key as DER."""
        return self._to_der(self._lib.i2d_PUBKEY, key.pointer)

    def kind(self, key: Evp) -> int:
        """Return the NID of the key's algorithm."""
        return int(self._lib.EVP_PKEY_get_base_id(key.pointer))

    def bits(self, key: Evp) -> int:
        """Return the key's size in bits."""
        return int(self._lib.EVP_PKEY_get_bits(key.pointer))

    def generate(self, kind: int, parameter: bytes, value: bytes) -> bytes:
        """Make a key with one parameter set and return it as PKCS#8 DER."""
        context = self._lib.EVP_PKEY_CTX_new_id(kind, None)
        pointer = c_void_p()
        try:
            self._need(self._lib.EVP_PKEY_keygen_init(context))
            self._need(self._lib.EVP_PKEY_CTX_ctrl_str(context, parameter, value))
            self._need(self._lib.EVP_PKEY_keygen(context, byref(pointer)))
        finally:
            self._lib.EVP_PKEY_CTX_free(context)
        key = Evp(self._lib, pointer.value or 0)
        wrapped = self._lib.EVP_PKEY2PKCS8(key.pointer)
        try:
            return self._to_der(self._lib.i2d_PKCS8_PRIV_KEY_INFO, wrapped)
        finally:
            self._lib.PKCS8_PRIV_KEY_INFO_free(wrapped)

    def _switch_on(self, engine: bytes) -> bool:
        self._lib.OPENSSL_init_crypto(_INIT_ENGINE_DYNAMIC, None)
        pointer = self._lib.ENGINE_by_id(engine)
        done = bool(
            pointer
            and self._lib.ENGINE_init(pointer)
            and self._lib.ENGINE_set_default(pointer, _ENGINE_METHODS)
        )
        self._lib.ERR_clear_error()
        return done

    def _through_bio(
        self, key: bytes, read: ctypes._NamedFuncPointer, *rest: bytes | None
    ) -> Evp | None:
        bio = self._lib.BIO_new_mem_buf(key, len(key))
        try:
            pointer = read(bio, *rest)
        finally:
            self._lib.BIO_free(bio)
        if not pointer:
            self._lib.ERR_clear_error()
            return None
        return Evp(self._lib, pointer)

    def _to_der(self, write: ctypes._NamedFuncPointer, pointer: int) -> bytes:
        size = write(pointer, None)
        self._need(int(size > 0))
        buffer = ctypes.create_string_buffer(size)
        write(pointer, byref(ctypes.cast(buffer, c_char_p)))
        return buffer.raw

    def _need(self, result: int) -> None:
        if result != 1:
            self._lib.ERR_clear_error()
            raise HouseError("libcrypto refused a call that must not fail")


def open_libcrypto(name: str = "libcrypto.so.3") -> Libcrypto | None:
    """Load the system's libcrypto; None where there is none with the calls of version 3."""
    try:
        return Libcrypto(ctypes.CDLL(name))
    except (OSError, AttributeError):
        return None
