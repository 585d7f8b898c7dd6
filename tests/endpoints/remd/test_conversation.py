"""registerDocument as it leaves, and what each kind of reply to it is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from gateway.errors import CryptoUnavailable, HouseError, SettingError
from gateway.exchange.events import Accepted, Answered, NotSent, Source, TurnedAway, Unavailable
from gateway.findings import Mender
from gateway.formats.soap import FaultCode, Version, write_fault
from gateway.ports import Callback
from gateway.signatures.keys import SigningKey
from gateway.signatures.wss import Partner, sign_envelope, verify_envelope
from tests.endpoints.remd.conftest import House
from tests.endpoints.remd.registry import (
    CLINIC,
    ENTITY,
    NOON,
    OUR_ADDRESS,
    entry,
    envelope,
    fetch,
    refused,
    result,
    taken,
    unbase64,
)

Build = Callable[..., House]
Keys = Callable[..., SigningKey]


@pytest.mark.parametrize("version", list(Version))
async def test_golden_conversation_ends_registered(
    build: Build, key: Keys, version: Version
) -> None:
    house = build(soap=version.value)
    registry, partner = house.registry, key("remd-partner")
    uid = house.consignment.exchange.identity.local_uid
    registry.script = [registry.says(taken(), version=version)]

    sent = await house.endpoint.wrap(house.consignment, now=NOON)
    accepted = await house.endpoint.deliver(sent)
    asked = _hear(house, partner, envelope(fetch(uid.upper()), version=version, to=OUR_ADDRESS))
    file = house.door.accept(asked, document=house.consignment.document, now=NOON)
    told = envelope(result(f"urn:uuid:{sent.message_id.upper()}", entry()), version=version)
    answered = _hear(house, partner, told)

    assert isinstance(accepted, Accepted)
    assert asked.wants_document
    assert asked.about.local_uid == uid
    assert house.consignment.document in _base64_texts(file.body)
    assert isinstance(answered.event, Answered)
    assert answered.event.registered
    assert answered.about.message_id == answered.event.message_id == sent.message_id
    assert house.door.accept(answered, document=None, now=NOON).status == 200


async def test_registration_says_what_the_document_says(house: House) -> None:
    house.registry.script = [house.registry.says(taken())]
    document = house.consignment.document

    sent = await house.endpoint.wrap(house.consignment, now=NOON)
    await house.endpoint.deliver(sent)

    told = house.registry
    assert told.heard == [sent.body]
    assert told.text("//egisz:clientEntityId") == ENTITY
    assert told.text("//wsa:MessageID") == sent.message_id
    assert told.text("//wsa:Action") == "registerDocument"
    assert told.text("//wsa:ReplyTo/wsa:Address") == OUR_ADDRESS
    assert told.text("//ser:kind") == "121"
    assert told.text("//ser:organization") == CLINIC
    assert unbase64(told.text("//ser:digest")) == hashlib.sha256(document).digest()
    assert told.text("//ser:size") == str(len(document))
    roles = [one.text for one in told.find("//ser:role")]
    snils = [one.text for one in told.find("//ser:signer/ser:snils")]
    assert list(zip(roles, snils, strict=True)) == [("14", "99000014871"), ("16", "99000028579")]


async def test_envelope_is_signed_by_the_organisation_and_good_for_ten_minutes(
    house: House, key: Keys
) -> None:
    pins = frozenset({key("ru-clinic77-transport").certificate.sha256})
    wanted = frozenset({"MessageID", "Action", "To", "ReplyTo"})
    clinic = Partner(name="clinic", pins=pins, required_headers=wanted)

    sent = await house.endpoint.wrap(house.consignment, now=NOON)

    fresh = verify_envelope(sent.body, partner=clinic, at=NOON)
    stale = verify_envelope(sent.body, partner=clinic, at=NOON + timedelta(minutes=16))
    assert fresh.verdict.valid
    assert fresh.expires == NOON + timedelta(minutes=10)
    assert not stale.verdict.valid


async def test_resend_is_a_new_envelope_around_the_same_words(house: House) -> None:
    first = await house.endpoint.wrap(house.consignment, now=NOON)
    second = await house.endpoint.wrap(house.consignment, now=NOON + timedelta(hours=1))

    assert first.message_id != second.message_id
    house.registry.heard = [first.body, second.body]
    assert house.registry.text("//ser:registerDocumentRequest", 0) == house.registry.text(
        "//ser:registerDocumentRequest", 1
    )


async def test_synchronous_rejection_is_an_answer_with_its_mender(house: House) -> None:
    told = refused(("INVALID_DOCTOR_NAME", "Имя [Пётр] отличается"), ("RUNTIME_ERROR", "?"))
    house.registry.script = [house.registry.says(told)]

    answer = await _deliver(house)

    assert isinstance(answer, Answered)
    assert not answer.registered
    assert answer.source is Source.SYNCHRONOUS
    assert [one.mender for one in answer.findings] == [Mender.SENDER, Mender.NOBODY]
    assert "Пётр" not in repr(answer.findings)


async def test_nobody_listening_proves_that_nothing_left(build: Build) -> None:
    house = build(url="http://127.0.0.1:9/port/emdr")

    answer = await _deliver(house)

    assert isinstance(answer, NotSent)


async def test_no_answer_after_the_first_byte_is_unknown(house: House) -> None:
    house.registry.script = ["hang up"]

    answer = await _deliver(house)

    assert isinstance(answer, Unavailable)
    assert len(house.registry.heard) == 1  # never twice


async def test_silence_is_unknown(build: Build) -> None:
    house = build(answer_within="0.1s")
    house.registry.script = ["say nothing"]

    assert isinstance(await _deliver(house), Unavailable)


async def test_reply_of_a_stranger_settles_nothing(house: House, key: Keys) -> None:
    stranger = key("stranger-partner")

    def forged(message_id: str) -> tuple[int, dict[str, str], bytes]:
        reply = envelope(refused(("NO_SNILS", "нет")), relates_to=message_id)
        return 200, {}, sign_envelope(reply, stranger, created=NOON)

    house.registry.script = [forged]

    answer = await _deliver(house)

    assert isinstance(answer, Unavailable)
    assert "partner-unknown" in answer.reason


async def test_reply_changed_on_the_way_settles_nothing(house: House) -> None:
    say = house.registry.says(refused(("NO_SNILS", "нет")))

    def changed(message_id: str) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = say(message_id)
        return status, headers, body.replace(b"NO_SNILS", b"NO_SNILZ")

    house.registry.script = [changed]

    answer = await _deliver(house)

    assert isinstance(answer, Unavailable)
    assert "digest-mismatch" in answer.reason


async def test_genuine_reply_to_another_message_settles_nothing(house: House) -> None:
    say = house.registry.says(refused(("NO_SNILS", "нет")))
    house.registry.script = [lambda _: say("00000000-0000-4000-8000-000000000001")]

    answer = await _deliver(house)

    assert isinstance(answer, Unavailable)
    assert answer.reason == "the reply relates to another message"


async def test_unsigned_reply_settles_nothing_unless_the_operator_says_so(build: Build) -> None:
    def bare(message_id: str) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, envelope(refused(("NO_SNILS", "нет")), relates_to=message_id)

    strict, lax = build(), build(replies="transport")
    strict.registry.script = [bare, bare]

    assert isinstance(await _deliver(strict), Unavailable)
    assert isinstance(await _deliver(lax), Answered)


def test_unsigned_replies_are_not_believed_over_an_open_line(build: Build) -> None:
    with pytest.raises(SettingError, match="https"):
        build(replies="transport", url="http://remd.example/")


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (429, {}, None),
        (429, {"Retry-After": "90"}, timedelta(seconds=90)),
        (503, {"Retry-After": "Wed, 25 Nov 2026 12:02:00 GMT"}, timedelta(minutes=2)),
        (503, {"Retry-After": "9" * 30}, timedelta(hours=6)),
    ],
)
async def test_an_unsigned_too_many_or_not_now_only_says_how_long_to_wait(
    house: House, status: int, headers: dict[str, str], wait: timedelta | None
) -> None:
    house.registry.script = [lambda _: (status, headers, b"busy")]

    answer = await _deliver(house)

    assert isinstance(answer, Unavailable), "a gate may say it after the document was taken"
    assert answer.retry_after == wait


async def test_a_signed_no_counts_whatever_the_http_status(house: House, key: Keys) -> None:
    def busy(message_id: str) -> tuple[int, dict[str, str], bytes]:
        reply = envelope(refused(("RATE_LIMIT", "позже")), relates_to=message_id)
        return 429, {}, sign_envelope(reply, key("remd-partner"), created=NOON)

    house.registry.script = [busy]

    assert isinstance(await _deliver(house), TurnedAway)


async def test_checks_of_replies_are_told_forged_and_unreadable_ones_too(
    house: House, key: Keys
) -> None:
    def forged(message_id: str) -> tuple[int, dict[str, str], bytes]:
        reply = envelope(refused(("NO_SNILS", "нет")), relates_to=message_id)
        return 200, {}, sign_envelope(reply, key("stranger-partner"), created=NOON)

    house.registry.script = [
        house.registry.says(refused(("NO_SNILS", "нет"))),
        forged,
        lambda _: (200, {}, b"<a/>"),
    ]

    for _ in range(3):
        await _deliver(house)

    told = [(kind, verdict.valid, len(verdict.signers)) for kind, verdict in house.checks]
    assert told == [("wss", True, 1), ("wss", False, 1), ("wss", False, 0)]


@pytest.mark.parametrize(
    "reply",
    [
        (503, {}, b"<html>down</html>"),
        (500, {}, b""),
        (302, {"Location": "http://127.0.0.1:9/"}, b""),
        (200, {}, b"<a/>"),
        (200, {}, b"\xff\xfe\x00"),
        (200, {}, b"x" * (17 * 2**20)),
    ],
    ids=["page", "empty", "redirect", "other", "bytes", "large"],
)
async def test_what_is_no_reply_is_unknown(
    house: House, reply: tuple[int, dict[str, str], bytes]
) -> None:
    house.registry.script = [lambda _: reply]

    assert isinstance(await _deliver(house), Unavailable)


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (FaultCode.RECEIVER, "boom", Unavailable),
        (FaultCode.SENDER, "clientEntityId is not known", TurnedAway),
        (FaultCode.SENDER, "NO_RMIS: система не зарегистрирована", Answered),
        (FaultCode.RECEIVER, "RATE_LIMIT", TurnedAway),
    ],
)
async def test_signed_fault_is_weighed_by_its_code(
    house: House, key: Keys, version: Version, code: FaultCode, reason: str, kind: type
) -> None:
    def fault(message_id: str) -> tuple[int, dict[str, str], bytes]:
        status, body = write_fault(version, code, reason)
        inner = body.partition(b"Body>")[2].rpartition(b"</soap:Body")[0].decode()
        reply = envelope(inner, version=version, relates_to=message_id)
        return status, {}, sign_envelope(reply, key("remd-partner"), created=NOON)

    house.registry.script = [fault]

    assert isinstance(await _deliver(house), kind)


async def test_unsigned_fault_settles_nothing(house: House) -> None:
    fault = write_fault(Version.V12, FaultCode.SENDER, "NO_RMIS")[1]
    house.registry.script = [lambda _: (400, {}, fault)]

    assert isinstance(await _deliver(house), Unavailable)


async def test_without_the_organisations_key_the_exchange_waits(build: Build) -> None:
    house = build()

    with pytest.raises(CryptoUnavailable, match=CLINIC):
        await house.endpoint.wrap(house.consignment, now=NOON + timedelta(days=4000))


async def test_unknown_organisation_is_a_setting_to_mend(build: Build) -> None:
    house = build(organizations={})

    with pytest.raises(SettingError, match="client_entity_id"):
        await house.endpoint.wrap(house.consignment, now=NOON)


async def test_what_breaks_the_schema_never_leaves(house: House) -> None:
    broken = dict(house.consignment.metadata) | {"number": ""}

    with pytest.raises(HouseError, match=r"service\.xsd"):
        await house.endpoint.wrap(replace(house.consignment, metadata=broken), now=NOON)


async def test_signature_of_nobody_in_the_document_is_left_out(house: House) -> None:
    metadata = dict(house.consignment.metadata)
    metadata["signers"] = metadata["signers"][:1]

    sent = await house.endpoint.wrap(replace(house.consignment, metadata=metadata), now=NOON)

    house.registry.heard = [sent.body]
    assert [one.text for one in house.registry.find("//ser:role")] == ["14"]


async def test_signature_of_another_person_goes_to_the_registry_to_judge(house: House) -> None:
    metadata = dict(house.consignment.metadata)
    chair = metadata["signers"][0] | {"snils": "99000083385"}
    metadata["signers"] = [chair, *metadata["signers"][1:]]

    sent = await house.endpoint.wrap(replace(house.consignment, metadata=metadata), now=NOON)

    house.registry.heard = [sent.body]
    assert house.registry.find("//ser:signer/ser:snils")[0].text == "99000083385"


async def _deliver(house: House) -> object:
    return await house.endpoint.deliver(await house.endpoint.wrap(house.consignment, now=NOON))


def _hear(house: House, partner: SigningKey, message: bytes) -> Callback:
    return house.door.read(sign_envelope(message, partner, created=NOON), headers={}, now=NOON)


def _base64_texts(body: bytes) -> list[bytes]:
    texts = [one.text for one in etree.fromstring(body).iter("{*}document")]
    return [unbase64(text or "") for text in texts]
