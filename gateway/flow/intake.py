"""Takes a document from its sender: parses, identifies, checks, and writes before it answers.

Tiers 1 and 2 run here, in the request. What they refuse is written as an exchange closed as
`refused`, in the same commit. What cannot be parsed at all leaves no exchange.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Protocol

from gateway.errors import Overtaken, SenderError
from gateway.exchange import events as e
from gateway.exchange.decision import Decision, decide
from gateway.exchange.record import Exchange
from gateway.findings import Finding, Mender, Severity, Tier, has_errors
from gateway.flow.consignment import ORGANIZATION, signature_payload
from gateway.flow.identity import Known, New, PatientIndex, identify, recognise, taken
from gateway.flow.offloop import away
from gateway.flow.runner import Desk
from gateway.formats.cda import CdaDocument, read_cda
from gateway.ports import (
    Birth,
    Endpoint,
    Idempotency,
    IdentityTaken,
    Ids,
    Sender,
    SignerCms,
)
from gateway.settings import SignaturesComing
from gateway.validation.validator import Report

XML_TYPES = frozenset({"application/xml", "text/xml", "application/cda+xml"})


class UnsupportedFormat(SenderError):  # noqa: N818 - a standing, not a fault
    """Nothing here reads this Content-Type."""

    code = "not-supported"


class NotYours(SenderError):  # noqa: N818 - a standing, not a fault
    """The document's organisation is not one of this sender's."""

    code = "forbidden"


class KeyReused(SenderError):  # noqa: N818 - what happened, not a fault
    """The Idempotency-Key was used for another body."""

    code = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a sender hands over in one request."""

    sender: Sender
    content: bytes = field(repr=False)
    content_type: str = "application/xml"
    signatures: tuple[SignerCms, ...] = ()
    confirm_new: bool = False
    """It is no «дубль», says the sender."""
    idempotency_key: str = ""

    @property
    def sha256(self) -> str:
        """Return the hash of all that was handed over, for the Idempotency-Key."""
        whole = hashlib.sha256(self.content)
        for signature in sorted(self.signatures, key=lambda one: (one.role, one.content)):
            whole.update(signature.role.encode() + b"\0" + signature.content)
        return whole.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a submission, already on disk."""

    exchange: Exchange
    standing: str
    """`accepted`, `same` (we had it already) or `refused`."""
    findings: tuple[Finding, ...] = ()


class DocumentCheck(Protocol):
    """Tiers 1 and 2."""

    def check(self, document: CdaDocument, *, today: date) -> Report:
        """Return every problem of the document and the profile it claims; asked in any thread."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The way in; one for the whole house."""

    desk: Desk
    endpoints: Mapping[str, Endpoint]
    validator: DocumentCheck
    ids: Ids
    patient_index: PatientIndex
    local_date: Callable[[], date]
    """Today where the recipient is (Moscow time for РЭМД)."""

    async def take(self, submission: Submission) -> Taken:
        """Write the document down, or say why not; the answer may leave when this returns.

        Raises MalformedMessage, MessageTooLarge, UnsupportedFormat, NotYours, KeyReused and
        IdentityTaken; none of them leaves an exchange behind.
        """
        try:
            return await self._take(submission)
        except IdentityTaken as conflict:
            await self._note(submission, conflict)
            raise

    async def _note(self, submission: Submission, conflict: IdentityTaken) -> None:
        """Keep the refusal where what belongs to no exchange is kept (decision 17)."""
        facts = {
            "sender": submission.sender.name,
            "exchanges": [one.id for one in conflict.exchanges],
            "document_sha256": hashlib.sha256(submission.content).hexdigest(),
        }
        now = self.desk.clock.now()
        await self.desk.ledger.note(at=now, event="IdentityTaken", facts=facts)

    async def _take(self, submission: Submission) -> Taken:
        if (before := await self._recall(submission)) is not None:
            return before
        document = await self._read(submission)
        report = await self._check(document)
        draft = self._draft(submission, document, report)
        known = await self._recognise(submission, draft)
        if isinstance(known, Known):
            return await self._resume_known(known.exchange, submission)
        findings = (*report.findings, *await self._demand(submission, document, draft))
        draft = replace(draft, replaces=known.replaces)
        return await self._write(submission, draft, known, findings)

    async def _recall(self, submission: Submission) -> Taken | None:
        if not submission.idempotency_key:
            return None
        first = await self.desk.ledger.recall(submission.sender.name, submission.idempotency_key)
        if first is None:
            return None
        if first.request_sha256 != submission.sha256:
            raise KeyReused("this key was used for another body", where="Idempotency-Key")
        exchange = await self.desk.ledger.get(first.location)
        return None if exchange is None else _taken_again(exchange)

    async def _read(self, submission: Submission) -> CdaDocument:
        content_type = submission.content_type.partition(";")[0].strip().lower()
        if content_type not in XML_TYPES:
            raise UnsupportedFormat(
                f"{content_type or 'no Content-Type'} is not read here", where="Content-Type"
            )
        document = await away(len(submission.content), read_cda, submission.content)
        organization = document.header.organization or ""
        if organization and not submission.sender.may_send_for(organization):
            place = document.header.organization
            where = place.where if place is not None else ""
            raise NotYours(f"{organization} is not an organisation of this sender", where=where)
        return document

    async def _check(self, document: CdaDocument) -> Report:
        check = partial(self.validator.check, today=self.local_date())
        return await away(len(document.content), check, document)

    def _draft(self, submission: Submission, document: CdaDocument, report: Report) -> Exchange:
        profile = report.profile
        endpoint = self._endpoint(profile.id) if profile else None
        identity = identify(
            document,
            endpoint=endpoint.name if endpoint else "",
            profile=profile.id if profile else "",
            kind=profile.edition.kind if profile else "",
            sender=submission.sender.name,
            index=self.patient_index,
        )
        now = self.desk.clock.now()
        return Exchange(id=self.ids.new(), identity=identity, received_at=now, due=now)

    def _endpoint(self, profile: str) -> Endpoint | None:
        return next((one for one in self.endpoints.values() if profile in one.documents), None)

    async def _recognise(self, submission: Submission, draft: Exchange) -> Known | New:
        identity = draft.identity
        same_id = (
            await self.desk.ledger.find_document(identity.local_uid) if identity.local_uid else ()
        )
        same_set: tuple[Exchange, ...] = ()
        if identity.set_id:
            same_set = tuple(
                await self.desk.ledger.find_set(identity.organization, identity.set_id)
            )
        known = recognise(identity, same_id, same_set)
        if isinstance(known, New) and not submission.confirm_new:
            for twin in await self.desk.ledger.find_twins(identity):
                raise taken(twin, identity, _TWIN, where=_AT_PROTOCOL)
        return known

    async def _resume_known(self, exchange: Exchange, submission: Submission) -> Taken:
        """The same bytes again: the same exchange; a parked one goes on (decision 19)."""
        if exchange.parked_from is not None:
            by = f"sender {submission.sender.name}"
            exchange = await self.desk.write(exchange, e.Resumed(by=by))
        await self._remember(submission, exchange)
        return Taken(exchange=exchange, standing="same")

    async def _remember(self, submission: Submission, exchange: Exchange) -> None:
        """Keep the Idempotency-Key, so that another body under it is noticed."""
        used = _idempotency(submission, exchange, refused=False)
        if used is None:
            return
        try:
            await self.desk.ledger.remember(used)
        except Overtaken:
            await self._recall(submission)  # raises KeyReused where it was for another body

    async def _demand(
        self, submission: Submission, document: CdaDocument, draft: Exchange
    ) -> tuple[Finding, ...]:
        """Return what is missing besides the document's own faults."""
        if not draft.identity.profile:
            return ()
        endpoint = self._endpoint(draft.identity.profile)
        if endpoint is None:
            return (_no_endpoint(draft.identity.profile),)
        if submission.sender.signatures is SignaturesComing.LATER:
            return ()
        content = document.content
        metadata, _ = await away(len(content), endpoint.describe, content)
        given = {one.role for one in submission.signatures}
        wanted = [role for role in endpoint.wanted_roles(metadata) if role != ORGANIZATION]
        return tuple(_no_signature(role) for role in wanted if role not in given)

    async def _write(
        self, submission: Submission, draft: Exchange, known: New, findings: tuple[Finding, ...]
    ) -> Taken:
        received = e.Received(keeps=_payloads(submission))
        refused = has_errors(findings)
        born = replace(draft, revision=1)
        if refused:
            decisions = self._refusal(born, findings)
        else:
            decisions = self._hold(replace(born, findings=findings), known)
            draft = replace(draft, findings=findings)
        birth = Birth(
            exchange=draft,
            received=received,
            decisions=decisions,
            confirmed_new=submission.confirm_new,
            idempotency=_idempotency(submission, draft, refused=refused),
        )
        try:
            exchange = await self.desk.ledger.create(birth)
        except IdentityTaken:
            # Somebody was faster between our reading and our writing: read again, once.
            again = await self._recognise(submission, draft)
            if isinstance(again, Known):
                return await self._resume_known(again.exchange, submission)
            raise
        for decision in decisions:
            self.desk.observer.advanced(decision)
        standing = "refused" if refused else "accepted"
        return Taken(exchange=exchange, standing=standing, findings=findings)

    def _refusal(self, born: Exchange, findings: tuple[Finding, ...]) -> tuple[Decision, ...]:
        now = self.desk.clock.now()
        refused = decide(born, e.Refused(findings=findings), now=now)
        told = e.Notified(note="told in the answer to the request")
        return (refused, decide(refused.after, told, now=now))

    def _hold(self, born: Exchange, known: New) -> tuple[Decision, ...]:
        if not known.held_by:
            return ()
        return (decide(born, e.Held(by_exchange=known.held_by), now=self.desk.clock.now()),)


