"""PKCS#12 (RFC 7292) opened by libcrypto: keys of any algorithm, known to it or not.

The bags are walked one by one, so that a key under the OIDs of НУЦ РК comes out as it lies there
and the backends decide. Old containers seal their certificates with RC2-40 (НУЦ РК does still):
the provider `legacy` is loaded in a library context of its own, where nobody else meets it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_void_p
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from gateway.errors import MalformedMessage, SettingError
from gateway.signatures import asn1

_LONGEST: Final = 1 << 20  # bytes of a container: keys and certificates are small
_DATA: Final = 21  # NID_pkcs7_data
_KEY, _SEALED_KEY, _CERTIFICATE = 150, 151, 152  # NIDs of the bags that are read
_SIGNATURES: Final[dict[str, tuple[type | None, tuple[type, ...]]]] = {
    "OSSL_LIB_CTX_new": (c_void_p, ()),
    "OSSL_LIB_CTX_free": (None, (c_void_p,)),
    "OSSL_PROVIDER_load": (c_void_p, (c_void_p, c_char_p)),
    "OSSL_PROVIDER_unload": (c_int, (c_void_p,)),
    "ERR_clear_error": (None, ()),
    "PKCS12_init_ex": (c_void_p, (c_int, c_void_p, c_char_p)),
    "PKCS12_free": (None, (c_void_p,)),
    "d2i_PKCS12": (c_void_p, (POINTER(c_void_p), POINTER(c_char_p), c_long)),
    "PKCS12_mac_present": (c_int, (c_void_p,)),
    "PKCS12_verify_mac": (c_int, (c_void_p, c_char_p, c_int)),
    "PKCS12_unpack_authsafes": (c_void_p, (c_void_p,)),
    "PKCS12_unpack_p7data": (c_void_p, (c_void_p,)),
    "PKCS12_unpack_p7encdata": (c_void_p, (c_void_p, c_char_p, c_int)),
    "PKCS12_SAFEBAG_get_nid": (c_int, (c_void_p,)),
    "PKCS12_SAFEBAG_get0_p8inf": (c_void_p, (c_void_p,)),
    "PKCS12_SAFEBAG_get1_cert": (c_void_p, (c_void_p,)),
    "PKCS12_SAFEBAG_free": (None, (c_void_p,)),
    "PKCS12_decrypt_skey_ex": (c_void_p, (c_void_p, c_char_p, c_int, c_void_p, c_char_p)),
    "PKCS7_free": (None, (c_void_p,)),
    "OPENSSL_sk_num": (c_int, (c_void_p,)),
    "OPENSSL_sk_value": (c_void_p, (c_void_p, c_int)),
    "OPENSSL_sk_pop_free": (None, (c_void_p, c_void_p)),
    "X509_free": (None, (c_void_p,)),
    "i2d_X509": (c_int, (c_void_p, POINTER(c_char_p))),
    "PKCS8_PRIV_KEY_INFO_free": (None, (c_void_p,)),
    "i2d_PKCS8_PRIV_KEY_INFO": (c_int, (c_void_p, POINTER(c_char_p))),
}
_NO_CONTAINER: Final = "this is no PKCS#12 container"
_WRONG: Final = "the container's password is wrong, or it is sealed with what is missing here"


@dataclass(frozen=True, slots=True)
class Container:
    """What came out: keys as unencrypted PKCS#8 DER, certificates as DER."""

    keys: tuple[bytes, ...] = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)


def is_container(content: bytes) -> bool:
    """Tell whether it begins as a PFX does: a SEQUENCE whose first INTEGER is 3 (RFC 7292 §4)."""
    try:
        first = asn1.read_ber(content).members()[0]
    except (MalformedMessage, IndexError):
        return False
    return first.tag == asn1.INTEGER and first.integer() == 3


