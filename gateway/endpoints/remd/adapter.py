"""Delivers referrals to РЭМД and asks it what became of them; answers only in events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.endpoints.discovery import Built, Context, EndpointKind
from gateway.endpoints.remd.door import RemdDoor
from gateway.endpoints.remd.envelope import (
    Match,
    Page,
    PersonalSignature,
    Registration,
    read_page,
    read_status,
    says_registered,
    write_registration,
    write_search,
)
from gateway.endpoints.remd.faults import Faults, read_faults
from gateway.endpoints.remd.signers import judge_signers
from gateway.errors import CryptoUnavailable, HouseError, MalformedMessage
from gateway.exchange.events import (
    Accepted,
    Answered,
    NotSent,
    NotThere,
    Source,
    Unavailable,
    Wire,
)
from gateway.exchange.schedule import Terms
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.formats.cda import read_cda
from gateway.mapping.engine import read_form
from gateway.mapping.rules import RuleFile, read_rules
from gateway.ports import (
    Consignment,
    DeliveryEvent,
    Envelope,
    InquiryEvent,
    SignerCms,
    VerifiedSigner,
)
from gateway.resources import MAPPINGS, PROFILES
from gateway.settings import read
from gateway.signatures.cms.container import read_container
from gateway.transports.http import Leg
from gateway.transports.ips import Faulted, Heard, Ips
from gateway.transports.ips_calls import Ear
from gateway.transports.ips_settings import IpsSettings, make_partner, refuse_open_replies
from gateway.transports.wsdl import read_contract

_REGISTER: Final = "registerDocument"
_SEARCH: Final = "searchRegistryItem"
_ORGANIZATION: Final = "organization"
_MARGIN: Final = timedelta(days=1)
_MOST_PAGES: Final = 50


LARGEST_DOCUMENT: Final = 7 * 2**20
"""Octets. The file travels as base64 in one text node, and libxml2 reads none above 10 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemdSettings(IpsSettings):
    """`[endpoints.remd]`."""

    terms: Mapping[str, Any] = field(default_factory=dict)
    """Waits that differ from `endpoint.toml`: `answer_within = "30m"`."""


def build(kind: EndpointKind, table: Mapping[str, Any], context: Context) -> Built:
    """Return РЭМД's endpoint and door as `[endpoints.remd]` wants them. Raises SettingError."""
    where = f"endpoints.{kind.name}"
    settings = read(RemdSettings, table, where=where)
    refuse_open_replies(settings, where)
    partner = make_partner(kind.name, settings.partner, context.load_trust)
    folder, faults = PROFILES / "wsdl" / kind.name, read_faults()
    ips = Ips(
        settings=settings,
        contract=read_contract(folder / "service.wsdl"),
        partner=partner,
        keys=context.keys,
        clock=context.clock,
        ids=context.ids,
        leg=Leg(
            session=context.session,
            connect_within=settings.connect_within,
            answer_within=settings.answer_within,
        ),
        heard=context.heard,
    )
    endpoint = RemdEndpoint(
        name=kind.name,
        terms=kind.terms(settings.terms, scale=context.scale),
        documents=kind.documents,
        ips=ips,
        faults=faults,
        rules=_read_all_rules(kind),
    )
    own = {settings.callback_url, *settings.also_addressed_as} - {""}
    ear = Ear(
        contract=read_contract(folder / "callback.wsdl"),
        partner=partner,
        ids=context.ids,
        heard=context.heard,
        addresses=frozenset(address.rstrip("/") for address in own),
    )
    door = RemdDoor(
        name=kind.name,
        ear=ear,
        faults=faults,
        keys=context.keys,
        organizations=tuple(settings.organizations),
    )
    return Built(endpoint=endpoint, door=door)


def _read_all_rules(kind: EndpointKind) -> dict[str, RuleFile]:
    read_files = [read_rules(MAPPINGS / kind.name / f"{one}.yaml") for one in kind.documents]
    return {rules.template: rules for rules in read_files}


