"""Documents come in: once, whole, and never half-stored."""

import re
import threading
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from gateway import resources
from gateway.doors import SystemIds
from gateway.errors import MalformedMessage
from gateway.exchange import events as e
from gateway.exchange.states import Outcome, State
from gateway.flow.intake import Intake, KeyReused, NotYours, Submission, Taken, UnsupportedFormat
from gateway.flow.offloop import LIGHT
from gateway.formats.cda import CdaDocument
from gateway.ports import IdentityTaken, Sender, SignerCms
from gateway.samples.maker import Maker, SampleDocument
from gateway.settings import SignaturesComing
from gateway.validation.dictionaries import Dictionaries
from gateway.validation.validator import Report, Validator
from tests.flow.conftest import NOON, World
from tests.flow.test_signature import Recipient

MIS = Sender(name="mis", signatures=SignaturesComing.LATER)
STRICT = Sender(name="strict", signatures=SignaturesComing.WITH_DOCUMENT)
CHAIR = SignerCms(role="14", content=b"cms")


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load(resources.PROFILES, Dictionaries.load(resources.MAPPINGS / "terminology"))


@dataclass
class Edge:
    world: World
    validator: Validator

    @property
    def intake(self) -> Intake:
        return Intake(
            desk=self.world.desk,
            endpoints={"remd": Recipient()},
            validator=self.validator,
            ids=SystemIds(),
            patient_index=lambda snils: f"index of {snils}",
            local_date=lambda: date(2026, 11, 25),
        )

    async def take(self, content: bytes, **more: Any) -> Taken:
        more = {"sender": MIS, **more}
        return await self.intake.take(Submission(content=content, **more))


@pytest.fixture
def edge(world: World, validator: Validator) -> Edge:
    return Edge(world, validator)


def referral(number: int = 1) -> SampleDocument:
    return Maker().make(number, now=NOON, ids=SystemIds())


def broken(document: bytes) -> bytes:
    """Return the document with a СНИЛС whose checksum is wrong."""
    found = re.search(rb'root="1\.2\.643\.100\.3" extension="(\d{3}-\d{3}-\d{3} )(\d\d)"', document)
    assert found
    wrong = b"%02d" % ((int(found[2]) + 1) % 100)
    return document.replace(found[1] + found[2], found[1] + wrong)


@dataclass
class Watched:
    """The validator, and in which threads it was asked."""

    validator: Validator
    threads: list[int] = field(default_factory=list)

    def check(self, document: CdaDocument, *, today: date) -> Report:
        self.threads.append(threading.get_ident())
        return self.validator.check(document, today=today)


async def test_a_large_document_is_checked_beside_the_loop(
    world: World, validator: Validator
) -> None:
    watched = Watched(validator)
    intake = replace(Edge(world, validator).intake, validator=watched)
    small, large = referral(1).content, referral(2).content + b"<!--" + b" " * LIGHT + b"-->"

    for content in (small, large):
        await intake.take(Submission(sender=MIS, content=content))

    here = threading.get_ident()
    assert [one == here for one in watched.threads] == [True, False]


async def test_a_good_document_is_received_and_kept_as_it_came(edge: Edge) -> None:
    document = referral()

    taken = await edge.take(document.content)

    assert (taken.standing, taken.exchange.state) == ("accepted", State.RECEIVED)
    assert taken.exchange.identity.local_uid == document.local_uid
    assert taken.exchange.identity.kind == "121"
    kept = await edge.world.ledger.payload(taken.exchange.id, "document")
    assert kept == document.content


async def test_the_patient_is_known_by_an_index_only(edge: Edge) -> None:
    taken = await edge.take(referral().content)

    assert re.fullmatch(r"index of \d{11}", taken.exchange.identity.patient)


async def test_the_same_bytes_are_the_same_exchange(edge: Edge) -> None:
    document = referral()
    first = await edge.take(document.content)

    second = await edge.take(document.content)

    assert (second.standing, second.exchange.id) == ("same", first.exchange.id)


async def test_other_bytes_under_the_same_id_are_a_conflict_with_both_hashes(edge: Edge) -> None:
    document = referral()
    await edge.take(document.content)
    other = document.content + b"\n"

    with pytest.raises(IdentityTaken) as caught:
        await edge.take(other)

    assert len(re.findall(r"[0-9a-f]{64}", caught.value.text)) == 2
    report = await edge.world.ledger.verify_journal()
    assert (report.chains, report.reason) == (2, ""), "the conflict has its entry in the chain"


async def test_a_faulty_document_is_refused_and_closed_in_one_go(edge: Edge) -> None:
    taken = await edge.take(broken(referral().content))

    assert taken.standing == "refused"
    assert taken.exchange.state is State.CLOSED
    assert taken.exchange.outcome is Outcome.REFUSED
    assert taken.findings
    (entry,) = await edge.world.ledger.inbox("mis", after=0, limit=9)
    assert entry.kind == "refused"