class Opener:
    """libcrypto's PKCS#12, with a library context of its own."""

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        self._lib = library

    def open(self, content: bytes, password: bytes) -> Container:
        """Return what the container holds; raise SettingError for a wrong password.

        A bag that cannot be opened for want of an algorithm is left out.
        """
        with ExitStack() as stack:
            context = self._lib.OSSL_LIB_CTX_new()
            stack.callback(self._lib.OSSL_LIB_CTX_free, context)
            stack.callback(self._lib.ERR_clear_error)
            for name in (b"default", b"legacy"):
                if provider := self._lib.OSSL_PROVIDER_load(context, name):
                    stack.callback(self._lib.OSSL_PROVIDER_unload, provider)
            container = self._read(content, context)
            stack.callback(self._lib.PKCS12_free, container)
            self._check(container, password)
            bags = list(self._bags(container, password, stack))
            keys = [self._key(bag, password, context) for bag in bags]
            certificates = [self._certificate(bag) for bag in bags]
        return Container(tuple(filter(None, keys)), tuple(filter(None, certificates)))

    def _read(self, content: bytes, context: int) -> int:
        # The context of the empty one stays with what is read into it.
        pointer = c_void_p(self._lib.PKCS12_init_ex(_DATA, context, None))
        cursor = c_char_p(content)
        if not self._lib.d2i_PKCS12(byref(pointer), byref(cursor), len(content)):
            raise SettingError(_NO_CONTAINER)
        return pointer.value or 0

    def _check(self, container: int, password: bytes) -> None:
        sealed = self._lib.PKCS12_mac_present(container)
        if sealed and not self._lib.PKCS12_verify_mac(container, password, len(password)):
            raise SettingError(_WRONG)

    def _bags(self, container: int, password: bytes, stack: ExitStack) -> Iterator[int]:
        safes = self._lib.PKCS12_unpack_authsafes(container)
        for safe in self._members(safes, self._lib.PKCS7_free, stack):
            bags = self._lib.PKCS12_unpack_p7data(safe) or self._lib.PKCS12_unpack_p7encdata(
                safe, password, len(password)
            )
            yield from self._members(bags, self._lib.PKCS12_SAFEBAG_free, stack)

    def _members(self, found: int | None, free: object, stack: ExitStack) -> list[int]:
        """Return what an OpenSSL stack holds, freed when the container is closed."""
        if not found:
            return []
        stack.callback(self._lib.OPENSSL_sk_pop_free, found, free)
        count = self._lib.OPENSSL_sk_num(found)
        return [self._lib.OPENSSL_sk_value(found, number) for number in range(count)]

    def _key(self, bag: int, password: bytes, context: int) -> bytes | None:
        kind = self._lib.PKCS12_SAFEBAG_get_nid(bag)
        write = self._lib.i2d_PKCS8_PRIV_KEY_INFO
        if kind == _KEY:
            return _to_der(write, self._lib.PKCS12_SAFEBAG_get0_p8inf(bag))
        if kind != _SEALED_KEY:
            return None
        opened = self._lib.PKCS12_decrypt_skey_ex(bag, password, len(password), context, None)
        if not opened:
            return None
        try:
            return _to_der(write, opened)
        finally:
            self._lib.PKCS8_PRIV_KEY_INFO_free(opened)

    def _certificate(self, bag: int) -> bytes | None:
        if self._lib.PKCS12_SAFEBAG_get_nid(bag) != _CERTIFICATE:
            return None
        certificate = self._lib.PKCS12_SAFEBAG_get1_cert(bag)
        try:
            return _to_der(self._lib.i2d_X509, certificate)
        finally:
            self._lib.X509_free(certificate)


def open_container(
    content: bytes, password: bytes, *, library: str = "libcrypto.so.3"
) -> Container:
    """Open a PKCS#12 container; raise SettingError for what is none or has another password.

    Without a libcrypto of version 3 `cryptography` opens it, RSA and EC only.
    """
    if len(content) > _LONGEST:
        raise SettingError(_NO_CONTAINER)
    try:
        opener = Opener(ctypes.CDLL(library))
    except (OSError, AttributeError):
        return _open_with_cryptography(content, password)
    return opener.open(content, password)


def _open_with_cryptography(content: bytes, password: bytes) -> Container:
    try:
        key, certificate, more = pkcs12.load_key_and_certificates(content, password)
    except ValueError as error:
        raise SettingError("this is no PKCS#12 container, or its password is wrong") from error
    keys = (
        []
        if key is None
        else [
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        ]
    )
    ders = [
        each.public_bytes(serialization.Encoding.DER)
        for each in ([certificate] if certificate is not None else []) + more
    ]
    return Container(tuple(keys), tuple(ders))


def _to_der(write: Callable[..., int], pointer: int | None) -> bytes | None:
    """Return the DER of an OpenSSL object; None where there is none."""
    size = write(pointer, None) if pointer else 0
    if size <= 0:
        return None
    buffer = ctypes.create_string_buffer(size)
    write(pointer, byref(ctypes.cast(buffer, c_char_p)))
    return buffer.raw
