"""Whatever strangers send becomes an answer, never a crash of the sandbox."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import MalformedMessage
from gateway.sandbox.remd.cms import SignatureFault, read_signature
from gateway.sandbox.remd.document import find_mismatches
from gateway.sandbox.remd.metadata import find_faults, read_metadata
from gateway.sandbox.remd.soap import read_envelope
from gateway.sandbox.remd.trust import Trust, read_certificate
from gateway.signatures.backends import open_backend
from tests.sandbox.remd.conftest import CLOCK
from tests.sandbox.remd.containers import make_container, read_hand
from tests.sandbox.remd.papers import SERVICE, Paper, make_paper

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
UID = "6bb2f1f6-0d0e-4d3a-8f4a-0d7a1d1f0001"


def spoil(octets: bytes, place: float, by: int, cut: int) -> bytes:
    """Change one byte, and cut off some of the end."""
    index = int(place * (len(octets) - 1))
    changed = octets[:index] + bytes((octets[index] ^ by,)) + octets[index + 1 :]
    return changed[: len(changed) - cut]


SPOILING = {
    "place": st.floats(0, 1),
    "by": st.integers(1, 255),
    "cut": st.sampled_from([0, 0, 0, 1, 40]),
}


@pytest.fixture(scope="module")
def trust(pki: Path) -> Trust:
    return Trust(pki / "trust", open_backend())


@pytest.fixture(scope="module")
def container(pki: Path) -> bytes:
    return make_container(b"content", read_hand(pki, "ru-clinic77-chair"), at=CLOCK.now())


@pytest.fixture(scope="module")
def paper(pki: Path) -> Paper:
    def seal(certificate: str, content: bytes) -> bytes:
        return b"not needed here"

    return make_paper(1, UID, CLOCK.now() - timedelta(minutes=1), seal)


@QUICK
@given(**SPOILING)
def test_spoilt_container_never_counts_as_another_signature(
    trust: Trust, container: bytes, place: float, by: int, cut: int
) -> None:
    now = CLOCK.now()
    backend = open_backend()
    whole = read_signature(container, trust, backend, now=now, created=now)

    try:
        spoilt = spoil(container, place, by, cut)
        read = read_signature(spoilt, trust, backend, now=now, created=now)
    except SignatureFault:
        return  # what is not signed may change; what it says of file and signer may not
    assert read.message_digest == whole.message_digest
    assert read.certificate.spki == whole.certificate.spki


@QUICK
@given(octets=st.binary(max_size=400))
def test_any_bytes_are_no_certificate_or_one(octets: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_certificate(octets)


@QUICK
@given(**SPOILING)
def test_spoilt_certificate_is_read_or_malformed(
    pki: Path, place: float, by: int, cut: int
) -> None:
    octets = spoil(read_hand(pki, "ru-clinic77-chair").certificate, place, by, cut)

    try:
        read = read_certificate(octets)
    except MalformedMessage:
        return
    assert read.der == octets


def test_certificates_parts_are_the_bytes_that_were_signed(pki: Path) -> None:
    for name in ("ru-clinic77-chair", "ru-clinic77-chair-gost"):
        der = read_hand(pki, name).certificate
        read = read_certificate(der)

        assert all(part in read.tbs for part in (read.issuer, read.subject, read.spki))
        assert read.tbs in der
        assert open_backend().load_public(read.spki).bits in (2048, 256)


@QUICK
@given(octets=st.binary(max_size=200))
def test_any_bytes_are_no_envelope(octets: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_envelope(octets)


@QUICK
@given(**SPOILING)
def test_spoilt_file_is_compared_or_refused(paper: Paper, place: float, by: int, cut: int) -> None:
    metadata = read_metadata(paper.request())

    found = find_mismatches(spoil(paper.content, place, by, cut), metadata)

    assert all(item.code for item in found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("creationDate", "2026-01-01T24:00:00Z"),
        ("creationDate", "12026-01-01T00:00:00Z"),
        ("creationDate", "0001-01-01T00:00:00+14:00"),
        ("birthDate", "-0044-03-15"),
    ],
)
def test_moment_that_only_the_schema_knows_is_a_fault(paper: Paper, name: str, text: str) -> None:
    request = paper.request()
    element = next(request.iter(f"{{{SERVICE}}}{name}"))
    element.text = text

    assert [item.code for item in find_faults(request)] == ["VALIDATION_ERROR"]


@pytest.mark.parametrize("written", ["202601011200+2959", "20260101120", "", "вчера"])
def test_effective_time_that_is_no_time_is_a_mismatch(paper: Paper, written: str) -> None:
    root = etree.fromstring(paper.content, etree.XMLParser(resolve_entities=False))
    element = root.find("{urn:hl7-org:v3}effectiveTime")
    assert element is not None
    element.set("value", written)

    found = find_mismatches(etree.tostring(root), read_metadata(paper.request()))

    assert [item.code for item in found] == ["VALIDATION_ERROR"]