async def test_a_corrected_document_may_follow_a_refused_one_under_its_id(edge: Edge) -> None:
    document = referral()
    refused = await edge.take(broken(document.content))

    taken = await edge.take(document.content)

    assert taken.standing == "accepted"
    assert taken.exchange.replaces == refused.exchange.id


async def test_the_same_referral_under_another_id_is_a_double(edge: Edge) -> None:
    first, second = referral(), referral()
    await edge.take(first.content)

    with pytest.raises(IdentityTaken, match="дубль"):
        await edge.take(second.content)

    confirmed = await edge.take(second.content, confirm_new=True)
    assert confirmed.standing == "accepted"


async def test_another_senders_document_of_this_id_is_not_given_away(edge: Edge) -> None:
    document = referral()
    await edge.take(document.content)

    with pytest.raises(IdentityTaken, match="another sender"):
        await edge.take(document.content, sender=replace(MIS, name="other"))


async def test_a_sender_sends_for_its_own_organisations_only(edge: Edge) -> None:
    stranger = replace(MIS, organizations=("1.2.643.5.1.13.13.12.2.99.1",))

    with pytest.raises(NotYours) as caught:
        await edge.take(referral().content, sender=stranger)

    assert caught.value.where.startswith("/ClinicalDocument")


async def test_what_cannot_be_parsed_leaves_no_exchange(edge: Edge) -> None:
    with pytest.raises(MalformedMessage):
        await edge.take(b"<ClinicalDocument")

    assert not (await edge.world.ledger.standing()).open


async def test_a_format_that_nobody_reads_is_named(edge: Edge) -> None:
    with pytest.raises(UnsupportedFormat, match="text/csv"):
        await edge.take(b"a,b", content_type="text/csv; charset=utf-8")


async def test_a_strict_sender_brings_the_chairs_signature_or_is_refused(edge: Edge) -> None:
    document = referral()

    without = await edge.take(document.content, sender=STRICT)
    with_it = await edge.take(document.content, sender=STRICT, signatures=(CHAIR,))

    assert (without.standing, with_it.standing) == ("refused", "accepted")
    assert [one.rule for one in without.findings if one.severity == "error"] == [
        "signature.missing"
    ]


async def test_an_idempotency_key_answers_the_same_and_refuses_another_body(edge: Edge) -> None:
    document = referral()
    first = await edge.take(document.content, idempotency_key="k1")

    again = await edge.take(document.content, idempotency_key="k1")

    assert again.exchange.id == first.exchange.id
    with pytest.raises(KeyReused):
        await edge.take(referral(2).content, idempotency_key="k1")


async def test_a_key_is_remembered_for_a_document_that_was_known_already(edge: Edge) -> None:
    document = referral()
    await edge.take(document.content)
    await edge.take(document.content, idempotency_key="k1")

    with pytest.raises(KeyReused):
        await edge.take(referral(2).content, idempotency_key="k1")


async def test_a_document_that_no_endpoint_takes_says_so(edge: Edge) -> None:
    lonely = replace(edge.intake, endpoints={})

    taken = await lonely.take(Submission(sender=MIS, content=referral().content))

    assert taken.standing == "refused"
    assert "exchange.endpoint" in {one.rule for one in taken.findings}


async def test_a_parked_exchange_goes_on_when_its_document_comes_again(edge: Edge) -> None:
    document = referral()
    taken = await edge.take(document.content)
    await edge.world.desk.write(taken.exchange, e.GaveUp(reason="tired"))

    again = await edge.take(document.content)

    assert (again.standing, again.exchange.state) == ("same", State.RECEIVED)


async def test_a_new_version_waits_until_the_earlier_one_is_settled(edge: Edge) -> None:
    document = referral()
    first = await edge.take(document.content)
    newer = _next_version(document.content, document.local_uid)

    second = await edge.take(newer)

    assert second.exchange.held_by == first.exchange.id
    await edge.world.desk.write(first.exchange, e.Cancelled(by="sender mis"))
    released = await edge.world.ledger.get(second.exchange.id)
    assert released is not None
    assert not released.held_by


def _next_version(document: bytes, local_uid: str) -> bytes:
    fresh = SystemIds().new()
    content = document.replace(local_uid.encode(), fresh.encode())
    return content.replace(b'<versionNumber value="1"/>', b'<versionNumber value="2"/>')


async def test_findings_that_are_no_errors_travel_with_the_exchange(edge: Edge) -> None:
    taken = await edge.take(referral().content)

    assert taken.exchange.findings == taken.findings
    assert not [one for one in taken.findings if one.severity == "error"]
