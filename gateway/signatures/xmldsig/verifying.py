"""Verifies XML signatures over documents strictly, and gives back the bytes it verified.

Structure, algorithms and counts are looked at before anything is canonicalised; every finding of
every signer is collected, so that a vendor sees all of them at once; any bytes get a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.errors import CryptoUnavailable, MalformedMessage
from gateway.signatures.algorithms import signature_by_uri
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.fitness import judge_certificate
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason, Signer, Verdict
from gateway.signatures.xml.judging import holds, judge_algorithms, judge_value
from gateway.signatures.xml.key_info import read_x509_data
from gateway.signatures.xml.names import ENVELOPED
from gateway.signatures.xml.parsing import has_comments, read_xml
from gateway.signatures.xmldsig.effort import Effort, need_modest
from gateway.signatures.xmldsig.octets import take_out, without, write_beside, write_octets
from gateway.signatures.xmldsig.profile import PLAIN, Profile
from gateway.signatures.xmldsig.structure import Found, Target, find_signatures


@dataclass(frozen=True, slots=True)
class Verified:
    """The verdict, and the bytes that were signed; read nothing else of the document.

    Nothing is given unless the verdict is `valid`. `content` is the one thing that every signer
    has signed, in canonical form (content given beside the signature: as it came); None when they
    have signed different things. Under a profile that peels it is the document without any of
    its signatures.
    """

    verdict: Verdict
    content: bytes | None = field(default=None, repr=False)
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What was signed by whomever: `""` the document, `#id` one element, `beside`."""


def verify_xmldsig(
    content: bytes,
    trust: Trust,
    *,
    at: datetime,
    profile: Profile = PLAIN,
    detached: bytes | None = None,
) -> Verified:
    """Judge the signatures of an XML document as of a moment; never raises.

    Every signature in it must hold. With `detached` the document holds signatures alone, made
    over those bytes. XML Signature 1.1, RFC 3741, EN 319 102-1.
    """
    try:
        root = read_xml(content)
        found = find_signatures(root, profile, beside=detached is not None)
        need_modest(found, len(content), len(detached or b""))
    except MalformedMessage as error:
        return Verified(Verdict((Reason(Fact.STRUCTURE_FORBIDDEN, error.text),), ()))
    if not found:
        return Verified(Verdict((Reason(Fact.NOT_SIGNED),), ()))
    effort = Effort(len(content) + len(detached or b""))
    judges = [_Judge(each, profile, trust, at, detached, effort) for each in found]
    reasons = [reason for judge in reversed(judges) for reason in judge.reasons()]
    reasons.append(Reason(Fact.NO_SIGNING_TIME))
    if has_comments(content, root):
        reasons.append(Reason(Fact.COMMENTS_NOT_SIGNED))
    verdict = Verdict(tuple(dict.fromkeys(reasons)), tuple(judge.signer() for judge in judges))
    if not verdict.valid:
        return Verified(verdict)
    return _give(verdict, [judge.parts for judge in judges])


def _give(verdict: Verdict, signed: list[dict[str, bytes]]) -> Verified:
    """Return the good verdict with what was signed; what the first signer saw outranks later."""
    parts: dict[str, bytes] = {}
    for each in reversed(signed):
        parts |= each
    by_all = set(parts).intersection(*signed)
    content = parts[by_all.pop()] if len(by_all) == 1 else None
    return Verified(verdict, content, parts)


class _Judge:
    """Looks at one signature and collects what speaks against it."""

    def __init__(
        self,
        found: Found,
        profile: Profile,
        trust: Trust,
        at: datetime,
        detached: bytes | None,
        effort: Effort,
    ) -> None:
        self._found, self._profile = found, profile
        self._trust, self._at, self._detached = trust, at, detached
        self._effort = effort
        self._algorithm = signature_by_uri(found.signature.algorithm_uri)
        self._certificates: tuple[Certificate, ...] = ()
        self.parts: dict[str, bytes] = {}

    def signer(self) -> Signer:
        """Return who this is, as far as the signature says."""
        uri = self._found.signature.algorithm_uri
        return Signer.of(
            self._certificates[0] if self._certificates else None,
            algorithm=self._algorithm.name if self._algorithm else uri[:200],
            signed_at=None,
            covers=", ".join(target.name or "the document" for target in self._found.targets),
        )

    def reasons(self) -> list[Reason]:
        """Return everything that was found; where the profile peels, the signature is gone then."""
        reasons = [*self._judge_certificate()]
        allowed = self._profile.allowed
        reasons += judge_algorithms(self._found.signature, allowed, self._at)
        try:
            if self._algorithm in allowed:
                reasons += self._judge_signature()
        except CryptoUnavailable as error:
            reasons.append(Reason(Fact.BACKEND_MISSING, error.text))
        except MalformedMessage as error:
            reasons.append(Reason(Fact.STRUCTURE_FORBIDDEN, error.text))
        if self._profile.peeling and self._detached is None:
            take_out(self._found.signature.element)
        return reasons

    def _judge_certificate(self) -> Iterator[Reason]:
        try:
            self._certificates = read_x509_data(self._found.signature.key_info)
        except MalformedMessage as error:
            yield Reason(Fact.MALFORMED, error.text)
            return
        if not self._certificates:
            yield Reason(Fact.CERTIFICATE_MISSING)
            return
        certificate, *others = self._certificates
        yield from judge_certificate(certificate, self._profile.purpose)
        yield from judge_chain(certificate, others, self._trust, at=self._at)

    def _judge_signature(self) -> Iterator[Reason]:
        certificate = self._certificates[0] if self._certificates else None
        backend = self._trust.backend
        value = [*judge_value(self._found.signature, certificate, self._profile.allowed, backend)]
        yield from value
        if any(reason.fact is Fact.SIGNATURE_BROKEN for reason in value):
            return  # a stranger's list of references is not worked through
        for target in self._found.targets:
            octets = self._write(target)
            if octets is None:
                yield Reason(Fact.CONTENT_MISSING)
            elif holds(target.reference, octets, backend):
                self.parts[target.name] = octets
            else:
                yield Reason(Fact.DIGEST_MISMATCH, target.name)

    def _write(self, target: Target) -> bytes | None:
        """Return the octets that the digest was taken of; None where the content is not there."""
        chain, prefixes, effort = target.reference.chain, target.reference.prefixes, self._effort
        if target.element is None:
            if self._detached is None:
                return None
            return write_beside(self._detached, chain, effort, prefixes)
        if ENVELOPED not in chain:
            return write_octets(target.element, chain, effort, prefixes)
        with without(self._found.signature.element):
            return write_octets(target.element, chain, effort, prefixes)
