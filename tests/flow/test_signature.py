"""Every signature that the recipient wants is there and holds, or the exchange says why not."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Duty, Outcome, State
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.flow.acts import Acts
from gateway.flow.consignment import signature_payload
from gateway.flow.signature import Signature
from gateway.ports import (
    Birth,
    Consignment,
    DeliveryEvent,
    Envelope,
    InquiryEvent,
    SignerCms,
    VerifiedSigner,
)
from gateway.settings import ServiceSettings
from gateway.signatures.backends import Chooser, open_backend
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.cades import sign_detached
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, load_trust
from gateway.signatures.cms.writing import put_tokens
from gateway.signatures.declaration import read_declaration
from gateway.signatures.keys import KeyFiles, KeyRing, Role, SigningKey, load_key
from gateway.signatures.testpki import make_test_pki
from gateway.signatures.verdict import Verdict
from tests.flow.conftest import NOON, World, exchange

DOCUMENT = b"<ClinicalDocument>invented</ClinicalDocument>"
CLINIC = exchange().identity.organization


@dataclass
class Recipient:
    """A recipient that wants the chair's and the organisation's signatures."""

    name: str = "remd"
    terms: Terms = field(default_factory=Terms)
    documents: frozenset[str] = frozenset({"ru-088u"})
    against: tuple[Finding, ...] = ()
    shown: list[VerifiedSigner] = field(default_factory=list)

    def describe(self, document: bytes) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
        return {}, ()

    def wanted_roles(self, metadata: Mapping[str, Any]) -> tuple[str, ...]:
        return ("14", "organization")

    def judge_signers(
        self, metadata: Mapping[str, Any], signers: Sequence[VerifiedSigner], *, now: datetime
    ) -> tuple[Finding, ...]:
        self.shown += signers
        return self.against

    async def wrap(self, consignment: Consignment, *, now: datetime) -> Envelope:
        raise AssertionError

    async def deliver(self, envelope: Envelope) -> DeliveryEvent:
        raise AssertionError

    async def inquire(self, consignment: Consignment, *, now: datetime) -> InquiryEvent:
        raise AssertionError


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    make_test_pki(read_declaration(), folder, now=NOON - timedelta(hours=1))
    return folder


@dataclass
class Desk:
    """Knows what it is told, and whom it was asked about."""

    trust: Trust
    asked: list[Certificate] = field(default_factory=list)

    async def gather(self, certificates: Sequence[Certificate], *, now: datetime) -> Trust:
        self.asked += certificates
        return self.trust


@dataclass
class Office:
    """The step, with the keys and the trust of a test."""

    pki: Path
    world: World
    own: str = "ru-clinic77-organization"
    service: ServiceSettings | None = None
    trust: bool = True
    checks: list[tuple[str, Verdict]] = field(default_factory=list)
    recipient: Recipient = field(default_factory=Recipient)
    desk: "Desk | None" = None

    def key(
        self, name: str, organization: str = CLINIC, *, service: ServiceSettings | None = None
    ) -> SigningKey:
        files = KeyFiles(
            organization,
            Role.ORGANIZATION,
            self.pki / f"{name}.key.pem" if service is None else None,
            self.pki / f"{name}.cert.pem",
            service=service,
        )
        return load_key(files, open_backend())

    def cms(self, name: str = "ru-clinic77-chair", document: bytes = DOCUMENT) -> SignerCms:
        signed_at = self.world.clock.now() - timedelta(minutes=1)
        return SignerCms(role="14", content=sign_detached(document, self.key(name), signed_at))

    @property
    def step(self) -> Signature:
        trust = load_trust(self.pki / "trust") if self.trust else Trust()
        return Signature(
            ledger=self.world.ledger,
            endpoints={"remd": self.recipient},
            keys=KeyRing([self.key(self.own, service=self.service)] if self.own else []),
            desk=self.desk or Desk(trust),
            clock=self.world.clock,
            terms={},
            heard=lambda kind, verdict: self.checks.append((kind, verdict)),
        )

    async def mapped(self, *signatures: SignerCms) -> Exchange:
        document = e.Payload(name="document", content=DOCUMENT)
        kept = (document, *(signature_payload(one) for one in signatures))
        birth = Birth(exchange=exchange(), received=e.Received(keeps=kept))
        one = await self.world.ledger.create(birth)
        metadata = e.Payload(name="metadata", content=json.dumps({}).encode())
        for event in (e.Validated(), e.Mapped(keeps=(metadata,))):
            one = await self.world.desk.write(one, event)
        return one

    async def sign_when_due(self, one: Exchange) -> Exchange:
        assert one.due is not None
        self.world.clock.pass_(one.due - self.world.clock.now())
        return await self.sign(one)

    async def sign(self, one: Exchange) -> Exchange:
        return await self.world.walk(one, {Duty.SIGN: self.step, Duty.DELIVER: stay})


async def stay(_exchange: Exchange) -> AsyncIterator[e.Event]:
    yield e.Unavailable(reason="not in this test")


@pytest.fixture
def office(pki: Path, world: World) -> Office:
    return Office(pki, world)


async def test_the_signers_signature_is_passed_on_untouched_and_the_organisations_added(
    office: Office,
) -> None:
    brought = office.cms()

    after = await office.sign(await office.mapped(brought))

    assert after.state is State.SIGNED
    names = await office.world.ledger.payload_names(after.id)
    assert {name.split(":")[1] for name in names if name.startswith("signature")} == {
        "14",
        "organization",
    }
    kept = await office.world.ledger.payload(after.id, signature_payload(brought).name)
    assert kept == brought.content
    assert [verdict.valid for _, verdict in office.checks] == [True, True]


async def test_a_signature_over_other_bytes_refuses_the_document(office: Office) -> None:
    after = await office.sign(await office.mapped(office.cms(document=b"other")))

    assert after.outcome is Outcome.REFUSED
    assert all(one.where == "signature[14]" for one in after.findings)
    assert all(one.rule.startswith("signature/") for one in after.findings)


@pytest.mark.parametrize(
    "name", ["ru-revoked", "ru-expired", "ru-wrong-usage", "ru-client-auth-only"]
)
async def test_a_certificate_that_does_not_hold_refuses_the_document(
    office: Office, name: str
) -> None:
    after = await office.sign(await office.mapped(office.cms(name)))

    assert after.outcome is Outcome.REFUSED


async def test_bytes_that_are_no_signature_refuse_the_document(office: Office) -> None:
    after = await office.sign(await office.mapped(SignerCms(role="14", content=b"\x30\x00")))

    assert after.outcome is Outcome.REFUSED


async def test_without_trust_nothing_is_accepted_unverified_and_nothing_refused(
    office: Office,
) -> None:
    blind = replace(office, trust=False)

    after = await blind.sign(await blind.mapped(blind.cms()))

    assert (after.state, after.tries) == (State.MAPPED, 1)


async def test_a_missing_signer_is_waited_for_and_asked_again_each_hour(office: Office) -> None:
    after = await office.sign(await office.mapped())

    assert after.state is State.AWAITING_SIGNATURE
    assert after.due == NOON + Terms().signature_every
    assert [one.rule for one in after.findings] == ["signature.missing"]


async def test_a_signature_that_comes_later_lets_the_document_go_on(office: Office) -> None:
    waiting = await office.sign(await office.mapped())

    given = await Acts(desk=office.world.desk).give_signature(waiting.id, office.cms())
    after = await office.sign(given)

    assert after.state is State.SIGNED
    assert not after.findings


async def test_an_organisation_without_a_key_waits_and_uses_nobody_elses(office: Office) -> None:
    keyless = replace(office, own="")

    after = await keyless.sign(await keyless.mapped(keyless.cms()))

    assert after.state is State.AWAITING_SIGNATURE
    (finding,) = after.findings
    assert (finding.rule, finding.mender) == ("signature.key-missing", Mender.OPERATOR)


async def test_a_key_that_comes_later_lets_the_document_go_on(office: Office) -> None:
    keyless = replace(office, own="")
    await keyless.sign(await keyless.mapped(keyless.cms()))
    office.world.clock.pass_(Terms().signature_every)
    waiting = await office.world.ledger.get(exchange().id)
    assert waiting is not None

    after = await office.sign(waiting)

    assert after.state is State.SIGNED


async def test_signatures_that_never_come_refuse_the_document_at_last(office: Office) -> None:
    waiting = await office.sign(await office.mapped())
    office.world.clock.pass_(Terms().signature_within)

    after = await office.sign(waiting)

    assert after.outcome is Outcome.REFUSED


async def test_gost_signatures_hold_as_rsa_ones_do(office: Office) -> None:
    gost = replace(office, own="ru-clinic77-organization-gost")

    after = await gost.sign(await gost.mapped(gost.cms("ru-clinic77-chair-gost")))

    assert after.state is State.SIGNED
    assert {one.signers[0].algorithm for _, one in office.checks} == {"gost-256"}


# --- what could not be checked ---------------------------------------------------------------


def silent(office: Office) -> Desk:
    """Return a desk whose authorities have not answered."""
    return Desk(replace(load_trust(office.pki / "trust"), lists=()))


async def test_an_authority_that_does_not_answer_makes_the_document_wait_and_says_so(
    office: Office,
) -> None:
    waiting = replace(office, desk=silent(office))

    after = await waiting.sign(await waiting.mapped(waiting.cms()))

    assert (after.state, after.tries) == (State.MAPPED, 1)
    assert after.due is not None
    assert after.due > NOON
    (finding,) = after.findings
    assert (finding.rule, finding.where) == ("signature/revocation-unknown", "signature[14]")
    assert (finding.severity, finding.mender) == (Severity.WARNING, Mender.OPERATOR)


async def test_a_document_that_waited_goes_on_when_the_authority_answers(office: Office) -> None:
    waiting = replace(office, desk=silent(office))
    before = await waiting.sign(await waiting.mapped(waiting.cms()))

    after = await office.sign_when_due(before)

    assert after.state is State.SIGNED
    assert not after.findings


async def test_the_authorities_are_asked_about_whoever_signed(office: Office) -> None:
    desk = Desk(load_trust(office.pki / "trust"))
    asking = replace(office, desk=desk)

    await asking.sign(await asking.mapped(asking.cms()))

    names = {"ru-clinic77-chair", "ru-clinic77-organization"}
    assert {office.key(name).certificate.sha256 for name in names} <= {
        one.sha256 for one in desk.asked
    }


async def test_the_authorities_are_asked_about_time_stamps_too(office: Office) -> None:
    desk = Desk(load_trust(office.pki / "trust"))
    asking = replace(office, desk=desk)
    token = office.cms("ru-clinic77-member-1").content
    stamped = put_tokens(office.cms().content, {0: token})

    await asking.sign(await asking.mapped(SignerCms(role="14", content=stamped)))

    member = office.key("ru-clinic77-member-1").certificate
    assert member.sha256 in {one.sha256 for one in desk.asked}


async def test_organisations_own_signature_may_be_brought(office: Office) -> None:
    brought = replace(office.cms("ru-clinic77-organization"), role="organization")

    after = await office.sign(await office.mapped(office.cms(), brought))

    assert after.state is State.SIGNED
    names = await office.world.ledger.payload_names(after.id)
    assert len([name for name in names if name.startswith("signature")]) == 2


async def test_another_organisations_signature_refuses_the_document(office: Office) -> None:
    brought = replace(office.cms("ru-hospital16-organization"), role="organization")

    after = await office.sign(await office.mapped(office.cms(), brought))

    assert after.outcome is Outcome.REFUSED
    assert [one.rule for one in after.findings] == ["signature.another-organization"]


async def test_our_own_signature_waits_as_anybodys(office: Office) -> None:
    waiting = replace(office, desk=silent(office))
    organization = replace(office.cms("ru-clinic77-organization"), role="organization")

    brought = await waiting.sign(await waiting.mapped(office.cms(), organization))

    assert {one.where for one in brought.findings} == {"signature[14]", "signature[organization]"}


async def test_our_own_signature_is_made_again_when_it_could_not_be_checked(
    office: Office,
) -> None:
    answered = load_trust(office.pki / "trust")

    @dataclass
    class Forgetful(Desk):
        async def gather(self, certificates: Sequence[Certificate], *, now: datetime) -> Trust:
            own = office.key("ru-clinic77-organization").certificate
            return self.trust if own not in certificates else replace(self.trust, lists=())

    waiting = replace(office, desk=Forgetful(answered))

    after = await waiting.sign(await waiting.mapped(waiting.cms()))

    assert after.state is State.MAPPED
    assert {one.where for one in after.findings} == {"signature[organization]"}
    assert (await office.sign_when_due(after)).state is State.SIGNED


async def test_our_own_revoked_key_is_no_key(office: Office) -> None:
    revoked = replace(office, own="ru-revoked")

    after = await revoked.sign(await revoked.mapped(revoked.cms()))

    assert after.state is State.AWAITING_SIGNATURE
    assert [one.rule for one in after.findings] == ["signature.key-missing"]


async def test_a_gost_signature_without_a_backend_waits(office: Office) -> None:
    poor = Desk(replace(load_trust(office.pki / "trust"), backend=Chooser([Pyca()])))
    waiting = replace(office, desk=poor)

    after = await waiting.sign(await waiting.mapped(office.cms("ru-clinic77-chair-gost")))

    assert after.state is State.MAPPED
    assert [one.rule for one in after.findings][:1] == ["signature/backend-missing"]


# --- what is told ----------------------------------------------------------------------------


async def checks_told(office: Office, one: Exchange) -> list[dict[str, Any]]:
    timeline = await office.world.ledger.timeline(one.id)
    return [check for entry in timeline for check in entry.facts.get("checks", [])]


async def test_a_signing_service_that_is_down_makes_the_document_wait_and_sends_it_never_unsigned(
    office: Office,
) -> None:
    office.service = ServiceSettings(url="http://127.0.0.1:1/", key="7")

    after = await office.sign(await office.mapped(office.cms()))
    office.service = None
    later = await office.sign_when_due(after)

    assert (after.state, after.duty) == (State.MAPPED, Duty.SIGN)
    assert after.due is not None
    assert after.due > NOON
    assert later.state is State.SIGNED


async def test_the_journal_keeps_the_verdict_and_nobodys_name(office: Office) -> None:
    after = await office.sign(await office.mapped(office.cms("ru-revoked")))

    (told,) = await checks_told(office, after)

    assert told == {
        "role": "14",
        "verdict": "revoked",
        "etsi": "INDETERMINATE/REVOKED_NO_POE",
        "reasons": ["revoked"],
        "algorithms": ["rsa-sha256"],
        "certificates": [office.key("ru-revoked").certificate.sha256],
    }


async def test_the_journal_keeps_good_verdicts_and_doubts_too(office: Office) -> None:
    waiting = replace(office, desk=silent(office))
    before = await waiting.sign(await waiting.mapped(waiting.cms()))
    after = await office.sign_when_due(before)

    told = await checks_told(office, after)

    assert [(one["role"], one["verdict"]) for one in told] == [
        ("14", "could-not-be-checked"),
        ("14", "valid"),
        ("organization", "valid"),
    ]


async def test_a_remark_stays_with_the_document(office: Office) -> None:
    lenient = Desk(load_trust(office.pki / "trust").without_lists())
    remarked = replace(office, desk=lenient)

    after = await remarked.sign(await remarked.mapped(remarked.cms()))

    assert after.state is State.SIGNED
    assert {(one.rule, one.severity) for one in after.findings} == {
        ("signature/revocation-not-asked", Severity.INFORMATION)
    }


# --- what the recipient would have against it ------------------------------------------------


def objection(severity: Severity) -> Finding:
    return Finding(
        rule="remd/signer-not-chair",
        code="business-rule",
        severity=severity,
        where="signature[14]",
        texts={"ru": "нет", "en": "no"},
        mender=Mender.SENDER,
        tier=Tier.SIGNATURE,
    )


async def test_what_the_recipient_would_refuse_is_refused_here(office: Office) -> None:
    office.recipient.against = (objection(Severity.ERROR),)

    after = await office.sign(await office.mapped(office.cms()))

    assert after.outcome is Outcome.REFUSED
    assert [one.rule for one in after.findings] == ["remd/signer-not-chair"]


async def test_what_the_recipient_might_dislike_stays_with_the_document(office: Office) -> None:
    office.recipient.against = (objection(Severity.WARNING),)

    after = await office.sign(await office.mapped(office.cms()))

    assert after.state is State.SIGNED
    assert [one.rule for one in after.findings] == ["remd/signer-not-chair"]


async def test_the_recipient_is_shown_who_signed_and_by_what_certificate(office: Office) -> None:
    await office.sign(await office.mapped(office.cms()))

    chair, organization = office.recipient.shown
    certificate = office.key("ru-clinic77-chair").certificate
    assert (chair.role, chair.snils) == ("14", certificate.subject.snils)
    assert (chair.not_before, chair.not_after) == (certificate.not_before, certificate.not_after)
    assert chair.signed_at == NOON - timedelta(minutes=1)
    own = office.key("ru-clinic77-organization").certificate.subject
    assert (organization.role, organization.ogrn) == ("organization", own.ogrn)
    assert organization.organization == own.organization
