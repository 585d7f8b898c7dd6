"""ГОСТ 34.10-2015 of НУЦ РК, tried on what its own authority and Kalkan have signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import CryptoUnavailable, SettingError
from gateway.signatures.algorithms import GOST_512, GOST_512_KZ, Family
from gateway.signatures.backends import open_backend
from gateway.signatures.backends.kz import KzBackend
from gateway.signatures.certificates import read_certificate
from gateway.signatures.links import verify_link
from gateway.signatures.lists import read_list, verify_list

BACKEND = open_backend()


@pytest.fixture
def authority(packs_folder: Path) -> bytes:
    return (packs_folder / "kz/pki/nca_gost2015_test.cer").read_bytes()


@pytest.fixture
def revocations(packs_folder: Path) -> bytes:
    return (packs_folder / "kz/pki/nca_gost2022_test.crl").read_bytes()


@pytest.mark.packs
def test_list_of_the_authority_verifies_and_fails_unreversed(
    authority: bytes, revocations: bytes
) -> None:
    issuer, signed = read_certificate(authority), read_list(revocations)
    public = BACKEND.load_public(issuer.spki)

    assert issuer.family is Family.GOST_512_KZ
    assert signed.algorithm is GOST_512_KZ
    assert verify_list(signed, issuer, BACKEND)
    assert not BACKEND.verify(public, GOST_512_KZ, signed.signature[::-1], signed.tbs)


def test_key_of_kazakhstan_signs_under_its_own_names_only() -> None:
    key = BACKEND.load_private(BACKEND.generate(Family.GOST_512_KZ))
    public = BACKEND.load_public(key.spki)
    signature = BACKEND.sign(key, GOST_512_KZ, b"payload")

    assert (key.family, public.family) == (Family.GOST_512_KZ, Family.GOST_512_KZ)
    assert BACKEND.verify(public, GOST_512_KZ, signature, b"payload")
    assert not BACKEND.verify(public, GOST_512, signature, b"payload")
    assert not BACKEND.verify(public, GOST_512_KZ, signature[::-1], b"payload")


def test_key_of_kazakhstan_has_one_family_and_no_other() -> None:
    kz = KzBackend(BACKEND)
    russian = BACKEND.load_private(BACKEND.generate(Family.GOST_512))

    for key in (BACKEND.generate(Family.GOST_512), BACKEND.generate(Family.RSA)):
        with pytest.raises(CryptoUnavailable):
            kz.load_private(key)
    with pytest.raises(CryptoUnavailable):
        kz.load_public(russian.spki)
    with pytest.raises(CryptoUnavailable):
        kz.generate(Family.GOST_512)
    for junk in (b"", b"junk", b"\x30\x00"):
        with pytest.raises(SettingError):
            kz.load_private(junk)
    assert kz.name == f"kz over {BACKEND.name}"


@pytest.mark.packs
def test_authority_whose_own_issuer_is_not_there_is_signed_by_nobody(authority: bytes) -> None:
    issuer = read_certificate(authority)

    assert not verify_link(issuer, issuer, BACKEND)
