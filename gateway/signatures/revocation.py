"""Is a certificate revoked, by all that its authority has said: answers, lists, added lists.

A revocation is for good, whoever says it and however long ago; only a hold may be lifted, and
whatever is newest counts there (RFC 5280 §5.3.1). That a certificate is not revoked must have
been said lately: an old word is no word, nor is one of tomorrow, nor silence about a certificate
whose line may have been dropped at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate
from gateway.signatures.lists import Line, RevocationList
from gateway.signatures.ocsp.responder import answers_for
from gateway.signatures.ocsp.response import OcspAnswer
from gateway.signatures.reasons import Fact
from gateway.signatures.statements import Belief, Statement, in_lists, in_words
from gateway.signatures.verdict import Reason

ANSWER_AGE: Final = timedelta(hours=1)
"""How long an answer without nextUpdate is believed."""
_HOLD: Final = 6  # certificateHold
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
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
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
    heard_at: datetime | None = None
    """When it was had, where that is later than the moment of judging: no word of then is one of
    tomorrow."""
    lines_kept: bool = False
    """Authorities are taken to keep the lines of certificates that have ended."""

    def belief(self, at: datetime) -> Belief:
        """Return which words are believed at a moment of judging."""
        latest = max(at, self.heard_at) if self.heard_at is not None else at
        return Belief(at, latest, self.lines_kept)


def judge_revocation(
    certificate: Certificate,
    issuer: Certificate,
    evidence: Evidence,
    *,
    at: datetime,
    backend: Backend,
    now: datetime | None = None,
) -> Reason | None:
    """Say what the issuer has against the certificate; None when it lately had nothing.

    `at`: the moment that is asked about. `now`: the moment of judging, where it is another: the
    evidence must be fresh then, and a revocation after `at` counts unless its reason is an
    unsuspicious one. Raises CryptoUnavailable when a signature of the evidence cannot be checked
    here.
    """
    now = now or at
    said = sorted(
        statements(certificate, issuer, evidence, at=now, backend=backend),
        key=lambda one: one.this_update,
    )
    revoking = [line for one in said if (line := one.against(at, now)) is not None]
    final = next((line for line in revoking if line.reason != _HOLD), None)
    if line := final or _held(said, at, now):
        return _revoked(line)
    if any(one.fresh and one.clears(at, now) for one in said):
        return None
    return Reason(Fact.REVOCATION_UNKNOWN, _why_unknown(said, at, now))


def _held(said: Sequence[Statement], at: datetime, now: datetime) -> Line | None:
    """Return a hold that nothing newer has lifted; of two words of one moment it counts."""
    lifted = max((one.this_update for one in said if one.clears(at, now)), default=_LONG_AGO)
    lines = (one.against(at, now) for one in said if one.this_update >= lifted)
    return next((line for line in lines if line is not None), None)


def _why_unknown(said: Sequence[Statement], at: datetime, now: datetime) -> str:
    if not said:
        return "no word of the authority"
    if any(one.clears(at, now) for one in said):
        return "out of date"
    return "not a word that speaks of this moment"


def statements(
    certificate: Certificate,
    issuer: Certificate,
    evidence: Evidence,
    *,
    at: datetime,
    backend: Backend,
) -> Iterator[Statement]:
    """Yield all that the issuer has said of the certificate; raise CryptoUnavailable.

    `at`: the moment of judging.
    """
    yield from in_lists(certificate, issuer, evidence.lists, evidence.belief(at), backend)
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

    `at`: the moment of judging, at which whoever answers for the issuer must still be good.
    Of the evidence the lists count, for what a delegate's own certificate is worth.
    """
    silent = replace(evidence, answers=())

    def stands(responder: Certificate) -> bool:
        return judge_revocation(responder, issuer, silent, at=at, backend=backend) is None

    words = [word for word in answer.words if word.is_about(certificate, issuer)]
    if words and answers_for(answer, issuer, evidence.responders, backend, stands, at=at):
        yield from in_words(words, certificate, evidence.answer_age, evidence.belief(at))


def _revoked(line: Line) -> Reason:
    if line == _NEVER:
        return Reason(Fact.NEVER_ISSUED)
    return Reason(Fact.REVOKED, _REASONS.get(line.reason, "unspecified"))
