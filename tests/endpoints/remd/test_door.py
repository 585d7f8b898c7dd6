"""What РЭМД calls in with: early, doubled, malformed, contradicting, forged, hostile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.endpoints.remd.door import RemdDoor
from gateway.errors import MalformedMessage
from gateway.exchange.events import Answered, Source, StillPending, TurnedAway
from gateway.formats.soap import FaultCode, Version, read_fault, read_message
from gateway.ports import Callback, Reference, Unverified
from gateway.signatures.keys import SigningKey
from gateway.signatures.wss import Partner, sign_envelope, verify_envelope
from gateway.transports.ips import canonical_id
from tests.endpoints.remd.conftest import House
from tests.endpoints.remd.registry import (
    CALLBACK,
    NOON,
    NUMBER,
    OUR_ADDRESS,
    entry,
    envelope,
    errors,
    fetch,
    result,
    unbase64,
)

UID = "b3a1c9d0-5a77-4f0e-9f5d-2f1f4f0a9c11"
ATTEMPT = "0190f0c4-0000-7000-8000-00000000abcd"
Hear = Callable[[bytes], Callback]


@pytest.fixture
def hear(house: House, key: Callable[[str], SigningKey]) -> Hear:
    """Return what the door makes of a message that РЭМД has signed."""

    def listen(message: bytes) -> Callback:
        signed = sign_envelope(message, key("remd-partner"), created=NOON)
        return house.door.read(signed, headers={}, now=NOON)

    return listen


@pytest.mark.parametrize(
    "spelling", [ATTEMPT, ATTEMPT.upper(), f"urn:uuid:{ATTEMPT}", ATTEMPT.replace("-", "")]
)
def test_attempt_is_known_in_every_spelling(hear: Hear, spelling: str) -> None:
    callback = hear(envelope(result(spelling, entry(), uid=UID.upper())))

    assert callback.about == Reference(message_id=ATTEMPT, local_uid=UID, number=NUMBER)
    assert isinstance(callback.event, Answered)
    assert (callback.event.registered, callback.event.number) == (True, NUMBER)
    assert callback.event.source is Source.CALLBACK


def test_rejection_and_turning_away_are_told_apart(hear: Hear) -> None:
    rejected = hear(envelope(result(ATTEMPT, errors(("NO_SNILS", "нет")), status="error")))
    late = errors(("RUNTIME_ERROR", "Не удалось зарегистрировать документ за отведенное время"))
    turned = hear(envelope(result(ATTEMPT, late, status="error")))

    assert isinstance(rejected.event, Answered)
    assert not rejected.event.registered
    assert isinstance(turned.event, TurnedAway)
    assert not turned.event.in_time


def test_nested_kind_is_read_as_the_plain_one(hear: Hear) -> None:
    nested = f"<kind><code>187</code></kind>{entry()}"

    assert isinstance(hear(envelope(result(ATTEMPT, nested))).event, Answered)


def test_file_that_is_fetched_means_that_it_is_in_work(hear: Hear) -> None:
    callback = hear(envelope(fetch(UID.upper())))

    assert callback.wants_document
    assert callback.about.local_uid == UID
    assert isinstance(callback.event, StillPending)


@pytest.mark.parametrize(
    "body",
    [
        result(ATTEMPT, ""),
        result(ATTEMPT, entry() + errors(("NO_SNILS", "")), status="error"),
        result(ATTEMPT, "", status="error"),
        result(ATTEMPT, entry(status="Отклонено")),
        result(ATTEMPT, entry(status="Не зарегистрировано")),
        result(ATTEMPT, entry(), status="maybe"),
        result(ATTEMPT, entry()).replace("2026-11-25T15", "2026-11-25T99"),
        result(ATTEMPT, entry()).replace("relatesToMessage", "about"),
        f"<unknown><relatesToMessage>{ATTEMPT}</relatesToMessage></unknown>",
        "",
        fetch(UID) + fetch(UID),
    ],
    ids=[
        *("no-number", "contradicting", "no-cause", "status", "negated", "schema", "date"),
        *("no-relates", "operation", "empty", "two"),
    ],
)
def test_verified_but_unreadable_is_kept_with_what_it_hints_at(
    house: House, hear: Hear, body: str
) -> None:
    callback = hear(envelope(body))

    assert callback.malformed
    assert callback.event is None
    assert callback.about.message_id == (ATTEMPT if "relatesToMessage" in body else "")
    assert house.door.accept(callback, document=None, now=NOON).status == 200


def test_answer_to_what_could_not_be_read_says_error(house: House, hear: Hear) -> None:
    reply = house.door.accept(hear(envelope(result(ATTEMPT, ""))), document=None, now=NOON)

    assert etree.fromstring(reply.body).findtext(f".//{{{CALLBACK}}}status") == "error"


@pytest.mark.parametrize("version", list(Version))
def test_file_goes_back_signed_in_the_callers_version(
    house: House, hear: Hear, key: Callable[[str], SigningKey], version: Version
) -> None:
    callback = hear(envelope(fetch(UID), version=version))
    pins = frozenset({key("ru-clinic77-transport").certificate.sha256})
    clinic = Partner(name="clinic", pins=pins, required_headers=frozenset({"RelatesTo"}))

    reply = house.door.accept(callback, document=house.consignment.document, now=NOON)

    verified = verify_envelope(reply.body, partner=clinic, at=NOON)
    assert verified.verdict.valid
    assert verified.soap == version.namespace
    assert verified.addressing("RelatesTo") == callback.message_id
    file = etree.fromstring(verified.body).findtext(f".//{{{CALLBACK}}}document") or ""
    assert unbase64(file) == house.consignment.document
    assert reply.body.index(b":Body") < 8 * 2**10, (
        "the head that the timeline keeps has the headers"
    )
    assert (reply.name, reply.message_id) == (
        "getDocumentFileResponse",
        canonical_id(verified.addressing("MessageID")),
    )
    assert reply.content_type == version.content_type


def test_answer_is_never_signed_with_another_organisations_key(house: House, hear: Hear) -> None:
    named = f"<organization>1.2.643.9</organization>{entry()}"

    reply = house.door.accept(hear(envelope(result(ATTEMPT, named))), document=None, now=NOON)

    assert b"Signature" not in reply.body


def test_forged_signature_is_unverified_and_hints_at_the_attempt(
    house: House, key: Callable[[str], SigningKey]
) -> None:
    message = envelope(result(ATTEMPT, entry(), uid=UID))
    forged = sign_envelope(message, key("stranger-partner"), created=NOON)

    with pytest.raises(Unverified) as caught:
        house.door.read(forged, headers={}, now=NOON)

    assert caught.value.about == Reference(message_id=ATTEMPT, local_uid=UID, number=NUMBER)
    assert [(kind, verdict.valid) for kind, verdict in house.checks] == [("wss", False)]


def test_a_call_that_holds_is_told_as_a_valid_check(house: House, hear: Hear) -> None:
    hear(envelope(fetch(UID)))

    assert [(kind, verdict.valid) for kind, verdict in house.checks] == [("wss", True)]


def test_changed_number_is_unverified(house: House, key: Callable[[str], SigningKey]) -> None:
    message = envelope(result(ATTEMPT, entry()))
    signed = sign_envelope(message, key("remd-partner"), created=NOON)

    with pytest.raises(Unverified, match="digest-mismatch"):
        house.door.read(signed.replace(b"000000017", b"000000018"), headers={}, now=NOON)


def test_call_without_a_message_id_is_known_by_what_it_signed(
    house: House, key: Callable[[str], SigningKey]
) -> None:
    message = envelope(fetch(UID), message_id="")
    first = sign_envelope(message, key("remd-partner"), created=NOON)
    later = sign_envelope(message, key("remd-partner"), created=NOON + timedelta(seconds=1))

    heard = [house.door.read(one, headers={}, now=NOON) for one in (first, first, later)]

    assert heard[0].message_id.startswith("sha256:")
    assert heard[0].message_id == heard[1].message_id != heard[2].message_id


@pytest.mark.parametrize(
    ("message", "later"),
    [
        (envelope(fetch(UID)), timedelta(minutes=16)),
        (envelope(fetch(UID), to="https://ips.example/somebody"), timedelta()),
    ],
    ids=["stale", "to somebody else"],
)
def test_message_that_is_not_for_here_and_now_is_unverified(
    house: House, key: Callable[[str], SigningKey], message: bytes, later: timedelta
) -> None:
    signed = sign_envelope(message, key("remd-partner"), created=NOON)

    with pytest.raises(Unverified):
        house.door.read(signed, headers={}, now=NOON + later)


def test_own_address_may_end_with_a_stroke(hear: Hear) -> None:
    assert hear(envelope(fetch(UID), to=f"{OUR_ADDRESS}/")).wants_document


@pytest.mark.parametrize("version", list(Version))
def test_header_that_must_be_understood_gets_its_own_fault(
    house: House, hear: Hear, version: Version
) -> None:
    must = {Version.V11: "1", Version.V12: "true"}[version]
    alien = f'<x:Deal xmlns:x="urn:x" soap:mustUnderstand="{must}"/>'
    message = envelope(fetch(UID), version=version, headers=alien)

    with pytest.raises(Unverified) as caught:
        hear(message)
    reply = house.door.refuse(caught.value.text, sender_at_fault=True, request=message)

    content = read_message(reply.body).content
    assert content is not None
    fault = read_fault(content)
    assert fault is not None
    assert fault.code is FaultCode.MUST_UNDERSTAND


def test_wsdl_is_served_whole(house: House) -> None:
    served = etree.fromstring(house.door.wsdl())

    elements = [one.get("name") for one in served.iter("{*}element")]
    assert "registerDocumentResult" in elements
    assert not list(served.iter("{*}include"))


@pytest.fixture(scope="module")
def real() -> bytes:
    return envelope(result(ATTEMPT, entry(), uid=UID))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(junk=st.binary(max_size=400), at=st.integers(0, 2000), cut=st.integers(0, 400))
def test_any_bytes_are_a_callback_or_nobodys(
    house: House, signed: bytes, junk: bytes, at: int, cut: int
) -> None:
    door: RemdDoor = house.door
    for message in (junk, signed[:at] + junk + signed[at + cut :]):
        try:
            callback = door.read(message, headers={}, now=NOON)
        except (Unverified, MalformedMessage):
            continue
        assert callback.message_id
        # A change that is not seen may only have hit what nobody signed.
        assert callback.about.message_id == ATTEMPT


@pytest.fixture
def signed(real: bytes, key: Callable[[str], SigningKey]) -> bytes:
    return sign_envelope(real, key("remd-partner"), created=NOON)
