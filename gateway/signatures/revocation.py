"""Is a certificate revoked, by all that its authority has said: answers, lists, added lists.

A revocation is for good, whoever says it and however long ago; only a hold may be lifted, and
whatever is newest counts there (RFC 5280 §5.3.1). That a certificate is not revoked must have
been said lately: an old word is no word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate
from gateway.signatures.lists import Line, RevocationList, verify_list
from gateway.signatures.ocsp.responder import answers_for
from gateway.signatures.ocsp.response import OcspAnswer, Status, Word
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Reason

ANSWER_AGE: Final = timedelta(hours=1)
"""How long an answer without nextUpdate is believed."""
_HOLD, _REMOVED = 6, 8  # certificateHold, removeFromCRL
_REASONS: Final = {
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}
_NEVER: Final = Line(datetime(1970, 1, 1, tzinfo=UTC), _HOLD)
"""What is answered for a certificate that was never issued (extended-revoke, RFC 6960 §2.2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is at hand of what authorities have said."""

    lists: tuple[RevocationList, ...] = field(default=(), repr=False)
    answers: tuple[OcspAnswer, ...] = field(default=(), repr=False)
    responders: tuple[Certificate, ...] = field(default=(), repr=False)
    """Certificates of responders that their answers may not carry."""
    answer_age: timedelta = ANSWER_AGE


@dataclass(frozen=True, slots=True)
class Statement:
    """What one answer or list says of one certificate; `line` is None where it is not revoked."""

    this_update: datetime
    fresh: bool
    line: Line | None

    def revokes(self, at: datetime) -> bool:
        """Tell whether it says that the certificate was revoked at the moment."""
        return self.line is not None and self.line.since <= at


def judge_revocation(
    certificate: Certificate,
    issuer: Certificate,
    evidence: Evidence,
    *,
    at: datetime,
    backend: Backend,
) -> Reason | None:
    """Say what the issuer has against the certificate; None when it lately had nothing.

    Raises CryptoUnavailable when a signature of the evidence cannot be checked here.
    """
    said = sorted(
        statements(certificate, issuer, evidence, at=at, backend=backend),
        key=lambda one: one.this_update,
    )
    revoking = [one.line for one in said if one.line is not None and one.line.since <= at]
    final = next((line for line in revoking if line.reason != _HOLD), None)
    held = said[-1].line if said and said[-1].revokes(at) else None
    if line := final or held:
        return _revoked(line)
    if any(one.fresh and not one.revokes(at) for one in said):
        return None
    return Reason(Fact.REVOCATION_UNKNOWN, "out of date" if said else "no word of the authority")


def statements(
    certificate: Certificate,
    issuer: Certificate,
    evidence: Evidence,
    *,
    at: datetime,
    backend: Backend,
) -> Iterator[Statement]:
    """Yield all that the issuer has said of the certificate; raise CryptoUnavailable."""
    yield from _in_lists(certificate, issuer, evidence.lists, at, backend)
    for answer in evidence.answers:
        yield from statements_in(answer, certificate, issuer, evidence, at=at, backend=backend)


def statements_in(
    answer: OcspAnswer,
    certificate: Certificate,
    issuer: Certificate,
    evidence: Evidence,
    *,
    at: datetime,
    backend: Backend,
) -> Iterator[Statement]:
    """Yield what one answer says of the certificate, if it is the issuer's; CryptoUnavailable.

    Of the evidence the lists count, for what a delegate's own certificate is worth.
    """
    silent = replace(evidence, answers=())

    def stands(responder: Certificate) -> bool:
        return judge_revocation(responder, issuer, silent, at=at, backend=backend) is None

    words = [word for word in answer.words if word.is_about(certificate, issuer)]
    if words and answers_for(answer, issuer, evidence.responders, backend, stands):
        yield from _in_words(words, evidence.answer_age, at)


def _revoked(line: Line) -> Reason:
    if line == _NEVER:
        return Reason(Fact.NEVER_ISSUED)
    return Reason(Fact.REVOKED, _REASONS.get(line.reason, "unspecified"))


def _in_words(words: Iterable[Word], age: timedelta, at: datetime) -> Iterator[Statement]:
    """Yield what an answer says; «unknown» says nothing."""
    for word in words:
        if word.status is Status.UNKNOWN:
            continue
        until = word.next_update or word.this_update + age
        line = Line(word.since, word.reason) if word.since is not None else None
        yield Statement(word.this_update, at <= until, line)


def _in_lists(
    certificate: Certificate,
    issuer: Certificate,
    lists: Iterable[RevocationList],
    at: datetime,
    backend: Backend,
) -> Iterator[Statement]:
    usable = [each for each in lists if _speaks_of(each, certificate, issuer, backend)]
    whole = [each for each in usable if each.base is None]
    for each in whole:
        yield _statement(each, each.lines.get(certificate.serial), at)
    for delta in usable:
        bases = [each for each in whole if _adds_to(delta, each)]
        line = delta.lines.get(certificate.serial)
        if line is not None:
            yield _statement(delta, line, at)
        elif bases:
            newest = max(bases, key=lambda each: each.this_update)
            yield _statement(delta, newest.lines.get(certificate.serial), at)


def _statement(crl: RevocationList, line: Line | None, at: datetime) -> Statement:
    standing = line if line is not None and line.reason != _REMOVED else None
    fresh = crl.next_update is not None and at <= crl.next_update
    return Statement(crl.this_update, fresh, standing)


def _adds_to(delta: RevocationList, whole: RevocationList) -> bool:
    """Tell whether both together are one newer list (RFC 5280 §5.2.4)."""
    if delta.base is None or delta.number is None or whole.number is None:
        return False
    return delta.base <= whole.number <= delta.number and delta.scope == whole.scope


def _speaks_of(
    crl: RevocationList, certificate: Certificate, issuer: Certificate, backend: Backend
) -> bool:
    may_sign = issuer.key_usage is None or "crl_sign" in issuer.key_usage
    return (
        crl.complete
        and may_sign
        and crl.issuer_name == issuer.subject_name
        and crl.covers(certificate)
        and verify_list(crl, issuer, backend)
    )
