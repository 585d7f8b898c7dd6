"""What one list or one answer says of one certificate, and whether that may be believed.

No word is one that promises, nor silence about a certificate whose line may have been dropped at
its end: an authority may leave out whoever has ended (RFC 5280 §3.3) and says so if it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate
from gateway.signatures.fitness import SKEW
from gateway.signatures.lists import Line, RevocationList, verify_list
from gateway.signatures.ocsp.response import Status, Word

OLDEST_ANSWER: Final = timedelta(days=10)
"""How long an answer is believed at most, whatever nextUpdate it gives itself."""
_REMOVED: Final = 8  # removeFromCRL
_UNSUSPICIOUS: Final = frozenset({3, 4, 5, 9})
"""Reasons that say nothing against the key, so that what was signed before stays good.

No reason at all is not one of them, nor is a hold, which may still become anything.
"""


@dataclass(frozen=True, slots=True)
class Belief:
    """Which words are believed: fresh `at`, and none that says it is later than `latest`.

    `kept`: authorities are taken to keep the lines of certificates that have ended, though they
    do not say so.
    """

    at: datetime
    latest: datetime
    kept: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """What one answer or list says of one certificate; `line` is None where it is not revoked.

    `telling`: whether «not revoked» means anything here.
    """

    this_update: datetime
    fresh: bool
    line: Line | None
    telling: bool

    def against(self, at: datetime, now: datetime) -> Line | None:
        """Return the line if it counts against what was there at `at`, as is known `now`."""
        if self.line is None:
            return None
        since = min(self.line.since, self.line.doubted_since or self.line.since)
        last = at if self.line.reason in _UNSUSPICIOUS else now
        return self.line if since <= last else None

    def clears(self, at: datetime, now: datetime) -> bool:
        """Tell whether it says, and may be believed, that the certificate was not revoked."""
        return self.telling and self.against(at, now) is None


def in_words(
    words: Iterable[Word], certificate: Certificate, age: timedelta, belief: Belief
) -> Iterator[Statement]:
    """Yield what an answer says; «unknown» says nothing."""
    for word in words:
        if word.status is Status.UNKNOWN:
            continue
        until = word.this_update + age
        if word.next_update is not None:
            until = min(word.next_update, word.this_update + OLDEST_ANSWER)
        line = None
        if word.since is not None:
            line = Line(word.since, word.reason, word.doubted_since)
        telling = _is_telling(word, line, certificate, belief)
        yield Statement(word.this_update, belief.at <= until, line, telling)


def in_lists(
    certificate: Certificate,
    issuer: Certificate,
    lists: Iterable[RevocationList],
    belief: Belief,
    backend: Backend,
) -> Iterator[Statement]:
    """Yield what whole lists, and those that add to them, say; raise CryptoUnavailable."""
    usable = [each for each in lists if _speaks_of(each, certificate, issuer, backend)]
    whole = [each for each in usable if each.base is None]
    for each in whole:
        yield _statement(each, _line(each, certificate), certificate, belief)
    for delta in usable:
        bases = [each for each in whole if _adds_to(delta, each)]
        line = _line(delta, certificate)
        if line is not None:
            yield _statement(delta, line, certificate, belief)
        elif bases:
            yield _with_base(delta, bases, certificate, belief)


def _with_base(
    delta: RevocationList, bases: Sequence[RevocationList], certificate: Certificate, belief: Belief
) -> Statement:
    """Return what a list says together with the newest whole one that it adds nothing to."""
    number = certificate.serial
    # Of two lists of one moment the one with the line counts.
    base = max(bases, key=lambda each: (each.this_update, number in each.lines))
    line = None if number in delta.lines else _line(base, certificate)  # its hold is over
    said = _statement(delta, line, certificate, belief)
    return replace(said, telling=said.telling and _is_telling(base, line, certificate, belief))


def _line(crl: RevocationList, certificate: Certificate) -> Line | None:
    """Return the line of the certificate, unless all that it says is that its hold is over."""
    line = crl.lines.get(certificate.serial)
    return line if line is not None and line.reason != _REMOVED else None


def _statement(
    crl: RevocationList, line: Line | None, certificate: Certificate, belief: Belief
) -> Statement:
    fresh = crl.next_update is not None and belief.at <= crl.next_update
    return Statement(crl.this_update, fresh, line, _is_telling(crl, line, certificate, belief))


def _is_telling(
    word: RevocationList | Word, line: Line | None, certificate: Certificate, belief: Belief
) -> bool:
    """Tell whether a word is no promise, nor silence about what may have been dropped."""
    if word.this_update > belief.latest + SKEW:
        return False
    if line is not None or belief.kept or word.this_update <= certificate.not_after:
        return True
    return word.keeps_since is not None and word.keeps_since <= certificate.not_after


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
