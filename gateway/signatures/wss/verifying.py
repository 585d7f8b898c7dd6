"""Verifies signed envelopes strictly, and gives back the bytes it verified."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from gateway.errors import CryptoUnavailable, MalformedMessage
from gateway.signatures.algorithms import (
    STREEBOG_256,
    STREEBOG_512,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
    digest_by_uri,
    signature_by_uri,
)
from gateway.signatures.backends import Backend, open_backend
from gateway.signatures.backends.octets import canonical_in_xml
from gateway.signatures.certificates import Certificate, read_certificate
from gateway.signatures.chain import judge_chain
from gateway.signatures.fitness import Purpose, judge_algorithm, judge_certificate, judge_key
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason, Signer, Verdict
from gateway.signatures.wss.names import WSA
from gateway.signatures.wss.parsing import canonical, read_envelope
from gateway.signatures.wss.partner import Partner, VerifiedEnvelope
from gateway.signatures.wss.structure import Envelope, Reference, read_structure
from gateway.signatures.wss.timestamp import Life, read_life

SKEW: Final = timedelta(minutes=5)
_STREEBOG: Final = (STREEBOG_256, STREEBOG_512)
_GOST: Final = (Family.GOST_256, Family.GOST_512)


def verify_envelope(
    envelope: bytes,
    *,
    partner: Partner,
    at: datetime,
    skew: timedelta = SKEW,
    backend: Backend | None = None,
) -> VerifiedEnvelope:
    """Judge a signed SOAP envelope as of a moment; never raises.

    Body and Timestamp must be signed, each in its place, and the Timestamp be within its life.
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
        self._algorithm = signature_by_uri(parts.signature_uri)
        self._certificate = _read_token(parts.token)
        self._body, self._timestamp = b"", b""
        self._headers: dict[str, bytes] = {}
        self._life: Life | None = None

    def envelope(self) -> VerifiedEnvelope:
        """Return the verdict, and the parts if it is good."""
        reasons = tuple(dict.fromkeys(self._reasons()))
        verdict = Verdict(reasons, (self._signer(),))
        if not verdict.valid or self._life is None:
            return VerifiedEnvelope(
                verdict=verdict, certificate=self._certificate, soap=self._parts.soap
            )
        return VerifiedEnvelope(
            verdict=verdict,
            certificate=self._certificate,
            soap=self._parts.soap,
            body=self._body,
            created=self._life.created,
            expires=self._life.expires,
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
        if self._algorithm is None:
            yield Reason(Fact.ALGORITHM_UNKNOWN, self._parts.signature_uri[:200])
        else:
            yield from judge_algorithm(self._algorithm, self._partner.allowed, self._at)
        for reference in self._parts.references:
            yield from self._judge_digest(digest_by_uri(reference.digest_uri), reference)

    def _judge_digest(
        self, digest: DigestAlgorithm | None, reference: Reference
    ) -> Iterator[Reason]:
        """A refused hash is admitted where a signature with that same hash is."""
        if digest is None:
            yield Reason(Fact.ALGORITHM_UNKNOWN, reference.digest_uri[:200])
        elif digest.refused and digest not in {row.digest for row in self._partner.allowed}:
            yield Reason(Fact.ALGORITHM_FORBIDDEN, digest.name)
        elif digest.refused:
            yield Reason(Fact.LEGACY_ADMITTED, digest.name)
        if digest and self._algorithm and not _of_one_family(digest, self._algorithm):
            yield Reason(Fact.ALGORITHMS_MIXED, f"{digest.name} in {self._algorithm.name}")

    def _judge_references(self) -> Iterator[Reason]:
        seen: set[str] = set()
        for reference in self._parts.references:
            element = self._parts.find(reference.uri)
            self._need_place(element)
            if reference.uri in seen:
                raise MalformedMessage("two references name one element")
            seen.add(reference.uri)
            digest = digest_by_uri(reference.digest_uri)
            assert digest is not None  # an unknown one has ended the case before
            octets = canonical(element, reference.prefixes)
            real = self._backend.digest(digest, octets)
            if hmac.compare_digest(real, reference.digest_value):
                self._keep(element, octets)
            else:
                yield Reason(Fact.DIGEST_MISMATCH, etree.QName(element).localname)

    def _need_place(self, element: etree._Element) -> None:
        """Only the Body, header blocks and what stands in our Security header may be signed."""
        parent = element.getparent()
        in_place = (
            element is self._parts.body
            or (parent is self._parts.header and element is not self._parts.security)
            or (parent is self._parts.security and element is not self._parts.signature)
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

    def _judge_signature(self) -> Iterator[Reason]:
        algorithm = self._algorithm
        if algorithm is None or algorithm not in self._partner.allowed or not self._certificate:
            return
        key = self._backend.load_public(self._certificate.spki)
        yield from judge_key(key, algorithm)
        octets = canonical(self._parts.signed_info, self._parts.prefixes)
        value = canonical_in_xml(algorithm.family, self._parts.signature_value)
        if not self._backend.verify(key, algorithm, value, octets):
            yield Reason(Fact.SIGNATURE_BROKEN)

    def _judge_coverage(self) -> Iterator[Reason]:
        signed = {
            etree.QName(name).localname for name in self._headers if name.startswith(f"{{{WSA}}}")
        }
        if not self._body:
            yield Reason(Fact.NOT_COVERED, "Body")
        if not self._timestamp:
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
            yield Reason(Fact.MALFORMED, "the token holds no certificate")
            return
        yield from judge_certificate(certificate, Purpose.ENVELOPE)
        if partner.pins and certificate.sha256 not in partner.pins:
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
            algorithm=self._algorithm.name if self._algorithm else self._parts.signature_uri[:200],
            signed_at=self._life.created if self._life else None,
            covers=", ".join(covered),
        )


def _of_one_family(digest: DigestAlgorithm, algorithm: SignatureAlgorithm) -> bool:
    return (digest in _STREEBOG) is (algorithm.family in _GOST)


def _read_token(token: bytes) -> Certificate | None:
    try:
        return read_certificate(token)
    except MalformedMessage:
        return None