@dataclass(slots=True, kw_only=True, eq=False)
class RemdEndpoint:
    """РЭМД, spoken to."""

    name: str
    terms: Terms
    documents: frozenset[str]
    ips: Ips = field(repr=False)
    faults: Faults = field(repr=False)
    rules: Mapping[str, RuleFile] = field(repr=False)
    """By the `templateId` of the documents."""

    def describe(self, document: bytes) -> tuple[Mapping[str, Any], tuple[Finding, ...]]:
        """Return what registerDocument says of a document. Raises MalformedMessage."""
        cda = read_cda(document)
        rules = next((self.rules[one] for one in cda.header.templates if one in self.rules), None)
        if rules is None:
            return {}, (_of_unknown_kind(self.name),)
        reading = read_form(rules, cda.tree, endpoint=self.name)
        too_large = (_too_large(),) if len(document) > LARGEST_DOCUMENT else ()
        return reading.form, (*too_large, *reading.findings)

    def wanted_roles(self, metadata: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the roles that the rule file of this kind names."""
        kind = metadata.get("kind")
        return next((one.wants for one in self.rules.values() if one.kind == kind), ())

    def judge_signers(
        self, metadata: Mapping[str, Any], signers: Sequence[VerifiedSigner], *, now: datetime
    ) -> tuple[Finding, ...]:
        """Say what РЭМД would have against the signers."""
        return judge_signers(metadata, signers, now=now)

    async def wrap(self, consignment: Consignment, *, now: datetime) -> Envelope:
        """Return a new registerDocument. Raises CryptoUnavailable, SettingError."""
        organization = consignment.exchange.identity.organization
        key = self.ips.key_of(organization, now)
        algorithm = key.algorithm.digest
        digest = await asyncio.to_thread(key.backend.digest, algorithm, consignment.document)
        told = Registration(
            form=consignment.metadata,
            kind=consignment.exchange.identity.kind,
            digest=digest,
            digest_algorithm=algorithm,
            size=len(consignment.document),
            organization_signature=_organization_signature(consignment.signatures),
            personal=tuple(_personal_signatures(consignment)),
        )
        content = write_registration(told)
        return await self.ips.wrap(_REGISTER, content, organization=organization, now=now)

    async def deliver(self, envelope: Envelope) -> DeliveryEvent:
        """Send a registerDocument once; «success» means taken, not registered."""
        heard = await self.ips.call(envelope)
        message_id = envelope.message_id
        if isinstance(heard, Faulted):
            return self.faults.settle_fault(heard.fault, message_id=message_id, wire=(heard.wire,))
        if not isinstance(heard, Heard):
            return heard
        success, errors = read_status(heard.content)
        if success:
            return Accepted(wire=(heard.wire,))
        return self.faults.settle(
            errors, source=Source.SYNCHRONOUS, message_id=message_id, wire=(heard.wire,)
        )

    async def inquire(self, consignment: Consignment, *, now: datetime) -> InquiryEvent:
        """Search the registry, page by page; only a complete search is `NotThere`."""
        try:
            return await self._search_all(consignment, now)
        except CryptoUnavailable as error:
            return Unavailable(reason=error.text)

    async def _search_all(self, consignment: Consignment, now: datetime) -> InquiryEvent:
        wires: tuple[Wire, ...] = ()
        for number in range(1, _MOST_PAGES + 1):
            page, asked = await self._search(consignment, number, now)
            wires += asked
            if isinstance(page, Unavailable):
                return Unavailable(reason=page.reason, retry_after=page.retry_after, wire=wires)
            if found := _find(page, consignment.exchange.identity.local_uid):
                return _answer(found, wires)
            if page.more is None:
                # Our assumption: only hasMore = false says that nothing was left out.
                return Unavailable(reason="the search does not say that it is complete", wire=wires)
            if not page.more:
                return NotThere(wire=wires)
        return Unavailable(reason=f"the search has more than {_MOST_PAGES} pages", wire=wires)

    async def _search(
        self, consignment: Consignment, number: int, now: datetime
    ) -> tuple[Page | Unavailable, tuple[Wire, ...]]:
        exchange = consignment.exchange
        content = write_search(
            organization=exchange.identity.organization,
            kind=exchange.identity.kind,
            snils=consignment.metadata["patient"]["snils"],
            since=(exchange.first_sent_at or exchange.received_at) - _MARGIN,
            until=now + _MARGIN,
            page=number,
        )
        organization = exchange.identity.organization
        envelope = await self.ips.wrap(_SEARCH, content, organization=organization, now=now)
        out = Wire(
            direction="out", name=_SEARCH, body=envelope.body, message_id=envelope.message_id
        )
        heard = await self.ips.call(envelope)
        if isinstance(heard, NotSent):
            return Unavailable(reason=heard.reason), ()
        if isinstance(heard, Heard):
            return self._read_page(heard), (out, heard.wire)
        if isinstance(heard, Faulted):
            return Unavailable(reason=f"SOAP Fault {heard.fault.code.value}"), (out, heard.wire)
        return heard, (out, *heard.wire)

    def _read_page(self, heard: Heard) -> Page | Unavailable:
        try:
            page = read_page(heard.content)
        except MalformedMessage as error:
            return Unavailable(reason=error.text)
        if page.success:
            return page
        codes = ", ".join(self.faults.known_codes(page.errors))
        return Unavailable(reason=f"the search was refused: {codes}")


def _find(page: Page, local_uid: str) -> Match | None:
    return next((one for one in page.matches if one.local_uid == local_uid.lower()), None)


def _answer(found: Match, wires: tuple[Wire, ...]) -> Answered | Unavailable:
    if not says_registered(found):
        return Unavailable(reason="it is in the registry with a status nobody knows", wire=wires)
    return Answered(
        registered=True,
        source=Source.INQUIRY,
        number=found.number,
        registered_at=found.registered_at,
        wire=wires,
    )


def _organization_signature(signatures: tuple[SignerCms, ...]) -> bytes:
    for one in signatures:
        if one.role == _ORGANIZATION:
            return one.content
    raise HouseError("the organisation's signature is not among those kept", where=_ORGANIZATION)


def _personal_signatures(consignment: Consignment) -> list[PersonalSignature]:
    """Return the signers' signatures, each with the person whose certificate is in it.

    The role is the one that the signature was handed over under. A certificate of somebody whom
    the document does not name goes with whoever has that role there, for РЭМД to judge. Without
    such a one the signature is left out: nobody could be named as its signer.
    """
    signers = consignment.metadata["signers"]
    found = []
    for one in consignment.signatures:
        signer = _signer_of(one, signers) if one.role != _ORGANIZATION else None
        if signer is not None:
            found.append(PersonalSignature(signer, one.role, one.content))
    return found


def _signer_of(signature: SignerCms, signers: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    certificates = read_container(signature.content).certificates
    numbers = {certificate.subject.snils for certificate in certificates} - {""}
    named = next((one for one in signers if one["snils"] in numbers), None)
    return named or next((one for one in signers if one.get("role") == signature.role), None)


def _too_large() -> Finding:
    limit = LARGEST_DOCUMENT // 2**20
    return Finding(
        rule="remd/size",
        code="too-long",
        severity=Severity.ERROR,
        where="/ClinicalDocument",
        texts={
            "ru": f"Документ больше {limit} МиБ: файл такого размера не передать в одном ответе.",
            "en": f"The document is over {limit} MiB: one answer cannot carry such a file.",
        },
        mender=Mender.SENDER,
        tier=Tier.EXCHANGE,
    )


def _of_unknown_kind(name: str) -> Finding:
    return Finding(
        rule=f"{name}/kind",
        code="not-supported",
        severity=Severity.ERROR,
        where="/ClinicalDocument/templateId",
        texts={
            "ru": "Документ такого вида и редакции в РЭМД отсюда не передаётся.",
            "en": "A document of this kind and edition is not carried to РЭМД from here.",
        },
        mender=Mender.VENDOR,
        tier=Tier.EXCHANGE,
    )
