"""Verifies signed envelopes strictly, and gives back the bytes it verified."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from gateway.errors import CryptoUnavailable, MalformedMessage
from gateway.signatures.algorithms import signature_by_uri
from gateway.signatures.backends import Backend, open_backend
from gateway.signatures.certificates import Certificate, read_certificate
from gateway.signatures.chain import judge_chain
from gateway.signatures.fitness import Purpose, judge_certificate
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason, Signer, Verdict
from gateway.signatures.wss.names import WSA
from gateway.signatures.wss.partner import Partner, VerifiedEnvelope
from gateway.signatures.wss.structure import Envelope, IssuerSerial, read_structure
from gateway.signatures.wss.timestamp import Life, read_life
from gateway.signatures.xml.canonical import canonical
from gateway.signatures.xml.issuer import names_issuer
from gateway.signatures.xml.judging import holds, judge_algorithms, judge_value
from gateway.signatures.xml.parsing import read_envelope

SKEW: Final = timedelta(minutes=5)


def verify_envelope(
    envelope: bytes,
    *,
    partner: Partner,
    at: datetime,
    skew: timedelta = SKEW,
    backend: Backend | None = None,
) -> VerifiedEnvelope:
    """Judge a signed SOAP envelope as of a moment; never raises.

    Body and Timestamp must be signed, each in its place, and the Timestamp be within its life; a
    partner may do without a Timestamp, and then its messages are told apart by their ids alone.
    WS-Security 1.0 (OASIS 200401), XML Signature 1.1, RFC 3741.
    """
    try:
        parts = read_structure(read_envelope(envelope))
    except MalformedMessage as error:
        return VerifiedEnvelope(
            verdict=Verdict((Reason(Fact.STRUCTURE_FORBIDDEN, error.text),), ())
        )
    tools = backend or (partner.trust.backend if partner.trust else open_backend())
    return _Judge(parts, partner, at, skew, tools).envelope()


class _Judge:
    """Looks at one envelope and collects what speaks against it."""

    def __init__(
        self,
        parts: Envelope,
        partner: Partner,
        at: datetime,
        skew: timedelta,
        backend: Backend,
    ) -> None:
        self._parts, self._partner = parts, partner
        self._at, self._skew, self._backend = at, skew, backend
        self._algorithm = signature_by_uri(parts.signature.algorithm_uri)
        self._certificate = _find_certificate(parts.token, partner)
        self._body, self._timestamp = b"", b""
        self._headers: dict[str, bytes] = {}
        self._life: Life | None = None

    def envelope(self) -> VerifiedEnvelope:
        """Return the verdict, and the parts if it is good."""
        reasons = tuple(dict.fromkeys(self._reasons()))
        verdict = Verdict(reasons, (self._signer(),))
        if not verdict.valid:
            return VerifiedEnvelope(
                verdict=verdict, certificate=self._certificate, soap=self._parts.soap
            )
        return VerifiedEnvelope(
            verdict=verdict,
            certificate=self._certificate,
            soap=self._parts.soap,
            body=self._body,
            created=self._life.created if self._life else None,
            expires=self._life.expires if self._life else None,
            headers=self._headers,
            must_understand=self._parts.must_understand,
        )

    def _reasons(self) -> list[Reason]:
        """Ask who speaks before looking at what was said: canonicalising is the costly part."""
        reasons: list[Reason] = []
        try:
            for judge in (self._judge_algorithms, self._judge_partner, self._judge_signature):
                reasons.extend(judge())
            if Verdict(tuple(reasons), ()).valid:
                for judge in (self._judge_references, self._judge_coverage, self._judge_life):
                    reasons.extend(judge())
        except CryptoUnavailable as error:
            reasons.append(Reason(Fact.BACKEND_MISSING, error.text))
        except MalformedMessage as error:
            reasons.append(Reason(Fact.STRUCTURE_FORBIDDEN, error.text))
        return reasons

    def _judge_algorithms(self) -> Iterator[Reason]:
        yield from judge_algorithms(self._parts.signature, self._partner.allowed, self._at)

    def _judge_signature(self) -> Iterator[Reason]:
        yield from judge_value(
            self._parts.signature, self._certificate, self._partner.allowed, self._backend
        )

    def _judge_references(self) -> Iterator[Reason]:
        seen: set[str] = set()
        for reference in self._parts.signature.references:
            assert reference.uri is not None  # the rules of envelopes admit no other
            element = self._parts.ids.find(reference.uri)
            self._need_place(element)
            if reference.uri in seen:
                raise MalformedMessage("two references name one element")
            seen.add(reference.uri)
            octets = canonical(element, prefixes=reference.prefixes)
            if holds(reference, octets, self._backend):
                self._keep(element, octets)
            else:
                yield Reason(Fact.DIGEST_MISMATCH, etree.QName(element).localname)

    def _need_place(self, element: etree._Element) -> None:
        """Only the Body, header blocks and what stands in our Security header may be signed."""
        parent = element.getparent()
        in_place = (
            element is self._parts.body
            or (parent is self._parts.header and element is not self._parts.security)
            or (parent is self._parts.security and element is not self._parts.signature.element)
        )
        if not in_place:
            raise MalformedMessage("a signed element is not in its place")

    def _keep(self, element: etree._Element, octets: bytes) -> None:
        if element is self._parts.body:
            self._body = octets
        elif element is self._parts.timestamp:
            self._timestamp = octets
        elif element.getparent() is self._parts.header:
            self._keep_header(str(element.tag), octets)

    def _keep_header(self, name: str, octets: bytes) -> None:
        if name in self._headers:
            raise MalformedMessage("two signed headers have one name")
        self._headers[name] = octets

    def _judge_coverage(self) -> Iterator[Reason]:
        signed = {
            etree.QName(name).localname for name in self._headers if name.startswith(f"{{{WSA}}}")
        }
        if not self._body:
            yield Reason(Fact.NOT_COVERED, "Body")
        wanted = self._partner.timestamp_required or self._parts.timestamp is not None
        if wanted and not self._timestamp:
            yield Reason(Fact.NOT_COVERED, "Timestamp")
        for name in sorted(self._partner.required_headers - signed):
            yield Reason(Fact.NOT_COVERED, name)

    def _judge_life(self) -> Iterator[Reason]:
        if not self._timestamp:
            return
        self._life = life = read_life(self._timestamp)
        if life.created > self._at + self._skew:
            yield Reason(Fact.STALE, "Created lies in the future")
        if life.expires <= self._at - self._skew:
            yield Reason(Fact.STALE, "Expires has passed")
        if not timedelta() < life.expires - life.created <= self._partner.longest_life:
            yield Reason(Fact.STALE, "the life is not admitted")

    def _judge_partner(self) -> Iterator[Reason]:
        """KeyInfo has only selected a certificate; here it must be the partner's."""
        certificate, partner = self._certificate, self._partner
        if certificate is None:
            yield _judge_token(self._parts.token)
            return
        yield from judge_certificate(certificate, Purpose.ENVELOPE)
        if partner.pinned and certificate.sha256 not in partner.pinned:
            yield Reason(Fact.PARTNER_UNKNOWN, "not pinned")
        if partner.ogrn and certificate.subject.ogrn != partner.ogrn:
            yield Reason(Fact.PARTNER_UNKNOWN, "another ОГРН")
        if partner.trust is not None:
            yield from judge_chain(certificate, (), partner.trust, at=self._at)
        elif self._at > certificate.not_after:
            yield Reason(Fact.EXPIRED)
        elif self._at < certificate.not_before:
            yield Reason(Fact.NOT_YET_VALID)

    def _signer(self) -> Signer:
        parts = (("Body", self._body), ("Timestamp", self._timestamp))
        covered = [name for name, octets in parts if octets]
        covered += [etree.QName(name).localname for name in self._headers]
        return Signer.of(
            self._certificate,
            algorithm=self._algorithm.name
            if self._algorithm
            else self._parts.signature.algorithm_uri[:200],
            signed_at=self._life.created if self._life else None,
            covers=", ".join(covered),
        )


def _find_certificate(token: bytes | IssuerSerial, partner: Partner) -> Certificate | None:
    """Return the certificate of the token, or the partner's that it names; None without one."""
    if isinstance(token, IssuerSerial):
        return next((one for one in partner.certificates if _is_named(token, one)), None)
    try:
        return read_certificate(token)
    except MalformedMessage:
        return None


def _is_named(token: IssuerSerial, certificate: Certificate) -> bool:
    return token.serial == certificate.serial and names_issuer(token.issuer, certificate)


def _judge_token(token: bytes | IssuerSerial) -> Reason:
    """Say what is wrong with a token that has led to no certificate."""
    if isinstance(token, IssuerSerial):
        return Reason(Fact.PARTNER_UNKNOWN, "no pinned certificate has this issuer and number")
    return Reason(Fact.MALFORMED, "the token holds no certificate")
