"""The primitives, on whatever this machine has."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gateway.errors import CryptoUnavailable, HouseError, MalformedMessage, SettingError
from gateway.signatures.algorithms import (
    DEFAULTS,
    ECDSA_SHA256,
    ECDSA_SHA384,
    GOST_94,
    GOST_256,
    RSA_SHA256,
    RSA_SHA512,
    SHA_256,
    SIGNATURES,
    STREEBOG_256,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
    signature_by_oid,
    signature_by_uri,
    signature_in_cms,
    signatures_by_name,
    signs_with,
)
from gateway.signatures.backends import Chooser, PrivateKey, PublicKey, open_backend
from gateway.signatures.backends.libcrypto import LibcryptoBackend
from gateway.signatures.backends.openssl import open_libcrypto
from gateway.signatures.backends.pyca import Pyca

BACKEND = open_backend()
PYCA = Pyca()
FAMILIES = [pytest.param(row, id=row.name) for row in DEFAULTS.values()]
PLAIN = [pytest.param(row, id=row.name) for row in SIGNATURES[:4]]


@pytest.mark.parametrize("algorithm", FAMILIES)
def test_signature_of_other_bytes_or_another_key_is_bad(algorithm: SignatureAlgorithm) -> None:
    ours = BACKEND.load_private(BACKEND.generate(algorithm.family))
    theirs = BACKEND.load_private(BACKEND.generate(algorithm.family))

    signature = BACKEND.sign(ours, algorithm, b"payload")

    public, other = BACKEND.load_public(ours.spki), BACKEND.load_public(theirs.spki)
    assert BACKEND.verify(public, algorithm, signature, b"payload")
    assert not BACKEND.verify(public, algorithm, signature, b"payloae")
    assert not BACKEND.verify(other, algorithm, signature, b"payload")
    assert not BACKEND.verify(public, algorithm, signature[::-1], b"payload")
    for damaged in (b"", signature[:-1], signature + b"\0", bytes(len(signature)), b"\xff" * 64):
        assert not BACKEND.verify(public, algorithm, damaged, b"payload")


@pytest.mark.parametrize("algorithm", PLAIN)
def test_libcrypto_and_cryptography_read_each_other(algorithm: SignatureAlgorithm) -> None:
    key = BACKEND.generate(algorithm.family)
    ours, theirs = BACKEND.load_private(key), PYCA.load_private(key)

    by_us = BACKEND.sign(ours, algorithm, b"payload")
    by_them = PYCA.sign(theirs, algorithm, b"payload")

    assert ours.spki == theirs.spki
    assert PYCA.verify(PYCA.load_public(ours.spki), algorithm, by_us, b"payload")
    assert BACKEND.verify(BACKEND.load_public(ours.spki), algorithm, by_them, b"payload")
    assert not PYCA.verify(PYCA.load_public(ours.spki), algorithm, by_us[::-1], b"payload")
    assert not PYCA.verify(PYCA.load_public(ours.spki), GOST_256, by_us, b"payload")


@pytest.mark.parametrize("algorithm", FAMILIES)
def test_key_signs_in_its_own_family_only(algorithm: SignatureAlgorithm) -> None:
    other = RSA_SHA256 if algorithm.family is not Family.RSA else GOST_256
    key = BACKEND.load_private(BACKEND.generate(algorithm.family))
    signature = BACKEND.sign(key, algorithm, b"payload")

    assert not BACKEND.verify(BACKEND.load_public(key.spki), other, signature, b"payload")
    with pytest.raises(CryptoUnavailable):
        BACKEND.sign(key, other, b"payload")


@pytest.mark.parametrize("octets", [b"", b"junk", b"\x30\x03\x02\x01\x00", b"-----BEGIN X-----"])
def test_bytes_that_are_no_key_are_turned_away(octets: bytes) -> None:
    for backend in (BACKEND, PYCA):
        with pytest.raises(SettingError):
            backend.load_private(octets)
        with pytest.raises(MalformedMessage):
            backend.load_public(octets)


def test_public_key_followed_by_other_bytes_is_turned_away() -> None:
    spki = BACKEND.load_private(BACKEND.generate(Family.RSA)).spki

    with pytest.raises(MalformedMessage):
        BACKEND.load_public(spki + b"\0")


def test_private_key_does_not_show_in_its_repr() -> None:
    key = BACKEND.load_private(BACKEND.generate(Family.EC))

    assert repr(key) == (f"PrivateKey(backend='{key.backend}', family=<Family.EC: 'ec'>, bits=256)")


def test_what_is_broken_is_known_by_name_and_refused() -> None:
    refused = {row.name for row in SIGNATURES if row.refused}

    assert refused == {"rsa-sha1", "rsa-md5", "ecdsa-sha1", "gost-2001", "gost-2004-kz"}
    assert signatures_by_name(["rsa-sha256"]) == {RSA_SHA256}
    assert signature_by_uri("http://www.w3.org/2000/09/xmldsig#hmac-sha1") is None
    with pytest.raises(KeyError):
        signatures_by_name(["rsa-sha3"])


@pytest.mark.parametrize(
    ("signature", "digest", "meant"),
    [
        ("1.2.840.113549.1.1.1", "2.16.840.1.101.3.4.2.1", "rsa-sha256"),
        ("1.2.840.113549.1.1.11", "2.16.840.1.101.3.4.2.1", "rsa-sha256"),
        ("1.2.643.7.1.1.1.1", "1.2.643.7.1.1.2.2", "gost-256"),
        ("1.2.643.7.1.1.1.1", "1.2.643.7.1.1.2.3", None),
        ("1.2.840.113549.1.1.11", "2.16.840.1.101.3.4.2.3", None),
        ("1.2.840.113549.1.1.1", "1.2.3", None),
        ("1.2.3", "2.16.840.1.101.3.4.2.1", None),
    ],
)
def test_two_oids_of_a_signer_must_agree(signature: str, digest: str, meant: str | None) -> None:
    row = signature_in_cms(signature, digest)

    assert (row.name if row else None) == meant


def test_oids_and_uris_are_one_to_one() -> None:
    assert all(signature_by_oid(row.oid) is row for row in SIGNATURES)
    assert all(signature_by_uri(row.uri) is row for row in SIGNATURES)


@pytest.mark.parametrize("family", [Family.GOST_256, Family.GOST_512])
def test_fallback_says_that_it_cannot_use_gost_keys(family: Family) -> None:
    key = BACKEND.generate(family)

    for read, octets in (
        (PYCA.load_private, key),
        (PYCA.load_public, BACKEND.load_private(key).spki),
    ):
        with pytest.raises(CryptoUnavailable):
            read(octets)
        with pytest.raises(CryptoUnavailable):
            getattr(Chooser([PYCA]), read.__name__)(octets)
    with pytest.raises(CryptoUnavailable):
        PYCA.generate(family)
    with pytest.raises(CryptoUnavailable):
        PYCA.sign(PYCA.load_private(PYCA.generate(Family.EC)), GOST_256, b"payload")


@pytest.mark.parametrize(
    "private", [ec.generate_private_key(ec.SECP521R1()), ed25519.Ed25519PrivateKey.generate()]
)
def test_keys_of_other_kinds_are_not_used(
    private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    key = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    spki = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    for backend in (BACKEND, PYCA):
        with pytest.raises(CryptoUnavailable):
            backend.load_private(key)
        with pytest.raises(CryptoUnavailable):
            backend.load_public(spki)


@pytest.mark.foreign
def test_curve_that_is_spelled_out_is_not_taken_for_a_named_one(
    foreign: Callable[[str], str],
) -> None:
    """CVE-2020-0601: whoever may choose the generator may choose the key."""
    command = [foreign("openssl"), "ecparam", "-name", "prime256v1", "-genkey"]
    key = subprocess.run(
        [*command, "-param_enc", "explicit", "-noout"], capture_output=True, check=True
    ).stdout

    with pytest.raises(CryptoUnavailable):
        BACKEND.load_private(key)


def test_key_goes_back_to_the_backend_that_loaded_it() -> None:
    theirs = PYCA.load_private(PYCA.generate(Family.RSA))

    with pytest.raises(HouseError, match="cryptography, which is not open"):
        BACKEND.sign(theirs, RSA_SHA256, b"payload")


def test_chooser_goes_on_to_the_next_backend() -> None:
    both = Chooser([PYCA, BACKEND])

    gost = both.load_private(both.generate(Family.GOST_256))

    assert both.name == f"cryptography+{BACKEND.name}"
    assert gost.backend == both.load_public(gost.spki).backend == BACKEND.doing(GOST_256)
    assert both.digest(STREEBOG_256, b"") == BACKEND.digest(STREEBOG_256, b"")
    assert both.doing(RSA_SHA256) == "cryptography"


def test_chooser_remembers_who_makes_a_hash() -> None:
    class Deaf(Pyca):
        asked = 0

        def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
            self.asked += 1
            raise CryptoUnavailable(f"no {algorithm.name} of {len(content)} bytes")

    deaf = Deaf()
    both = Chooser([deaf, BACKEND])

    hashes = {both.digest(algorithm, b"x") for algorithm in (STREEBOG_256, SHA_256) * 3}

    assert hashes == {BACKEND.digest(STREEBOG_256, b"x"), BACKEND.digest(SHA_256, b"x")}
    assert deaf.asked == 2
    with pytest.raises(CryptoUnavailable, match="no gost"):
        Chooser([deaf]).digest(GOST_94, b"x")


def test_key_too_small_for_its_hash_is_an_error_of_the_house_and_leaves_no_trace() -> None:
    library = open_libcrypto()
    assert library is not None
    backend = LibcryptoBackend(library)
    tiny = backend.load_private(library.generate(6, b"rsa_keygen_bits", b"512"))

    with pytest.raises(HouseError):
        backend.sign(tiny, RSA_SHA512, b"payload")
    with pytest.raises(CryptoUnavailable):
        backend.digest(GOST_94, b"payload")
    with pytest.raises(CryptoUnavailable):
        backend.generate(Family.GOST_2001)


def test_handle_that_is_no_key_signs_and_verifies_nothing() -> None:
    for family, row in ((Family.RSA, RSA_SHA256), (Family.EC, ECDSA_SHA256)):
        for backend in (BACKEND, PYCA):
            name = BACKEND.doing(row) if backend is BACKEND else PYCA.name
            private = PrivateKey(name, family, 256, b"", object())
            with pytest.raises(CryptoUnavailable, match="cannot sign"):
                backend.sign(private, row, b"payload")
            public = PublicKey(name, family, 256, object())
            assert not backend.verify(public, row, bytes(64), b"payload")


@pytest.mark.parametrize("bits", [1024, 256, 521, 512])
def test_key_of_a_size_that_is_not_used_is_not_made(bits: int) -> None:
    for backend in (BACKEND, PYCA):
        for family in (Family.RSA, Family.EC):
            with pytest.raises(CryptoUnavailable, match=f"of {bits} bits"):
                backend.generate(family, bits)


@pytest.mark.parametrize(("family", "bits"), [(Family.RSA, 4096), (Family.EC, 384)])
def test_larger_keys_are_made_by_both_and_read_by_both(family: Family, bits: int) -> None:
    row = signs_with(family, bits)
    for maker in (BACKEND, PYCA):
        key = maker.generate(family, bits)
        signer, judge = BACKEND.load_private(key), PYCA.load_private(key)

        made, theirs = BACKEND.sign(signer, row, b"payload"), PYCA.sign(judge, row, b"payload")

        assert (signer.bits, judge.bits) == (bits, bits)
        assert len(made) == len(theirs) == (96 if family is Family.EC else 512)
        public = BACKEND.load_public(judge.spki)
        assert BACKEND.verify(public, row, theirs, b"payload")
        assert PYCA.verify(PYCA.load_public(signer.spki), row, made, b"payload")


@pytest.mark.parametrize("bits", [0, 384])
def test_r_and_s_are_as_wide_as_their_curve(bits: int) -> None:
    """The same numbers, written for the other curve, are no signature."""
    key = BACKEND.generate(Family.EC, bits)
    for backend in (BACKEND, PYCA):
        private = backend.load_private(key)
        public = backend.load_public(private.spki)
        made = backend.sign(private, ECDSA_SHA256, b"payload")
        half = len(made) // 2
        padded = bytes(16) + made[:half] + bytes(16) + made[half:]

        assert backend.verify(public, ECDSA_SHA256, made, b"payload")
        for wrong in (padded, made[16:half] + made[half + 16 :], made + b"\0", made[:-1]):
            assert not backend.verify(public, ECDSA_SHA256, wrong, b"payload")


def test_what_a_key_signs_with_follows_its_curve() -> None:
    assert signs_with(Family.EC, 256) is ECDSA_SHA256
    assert signs_with(Family.EC, 384) is ECDSA_SHA384
    for family, row in DEFAULTS.items():
        assert signs_with(family, 256) is row
    with pytest.raises(KeyError):
        signs_with(Family.GOST_2001, 256)


@pytest.mark.parametrize("name", ["libnowhere.so.3", "libc.so.6"])
def test_where_there_is_no_libcrypto_there_is_none(name: str) -> None:
    assert open_libcrypto(name) is None


def test_encrypted_key_in_der_opens_with_its_password() -> None:
    key = BACKEND.generate(Family.RSA)
    private = serialization.load_der_private_key(key, None)
    encrypted = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"word"),
    )

    assert BACKEND.load_private(encrypted, b"word").spki == BACKEND.load_private(key).spki
    with pytest.raises(SettingError):
        BACKEND.load_private(encrypted, b"other")
    with pytest.raises(SettingError):
        BACKEND.load_private(encrypted)
