"""PKCS#12 as openssl and others write it."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import SettingError
from gateway.signatures.algorithms import GOST_512_KZ, Family
from gateway.signatures.backends import open_backend
from gateway.signatures.backends.containers import Opener, is_container, open_container
from gateway.signatures.certificates import split_pem, write_pem
from tests.signatures.kz.relabelling import relabel, relabel_container

WORD = "слово"
PASSWORD = WORD.encode()
NOWHERE = "libnowhere.so.3"
ENGINE = ("-engine", "gost")
Pack = Callable[..., bytes]


@pytest.fixture
def pack(foreign: Callable[[str], str], pki: Path, tmp_path: Path) -> Pack:
    """Return a function that lets openssl pack a key of the test PKI."""
    openssl = foreign("openssl")

    def make(name: str, *options: str, key: bytes = b"") -> bytes:
        file = pki / f"{name}.key.pem"
        if key:
            file = tmp_path / "key.pem"
            file.write_bytes(write_pem("PRIVATE KEY", key))
        certificate = () if "-nocerts" in options else ("-in", pki / f"{name}.cert.pem")
        return subprocess.run(
            [
                *(openssl, "pkcs12", *ENGINE, "-export", *options),
                *("-inkey", file, *certificate, "-passout", f"pass:{WORD}"),
            ],
            capture_output=True,
            check=True,
        ).stdout

    return make


def certificate(pki: Path, name: str) -> bytes:
    (_, der), *_ = split_pem((pki / f"{name}.cert.pem").read_bytes())
    return der


@pytest.mark.foreign
@pytest.mark.parametrize("suffix", ["", "-gost"])
@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="aes"),
        pytest.param(("-legacy",), id="3des-and-rc2-40"),
        pytest.param(("-keypbe", "NONE", "-certpbe", "NONE"), id="open"),
        pytest.param(("-nomac",), id="no-mac"),
    ],
)
def test_key_and_certificate_of_openssl_come_out(
    pack: Pack, pki: Path, suffix: str, options: tuple[str, ...]
) -> None:
    name = f"ru-clinic77-chair{suffix}"
    backend = open_backend()

    content = pack(name, *options)
    opened = open_container(content, PASSWORD)

    assert is_container(content)
    (key,) = opened.keys
    mine = backend.load_private((pki / f"{name}.key.pem").read_bytes())
    assert backend.load_private(key).spki == mine.spki
    assert opened.certificates == (certificate(pki, name),)
    assert key.hex() not in repr(opened)


@pytest.mark.foreign
def test_certificates_above_come_out_too(pack: Pack, pki: Path) -> None:
    above = pki / "ru-issuing.cert.pem"

    opened = open_container(pack("ru-clinic77-chair", "-certfile", str(above)), PASSWORD)

    assert set(opened.certificates) == {
        certificate(pki, "ru-clinic77-chair"),
        certificate(pki, "ru-issuing"),
    }


@pytest.mark.foreign
@pytest.mark.parametrize("options", [(), ("-legacy",)])
def test_wrong_password_is_named(pack: Pack, options: tuple[str, ...]) -> None:
    content = pack("ru-clinic77-chair", *options)

    for library in ("libcrypto.so.3", NOWHERE):
        for wrong in (b"", b"other"):
            with pytest.raises(SettingError, match="password is wrong"):
                open_container(content, wrong, library=library)


@pytest.mark.foreign
def test_key_without_a_mac_stays_closed_under_a_wrong_password(pack: Pack) -> None:
    opened = open_container(pack("ru-clinic77-chair", "-nomac"), b"other")

    assert opened.keys == ()


@pytest.mark.foreign
def test_key_under_a_gost_password_needs_the_engine(pack: Pack) -> None:
    content = pack("ru-clinic77-chair-gost", "-keypbe", "gost89", "-certpbe", "gost89")

    opened = open_container(content, PASSWORD)

    with_engine = open_backend().name == "libcrypto-gost"
    assert (len(opened.keys), len(opened.certificates)) == ((1, 1) if with_engine else (0, 0))


@pytest.mark.foreign
def test_key_of_kazakhstan_comes_out_under_its_own_names(pack: Pack) -> None:
    """Written by openssl and relabelled: no container of НУЦ РК was here to try."""
    backend = open_backend()
    russian = backend.generate(Family.GOST_512)
    packed = pack("", "-nocerts", "-keypbe", "PBE-SHA1-3DES", key=russian)

    (key,) = open_container(relabel_container(packed, WORD), PASSWORD).keys

    private = backend.load_private(key)
    assert private.family is Family.GOST_512_KZ
    assert private.spki[-128:] == backend.load_private(russian).spki[-128:]
    assert private.spki == backend.load_private(relabel(russian)).spki
    made = backend.sign(private, GOST_512_KZ, b"payload")
    assert backend.verify(backend.load_public(private.spki), GOST_512_KZ, made, b"payload")


def test_without_libcrypto_another_library_opens_rsa_and_ec(pki: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    chair = x509.load_der_x509_certificate(certificate(pki, "ru-issuing"))
    sealing = serialization.BestAvailableEncryption(PASSWORD)
    whole = pkcs12.serialize_key_and_certificates(b"name", private, None, [chair], sealing)
    alone = pkcs12.serialize_key_and_certificates(b"name", None, chair, None, sealing)

    for library in ("libcrypto.so.3", NOWHERE):
        opened = open_container(whole, PASSWORD, library=library)
        (key,) = opened.keys
        assert open_backend().load_private(key).family is Family.EC
        assert opened.certificates == (certificate(pki, "ru-issuing"),)
        without = open_container(alone, PASSWORD, library=library)
        assert (without.keys, len(without.certificates)) == ((), 1)


class Sparse:
    """A libcrypto that lacks a provider, or fails where it should not."""

    def __init__(self, **calls: object) -> None:
        self._library = ctypes.CDLL("libcrypto.so.3")
        self._calls = calls

    def __getattr__(self, name: str) -> object:
        found = getattr(self._library, name)
        return self._calls.get(name) or found


def test_without_the_provider_of_old_seals_the_rest_comes_out(pki: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    sealing = serialization.BestAvailableEncryption(PASSWORD)
    whole = pkcs12.serialize_key_and_certificates(b"name", private, None, None, sealing)
    library = ctypes.CDLL("libcrypto.so.3")
    real = Opener(library)

    def load(context: int, name: bytes) -> int | None:
        return library.OSSL_PROVIDER_load(context, name) if name == b"default" else None

    sparse = Opener(Sparse(OSSL_PROVIDER_load=_Call(load)))  # type: ignore[arg-type] # its twin

    assert sparse.open(whole, PASSWORD) == real.open(whole, PASSWORD)


def test_bag_that_cannot_be_written_down_is_left_out(pki: Path) -> None:
    chair = x509.load_der_x509_certificate(certificate(pki, "ru-issuing"))
    sealing = serialization.BestAvailableEncryption(PASSWORD)
    alone = pkcs12.serialize_key_and_certificates(b"name", None, chair, None, sealing)
    sparse = Sparse(i2d_X509=_Call(lambda *_: -1))

    assert Opener(sparse).open(alone, PASSWORD).certificates == ()  # type: ignore[arg-type] # its twin


def test_part_that_cannot_be_unsealed_is_left_out(pki: Path) -> None:
    chair = x509.load_der_x509_certificate(certificate(pki, "ru-issuing"))
    private = ec.generate_private_key(ec.SECP256R1())
    sealing = serialization.BestAvailableEncryption(PASSWORD)
    whole = pkcs12.serialize_key_and_certificates(b"name", private, None, [chair], sealing)
    sparse = Sparse(PKCS12_unpack_p7encdata=_Call(lambda *_: None))

    opened = Opener(sparse).open(whole, PASSWORD)  # type: ignore[arg-type] # its twin

    assert (len(opened.keys), opened.certificates) == (1, ())


class _Call:
    """A call that may be given a prototype, as ctypes' may."""

    def __init__(self, call: Callable[..., int | None]) -> None:
        self._call = call

    def __call__(self, *arguments: int) -> int | None:
        return self._call(*arguments)


@given(st.binary(max_size=200))
def test_any_octets_are_a_container_or_a_wrong_setting(octets: bytes) -> None:
    for content in (octets, b"\x30\x06\x02\x01\x03\x30\x01" + octets):
        is_container(content)
        for library in ("libcrypto.so.3", NOWHERE):
            with pytest.raises(SettingError):
                open_container(content, PASSWORD, library=library)


@pytest.mark.parametrize(
    ("octets", "is_one"),
    [
        (b"", False),
        (b"\x30\x00", False),
        (b"\x30\x03\x02\x01\x03", True),
        (b"\x30\x03\x02\x01\x00", False),
        (b"\x30\x03\x04\x01\x03", False),
        (b"\x30\x80\x02\x01\x03\x00\x00", True),
    ],
)
def test_container_is_known_by_its_version(octets: bytes, is_one: bool) -> None:  # noqa: FBT001 - a table
    assert is_container(octets) is is_one


def test_what_is_too_long_is_not_even_looked_at() -> None:
    with pytest.raises(SettingError, match="no PKCS#12"):
        open_container(bytes(2**20 + 1), PASSWORD)
