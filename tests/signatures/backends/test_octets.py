"""Between canonical octets and the form of the wire."""

from __future__ import annotations

import pytest

from gateway.signatures.algorithms import DEFAULTS, ECDSA_SHA256, Family
from gateway.signatures.backends import open_backend
from gateway.signatures.backends.octets import (
    canonical_in_xml,
    canonical_signature,
    ecdsa_from_der,
    ecdsa_to_der,
    spki_algorithm,
    value_in_xml,
    wire_signature,
)
from gateway.signatures.backends.pyca import Pyca

BACKEND = open_backend()


@pytest.mark.parametrize("width", [32, 48])
@pytest.mark.parametrize("r", [1, 0x7F, 0x80, 2**255, 2**256 - 1])
def test_ecdsa_octets_survive_the_way_through_der(r: int, width: int) -> None:
    large = 2 ** (8 * width) - 1
    octets = r.to_bytes(width, "big") + (r ^ large).to_bytes(width, "big")

    der = ecdsa_to_der(octets)

    assert der is not None
    assert ecdsa_from_der(der) == octets
    assert ecdsa_from_der(der + b"\0") == b""
    assert ecdsa_from_der(b"\x30\x81" + der[1:]) == b""


@pytest.mark.parametrize("size", [0, 2, 62, 63, 65, 66, 95, 97, 98, 132])
def test_ecdsa_octets_of_another_size_are_none(size: int) -> None:
    assert ecdsa_to_der(b"\1" * size) is None


def test_numbers_wider_than_every_curve_are_no_signature() -> None:
    wide = b"\x30\x36\x02\x31" + b"\1" * 49 + b"\x02\x01\x01"

    assert ecdsa_from_der(wide) == b""


@pytest.mark.parametrize(
    "octets", [b"", b"\x30", b"\x30\x02\x30\x00", b"\x30\x05\x30\x03\x06\x01\x80"]
)
def test_no_oid_is_read_where_there_is_none(octets: bytes) -> None:
    assert spki_algorithm(octets) is None


def test_signature_in_the_form_of_its_wire_is_not_taken_for_canonical_octets() -> None:
    key = BACKEND.load_private(BACKEND.generate(Family.EC))
    made = BACKEND.sign(key, ECDSA_SHA256, b"payload")

    wire = wire_signature(Family.EC, made)

    assert canonical_signature(Family.EC, wire) == made
    assert wire_signature(Family.EC, b"short") == b""
    for backend in (BACKEND, Pyca()):
        public = backend.load_public(key.spki)
        assert backend.verify(public, ECDSA_SHA256, made, b"payload")
        assert not backend.verify(public, ECDSA_SHA256, wire, b"payload")


@pytest.mark.parametrize("family", [*DEFAULTS, None])
def test_xml_carries_plain_octets_and_kazakhstan_turns_them(family: Family | None) -> None:
    octets = bytes(range(64))
    turned = octets[::-1] if family is Family.GOST_512_KZ else octets

    assert canonical_in_xml(family, octets) == turned
    assert family is None or value_in_xml(family, octets) == turned


def test_asn_1_of_an_unknown_family_is_left_as_it_came() -> None:
    assert canonical_signature(None, b"octets") == b"octets"
