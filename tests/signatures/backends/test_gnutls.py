"""GOST by GnuTLS, beside whatever else this machine has."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.errors import CryptoUnavailable, HouseError, MalformedMessage, SettingError
from gateway.signatures.algorithms import (
    GOST_256,
    GOST_512,
    RSA_SHA256,
    SHA_256,
    STREEBOG_256,
    STREEBOG_512,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends import PrivateKey, PublicKey, open_backend
from gateway.signatures.backends.chooser import assemble
from gateway.signatures.backends.gnutls import GnutlsBackend
from gateway.signatures.backends.libgnutls import Libgnutls, open_libgnutls
from gateway.signatures.backends.vectors import CERTIFICATES, Signed

ENGINE = ("-engine", "gost")
KEYS = [
    pytest.param(GOST_256, "gost2012_256", "A", id="256-cryptopro-a"),
    pytest.param(GOST_256, "gost2012_256", "XA", id="256-cryptopro-xcha"),
    pytest.param(GOST_256, "gost2012_256", "TCB", id="256-tc26-b"),
    pytest.param(GOST_512, "gost2012_512", "A", id="512-tc26-a"),
]
OTHERS = [
    pytest.param("gost2012_256", curve, id=f"256-{curve}")
    for curve in ("B", "C", "XB", "TCA", "TCC", "TCD")
] + [pytest.param("gost2012_512", curve, id=f"512-{curve}") for curve in ("B", "C")]
FAMILIES = [pytest.param(row, id=row.name) for row in (GOST_256, GOST_512)]


def make(openssl: str, algorithm: str, curve: str) -> bytes:
    """Return a private key in PEM, made by openssl."""
    wanted = ("-algorithm", algorithm, "-pkeyopt", f"paramset:{curve}")
    command = [openssl, "genpkey", *ENGINE, *wanted]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def library() -> Libgnutls:
    found = open_libgnutls()
    if found is None:
        raise CryptoUnavailable("GnuTLS is not installed")
    return found


@pytest.fixture(scope="module")
def gnutls(library: Libgnutls) -> GnutlsBackend:
    return GnutlsBackend(library)


@pytest.mark.foreign
@pytest.mark.parametrize(("algorithm", "name", "curve"), KEYS)
def test_openssl_finds_good_what_gnutls_signs_with_its_key(
    gnutls: GnutlsBackend,
    foreign: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
    algorithm: SignatureAlgorithm,
    name: str,
    curve: str,
) -> None:
    openssl, folder = foreign("openssl"), tmp_path_factory.mktemp("interop")
    hashed = f"-md_gost12_{algorithm.name[-3:]}"
    (folder / "content").write_bytes(b"payload")
    for _ in range(8):
        pem = make(openssl, name, curve)
        (folder / "key").write_bytes(pem)
        key = gnutls.load_private(pem)
        (folder / "ours").write_bytes(gnutls.sign(key, algorithm, b"payload"))
        dgst = [openssl, "dgst", *ENGINE, hashed]
        judged = subprocess.run(
            [*dgst, "-prverify", folder / "key", "-signature", folder / "ours", folder / "content"],
            capture_output=True,
            text=True,
            check=False,
        )
        theirs = subprocess.run(
            [*dgst, "-sign", folder / "key", folder / "content"], capture_output=True, check=True
        ).stdout
        exported = subprocess.run(
            [openssl, "pkey", *ENGINE, "-in", folder / "key", "-pubout", "-outform", "DER"],
            capture_output=True,
            check=True,
        ).stdout

        assert judged.stdout.strip() == "Verified OK", judged.stderr
        assert gnutls.verify(gnutls.load_public(exported), algorithm, theirs, b"payload")
        assert key.spki == exported


@pytest.mark.foreign
@pytest.mark.parametrize(("name", "curve"), OTHERS)
def test_curve_that_gnutls_has_not_makes_the_exchange_wait(
    gnutls: GnutlsBackend, library: Libgnutls, foreign: Callable[[str], str], name: str, curve: str
) -> None:
    pem = make(foreign("openssl"), name, curve)

    for backend in (gnutls, assemble(None, library)):
        with pytest.raises(CryptoUnavailable, match="gnutls has no curve 1"):
            backend.load_private(pem)


@pytest.mark.parametrize("signed", CERTIFICATES[:3], ids=lambda each: each.name)
def test_public_key_on_a_curve_that_gnutls_has_not_is_named(
    gnutls: GnutlsBackend, signed: Signed
) -> None:
    spki, _, _ = signed.open()

    with pytest.raises(CryptoUnavailable, match="gnutls has no curve 1"):
        gnutls.load_public(spki)


@pytest.mark.parametrize("algorithm", FAMILIES)
def test_signature_of_another_length_or_content_is_bad_and_never_raises(
    gnutls: GnutlsBackend, algorithm: SignatureAlgorithm
) -> None:
    key = gnutls.load_private(gnutls.generate(algorithm.family))
    public = gnutls.load_public(key.spki)
    good = gnutls.sign(key, algorithm, b"payload")

    assert len(good) == key.bits // 4 == public.bits // 4
    assert gnutls.verify(public, algorithm, good, b"payload")
    assert not gnutls.verify(public, algorithm, good, b"payloae")
    zeros, ones = bytes(len(good)), b"\xff" * len(good)
    for bad in (b"", good[:-1], good + b"\0", b"\0" + good, good[::-1], zeros, ones, good * 2):
        assert not gnutls.verify(public, algorithm, bad, b"payload")


def test_length_is_counted_by_us_before_the_library_is_asked(library: Libgnutls) -> None:
    class Trusting(Libgnutls):
        def __init__(self) -> None:
            super().__init__(library._lib)

        def verify(self, *_: object) -> bool:
            return True

    trusting = GnutlsBackend(Trusting())
    public = trusting.load_public(trusting.load_private(trusting.generate(Family.GOST_256)).spki)

    assert trusting.verify(public, GOST_256, bytes(64), b"")
    assert not trusting.verify(public, GOST_256, bytes(63), b"")
    assert not trusting.verify(public, GOST_256, bytes(65), b"")
    assert not trusting.verify(public, GOST_512, bytes(64), b"")


@pytest.mark.parametrize("algorithm", FAMILIES)
def test_key_signs_in_its_own_family_only(
    gnutls: GnutlsBackend, algorithm: SignatureAlgorithm
) -> None:
    key = gnutls.load_private(gnutls.generate(algorithm.family))
    other = GOST_512 if algorithm is GOST_256 else GOST_256

    for wrong in (other, RSA_SHA256):
        with pytest.raises(CryptoUnavailable, match="cannot sign"):
            gnutls.sign(key, wrong, b"payload")
    stranger = PrivateKey("gnutls", algorithm.family, key.bits, key.spki, object())
    with pytest.raises(CryptoUnavailable, match="cannot sign"):
        gnutls.sign(stranger, algorithm, b"payload")
    unknown = PublicKey("gnutls", algorithm.family, key.bits, object())
    assert not gnutls.verify(unknown, algorithm, bytes(key.bits // 4), b"payload")


def test_hashes_are_those_of_the_other_backends(gnutls: GnutlsBackend) -> None:
    for row in (STREEBOG_256, STREEBOG_512):
        for content in (b"", b"payload", b"x" * 100_000):
            assert gnutls.digest(row, content) == open_backend().digest(row, content)
    with pytest.raises(CryptoUnavailable):
        gnutls.digest(SHA_256, b"")


def test_library_that_was_built_without_gost_has_none(library: Libgnutls) -> None:
    class Plain(Libgnutls):
        def __init__(self) -> None:
            super().__init__(library._lib)

        def hash(self, digest: int, content: bytes, size: int) -> bytes | None:
            return super().hash(9999 + digest, content, size)

    plain = GnutlsBackend(Plain())

    assert not plain.supports(GOST_256)
    with pytest.raises(CryptoUnavailable):
        plain.digest(STREEBOG_256, b"")
    assert assemble(None, Plain()).doing(GOST_512) == ""


def test_hash_that_fails_at_work_is_unavailable_and_no_digest(library: Libgnutls) -> None:
    class Failing(Libgnutls):
        def __init__(self) -> None:
            super().__init__(library._lib)

        def hash(self, digest: int, content: bytes, size: int) -> bytes | None:
            return super().hash(digest, content, size) if not content else None

    with pytest.raises(CryptoUnavailable):
        GnutlsBackend(Failing()).digest(STREEBOG_512, b"payload")


@pytest.mark.parametrize("row", [STREEBOG_256, STREEBOG_512])
def test_family_whose_hash_is_missing_is_not_supported(
    library: Libgnutls, row: DigestAlgorithm
) -> None:
    class Half(Libgnutls):
        def __init__(self) -> None:
            super().__init__(library._lib)

        def hash(self, digest: int, content: bytes, size: int) -> bytes | None:
            return super().hash(digest, content, size) if size == row.size else None

    half = GnutlsBackend(Half())

    assert [half.supports(each) for each in (GOST_256, GOST_512, RSA_SHA256)] == [
        row is STREEBOG_256,
        row is STREEBOG_512,
        False,
    ]


@pytest.mark.parametrize("octets", [b"", b"junk", b"\x30\x03\x02\x01\x00", b"-----BEGIN X-----"])
def test_bytes_that_are_no_key_are_turned_away(gnutls: GnutlsBackend, octets: bytes) -> None:
    with pytest.raises(SettingError):
        gnutls.load_private(octets)
    with pytest.raises(MalformedMessage):
        gnutls.load_public(octets)


def test_public_key_whose_point_is_none_is_turned_away(gnutls: GnutlsBackend) -> None:
    spki = gnutls.load_private(gnutls.generate(Family.GOST_256)).spki

    with pytest.raises(MalformedMessage):
        gnutls.load_public(spki[: -64 - 4] + b"\x03\x42\x00\x04\x40" + bytes(64)[:-1])
    with pytest.raises(MalformedMessage):
        gnutls.load_public(spki.replace(b"\x03\x43\x00\x04\x40", b"\x03\x43\x00\x05\x40"))


def test_key_of_another_family_is_left_to_the_others(gnutls: GnutlsBackend) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        pem = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        with pytest.raises(CryptoUnavailable):
            gnutls.load_private(pem)
    spki = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(CryptoUnavailable):
        gnutls.load_public(spki)
    with pytest.raises(CryptoUnavailable):
        gnutls.generate(Family.RSA)


@pytest.mark.foreign
def test_encrypted_key_opens_with_its_password(
    gnutls: GnutlsBackend, library: Libgnutls, foreign: Callable[[str], str]
) -> None:
    openssl = foreign("openssl")
    pem = make(openssl, "gost2012_256", "A")
    sealed = subprocess.run(
        [openssl, "pkcs8", *ENGINE, "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:word"],
        input=pem,
        capture_output=True,
        check=True,
    ).stdout

    for backend in (gnutls, assemble(None, library), open_backend()):
        assert backend.load_private(sealed, b"word").spki == gnutls.load_private(pem).spki
        for wrong in (b"other", None):
            with pytest.raises(SettingError, match="password is wrong"):
                backend.load_private(sealed, wrong)


def test_one_key_signs_in_many_threads(gnutls: GnutlsBackend) -> None:
    key = gnutls.load_private(gnutls.generate(Family.GOST_256))
    public = gnutls.load_public(key.spki)

    def work(number: int) -> bool:
        content = bytes([number])
        return gnutls.verify(public, GOST_256, gnutls.sign(key, GOST_256, content), content)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(200)))


@pytest.mark.parametrize("name", ["libnowhere.so.30", "libc.so.6"])
def test_where_there_is_no_gnutls_there_is_none(name: str) -> None:
    assert open_libgnutls(name) is None


def test_call_that_must_not_fail_and_does_is_an_error_of_the_house(library: Libgnutls) -> None:
    with pytest.raises(HouseError):
        library.generate(9, 9999)