_TWIN = (
    "a document of the same organisation, kind, patient and protocol number is under way or "
    "registered under another id («дубль»); confirm=new-document overrides this"
)

_AT_PROTOCOL = "/ClinicalDocument/component/structuredBody//observation[code/@code='4059']/value"
"""The number of the protocol: what makes two documents one, where their ids differ."""


def _taken_again(exchange: Exchange) -> Taken:
    refused = exchange.attempt == 0 and exchange.outcome == "refused"
    standing = "refused" if refused else "same"
    return Taken(exchange=exchange, standing=standing, findings=exchange.findings)


def _payloads(submission: Submission) -> tuple[e.Payload, ...]:
    document = e.Payload(
        name="document", content=submission.content, content_type=submission.content_type
    )
    return (document, *(signature_payload(one) for one in submission.signatures))


def _idempotency(submission: Submission, draft: Exchange, *, refused: bool) -> Idempotency | None:
    if not submission.idempotency_key:
        return None
    return Idempotency(
        sender=submission.sender.name,
        key=submission.idempotency_key,
        request_sha256=submission.sha256,
        status=422 if refused else 202,
        location=draft.id,
    )


def _no_endpoint(profile: str) -> Finding:
    return Finding(
        rule="exchange.endpoint",
        code="not-supported",
        severity=Severity.ERROR,
        where="/ClinicalDocument",
        texts={
            "ru": f"В этом шлюзе нет получателя для документов {profile}.",
            "en": f"No endpoint of this gateway takes documents of {profile}.",
        },
        mender=Mender.OPERATOR,
        tier=Tier.EXCHANGE,
    )


def _no_signature(role: str) -> Finding:
    return Finding(
        rule="signature.missing",
        code="required",
        severity=Severity.ERROR,
        where=f"signature[{role}]",
        texts={
            "ru": f"Нет подписи роли {role} (НСИ 1.2.643.5.1.13.13.99.2.368).",
            "en": f"The signature of role {role} (НСИ 1.2.643.5.1.13.13.99.2.368) is missing.",
        },
        mender=Mender.SENDER,
        tier=Tier.SIGNATURE,
    )
