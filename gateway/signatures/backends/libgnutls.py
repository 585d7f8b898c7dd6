"""The door to libgnutls.so.30: one method a call, keys freed when nobody holds them.

Every call lets go of the GIL.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_void_p
from typing import Final

from gateway.errors import HouseError

_DER: Final = 0  # gnutls_x509_crt_fmt_t
_PEM: Final = 1
_PLAIN: Final = 1  # GNUTLS_PKCS_PLAIN
_CURVE: Final = 1 << 31  # GNUTLS_CURVE_TO_BITS


class _Datum(ctypes.Structure):
    _fields_ = (("data", c_void_p), ("size", c_uint))


_HANDLE: Final = POINTER(c_void_p)
_DATUM: Final = POINTER(_Datum)
_SIGNATURES: Final[dict[str, tuple[type | None, tuple[type, ...]]]] = {
    "gnutls_hash_fast": (c_int, (c_int, c_char_p, c_size_t, c_char_p)),
    "gnutls_privkey_init": (c_int, (_HANDLE,)),
    "gnutls_privkey_deinit": (None, (c_void_p,)),
    "gnutls_privkey_import_x509_raw": (c_int, (c_void_p, _DATUM, c_int, c_char_p, c_uint)),
    "gnutls_privkey_sign_data2": (c_int, (c_void_p, c_int, c_uint, _DATUM, _DATUM)),
    "gnutls_pubkey_init": (c_int, (_HANDLE,)),
    "gnutls_pubkey_deinit": (None, (c_void_p,)),
    "gnutls_pubkey_import": (c_int, (c_void_p, _DATUM, c_int)),
    "gnutls_pubkey_import_privkey": (c_int, (c_void_p, c_void_p, c_uint, c_uint)),
    "gnutls_pubkey_export2": (c_int, (c_void_p, c_int, _DATUM)),
    "gnutls_pubkey_verify_data2": (c_int, (c_void_p, c_int, c_uint, _DATUM, _DATUM)),
    "gnutls_x509_privkey_init": (c_int, (_HANDLE,)),
    "gnutls_x509_privkey_deinit": (None, (c_void_p,)),
    "gnutls_x509_privkey_generate": (c_int, (c_void_p, c_int, c_uint, c_uint)),
    "gnutls_x509_privkey_export2_pkcs8": (c_int, (c_void_p, c_int, c_char_p, c_uint, _DATUM)),
}


class Held:
    """A GnuTLS object that is freed with its last holder."""

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: int | None, free: Callable[[int | None], None]) -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        self._free(self.pointer)


class Libgnutls:
    """libgnutls with its prototypes."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        # gnutls_free is no function but a variable that points to one.
        address = c_void_p.in_dll(library, "gnutls_free").value or 0
        self._free = ctypes.CFUNCTYPE(None, c_void_p)(address)
        self._lib = library

    def hash(self, digest: int, content: bytes, size: int) -> bytes | None:
        """Hash the content into `size` bytes; None when the library was built without it."""
        buffer = ctypes.create_string_buffer(size)
        done = self._lib.gnutls_hash_fast(digest, content, len(content), buffer)
        return buffer.raw if done == 0 else None

    def read_private(self, key: bytes, password: bytes | None) -> Held | None:
        """Read a PKCS#8 key in PEM or DER, encrypted too; None when it is none it can use."""
        held = self._new("privkey")
        armoured = key.lstrip().startswith(b"-----BEGIN")
        done = self._lib.gnutls_privkey_import_x509_raw(
            held.pointer, _lend(key), _PEM if armoured else _DER, password, 0
        )
        return held if done == 0 else None

    def read_public(self, spki: bytes) -> Held | None:
        """Read a SubjectPublicKeyInfo; None when it is none it can use."""
        held = self._new("pubkey")
        done = self._lib.gnutls_pubkey_import(held.pointer, _lend(spki), _DER)
        return held if done == 0 else None

    def write_public(self, private: Held) -> bytes:
        """Return the SubjectPublicKeyInfo of a private key as DER."""
        held = self._new("pubkey")
        self._need(self._lib.gnutls_pubkey_import_privkey(held.pointer, private.pointer, 0, 0))
        return self._take(self._lib.gnutls_pubkey_export2, held.pointer, _DER)

    def sign(self, private: Held, algorithm: int, content: bytes) -> bytes:
        """Hash and sign in one call."""
        call = self._lib.gnutls_privkey_sign_data2
        return self._take(call, private.pointer, algorithm, 0, _lend(content))

    def verify(self, public: Held, algorithm: int, signature: bytes, content: bytes) -> bool:
        """Tell whether the signature is good."""
        answer = self._lib.gnutls_pubkey_verify_data2(
            public.pointer, algorithm, 0, _lend(content), _lend(signature)
        )
        return bool(answer == 0)

    def generate(self, algorithm: int, curve: int) -> bytes:
        """Make a key on a curve and return it as PKCS#8 DER."""
        held = self._new("x509_privkey")
        made = self._lib.gnutls_x509_privkey_generate(held.pointer, algorithm, _CURVE | curve, 0)
        self._need(made)
        call = self._lib.gnutls_x509_privkey_export2_pkcs8
        return self._take(call, held.pointer, _DER, None, _PLAIN)

    def _new(self, kind: str) -> Held:
        pointer = c_void_p()
        self._need(getattr(self._lib, f"gnutls_{kind}_init")(byref(pointer)))
        return Held(pointer.value, getattr(self._lib, f"gnutls_{kind}_deinit"))

    def _take(self, call: Callable[..., int], *arguments: object) -> bytes:
        """Call what fills a datum, and return its octets."""
        out = _Datum()
        self._need(call(*arguments, byref(out)))
        try:
            return ctypes.string_at(out.data, out.size)
        finally:
            self._free(out.data)

    def _need(self, result: int) -> None:
        if result < 0:
            raise HouseError("libgnutls refused a call that must not fail")


def _lend(content: bytes) -> _Datum:
    """Return a datum over these octets; ctypes keeps them alive as long as it."""
    datum = _Datum(ctypes.cast(c_char_p(content), c_void_p), len(content))
    datum.content = content
    return datum


def open_libgnutls(name: str = "libgnutls.so.30") -> Libgnutls | None:
    """Load the system's libgnutls; None where there is none with the calls of version 3.6."""
    try:
        return Libgnutls(ctypes.CDLL(name))
    except (OSError, AttributeError, ValueError):  # ValueError: gnutls_free is not there
        return None
