"""Revocation lists: whose they speak of, and what a later one adds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.errors import MalformedMessage
from gateway.signatures import asn1, der
from gateway.signatures.algorithms import RSA_SHA384
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.identifiers import signature_identifier
from gateway.signatures.keys import SigningKey
from gateway.signatures.lists import RevocationList, Scope, read_list
from gateway.signatures.reasons import Fact
from gateway.signatures.revocation import Evidence, judge_revocation
from gateway.signatures.verdict import Reason
from tests.signatures.conftest import DAY, NOON, Issue, Load
from tests.signatures.reissuing import (
    doubted,
    extended,
    extension,
    generalized,
    keeps,
    list_bytes,
    listed,
    points,
    scope,
    url,
)

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
SKEW = timedelta(minutes=5)
FRESHEST = "2.5.29.46"
TRUE = b"\xff"
A, B = "http://lists.example/a.crl", "http://lists.example/b.crl"


@pytest.fixture
def issuing(key: Load) -> SigningKey:
    return key("ru-issuing")


@pytest.fixture
def chair(key: Load) -> Certificate:
    return key("ru-clinic77-chair").certificate


def judge(trust: Trust, certificate: Certificate, *lists: RevocationList) -> list[Fact]:
    others = [one for one in trust.lists if one.issuer_name != certificate.issuer_name]
    heard = replace(trust, lists=(*others, *lists))
    return [reason.fact for reason in judge_chain(certificate, (), heard, at=NOON)]


def reason_at(
    at: datetime, certificate: Certificate, issuer: SigningKey, *lists: RevocationList
) -> Reason | None:
    """Return what the issuer has against the certificate at the moment, as is known at noon."""
    evidence, backend = Evidence(lists=lists), open_backend()
    return judge_revocation(
        certificate, issuer.certificate, evidence, at=at, now=NOON, backend=backend
    )


# --- what a later list adds ----------------------------------------------------------------------


def test_delta_list_adds_a_revocation(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    whole = listed(issuing, {}, number=7)
    delta = listed(issuing, {chair.serial: (NOON - HOUR, 4)}, number=9, base=7, since=-HOUR)

    assert judge(trust, chair, whole) == []
    assert judge(trust, chair, whole, delta) == [Fact.REVOKED]
    assert judge(trust, chair, delta, whole) == [Fact.REVOKED]
    assert judge(trust, chair, delta) == [Fact.REVOKED]


def test_delta_list_renews_what_it_adds_to(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    stale = listed(issuing, {}, number=7, since=-3 * DAY, until=-DAY)
    delta = listed(issuing, {}, number=9, base=7, since=-HOUR)

    assert judge(trust, chair, stale) == [Fact.REVOCATION_UNKNOWN]
    assert judge(trust, chair, stale, delta) == []
    assert judge(trust, chair, delta) == [Fact.REVOCATION_UNKNOWN]


def test_newest_of_the_whole_lists_is_what_is_added_to(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    line = {chair.serial: (NOON - 2 * DAY, 6)}
    old = listed(issuing, {}, number=7, since=-3 * DAY, until=-2 * DAY)
    new = listed(issuing, line, number=8, since=-2 * DAY, until=-DAY)
    delta = listed(issuing, {}, number=9, base=7, since=-HOUR)

    assert judge(trust, chair, old, new, delta) == [Fact.REVOKED]
    assert judge(trust, chair, new, old, delta) == [Fact.REVOKED]


@pytest.mark.parametrize(
    ("number", "base", "own"),
    [(7, 8, 9), (10, 7, 9), (None, 7, 9), (7, 7, None)],
)
def test_delta_list_to_another_list_adds_nothing(
    trust: Trust,
    chair: Certificate,
    issuing: SigningKey,
    number: int | None,
    base: int,
    own: int | None,
) -> None:
    stale = listed(issuing, {}, number=number, since=-3 * DAY, until=-DAY)
    delta = listed(issuing, {}, number=own, base=base, since=-HOUR)

    assert judge(trust, chair, stale, delta) == [Fact.REVOCATION_UNKNOWN]


@pytest.mark.parametrize(("number", "base", "own"), [(7, 7, 9), (9, 7, 9)])
def test_numbers_of_a_delta_list_include_its_ends(
    trust: Trust, chair: Certificate, issuing: SigningKey, number: int, base: int, own: int
) -> None:
    stale = listed(issuing, {}, number=number, since=-3 * DAY, until=-DAY)
    delta = listed(issuing, {}, number=own, base=base, since=-HOUR)

    assert judge(trust, chair, stale, delta) == []


@pytest.mark.parametrize(("reason", "found"), [(6, []), (1, [Fact.REVOKED])])
def test_delta_list_lifts_a_hold_and_nothing_else(
    trust: Trust, chair: Certificate, issuing: SigningKey, reason: int, found: list[Fact]
) -> None:
    whole = listed(issuing, {chair.serial: (NOON - 2 * DAY, reason)}, number=7)
    lifted = listed(issuing, {chair.serial: (NOON - HOUR, 8)}, number=9, base=7, since=-HOUR)

    assert judge(trust, chair, whole, lifted) == found


def test_delta_list_of_another_scope_adds_nothing(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    stale = listed(issuing, {}, number=7, since=-3 * DAY, until=-DAY)
    users = scope(der.tlv(0x81, TRUE))
    delta = listed(issuing, {}, users, number=9, base=7, since=-HOUR)

    assert judge(trust, chair, stale, delta) == [Fact.REVOCATION_UNKNOWN]


def test_lifted_hold_says_nothing_without_the_list_that_it_was_on(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    lifted = listed(issuing, {chair.serial: (NOON - HOUR, 8)}, number=9, base=7, since=-HOUR)
    stale = listed(issuing, {}, number=7, since=-3 * DAY, until=-DAY)
    too_old = listed(issuing, {}, number=6, since=-3 * DAY, until=-DAY)

    assert judge(trust, chair, lifted) == [Fact.REVOCATION_UNKNOWN]
    assert judge(trust, chair, too_old, lifted) == [Fact.REVOCATION_UNKNOWN]
    assert judge(trust, chair, stale, lifted) == []


def test_of_two_words_of_one_moment_the_hold_counts(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    held = listed(issuing, {chair.serial: (NOON - 2 * DAY, 6)}, number=7)
    silent = listed(issuing, {}, number=7)
    delta = listed(issuing, {}, number=9, base=7, since=-HOUR)

    assert judge(trust, chair, held, silent) == [Fact.REVOKED]
    assert judge(trust, chair, silent, held) == [Fact.REVOKED]
    assert judge(trust, chair, held, silent, delta) == [Fact.REVOKED]
    assert judge(trust, chair, silent, held, delta) == [Fact.REVOKED]


# --- whoever has ended ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "kept", "found"),
    [
        (timedelta(), None, []),
        (SECOND, None, [Fact.REVOCATION_UNKNOWN]),
        (SECOND, SECOND, [Fact.REVOCATION_UNKNOWN]),
        (SECOND, timedelta(), []),
        (SECOND, -DAY, []),
    ],
)
def test_list_made_after_a_certificates_end_must_say_that_it_keeps_its_line(
    trust: Trust,
    chair: Certificate,
    issuing: SigningKey,
    made: timedelta,
    kept: timedelta | None,
    found: list[Fact],
) -> None:
    """The moments are counted from the certificate's end."""
    ended = replace(chair, not_after=NOON - 2 * DAY)
    more = [] if kept is None else [keeps(ended.not_after + kept)]
    silent = listed(issuing, {}, *more, since=-2 * DAY + made)

    assert judge(trust, ended, silent) == [Fact.EXPIRED, *found]


def test_line_of_a_certificate_that_has_ended_always_counts(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    ended = replace(chair, not_after=NOON - 2 * DAY)
    line = {chair.serial: (NOON - 3 * DAY, 4)}

    assert judge(trust, ended, listed(issuing, line)) == [Fact.EXPIRED, Fact.REVOKED]
    # And who is on a list since later was on none before, or the list would say so.
    assert reason_at(NOON - 4 * DAY, ended, issuing, listed(issuing, line)) is None


def test_both_parts_of_a_list_must_keep_whoever_has_ended(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    ended = replace(chair, not_after=NOON - 2 * DAY)
    kept = keeps(ended.not_after)
    before = listed(issuing, {}, number=7, since=-3 * DAY, until=-DAY)
    after = listed(issuing, {}, number=7, until=-HOUR)
    after_keeping = listed(issuing, {}, kept, number=7, until=-HOUR)
    delta = listed(issuing, {}, number=9, base=7, since=-HOUR)
    delta_keeping = listed(issuing, {}, kept, number=9, base=7, since=-HOUR)
    open_still = [Fact.EXPIRED, Fact.REVOCATION_UNKNOWN]

    assert judge(trust, ended, before, delta) == open_still
    assert judge(trust, ended, after, delta_keeping) == open_still
    assert judge(trust, ended, after_keeping, delta) == open_still
    assert judge(trust, ended, before, delta_keeping) == [Fact.EXPIRED]
    assert judge(trust, ended, after_keeping, delta_keeping) == [Fact.EXPIRED]


def test_hold_is_not_lifted_by_being_dropped_at_the_certificates_end(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    ended = replace(chair, not_after=NOON - 2 * DAY)
    held = listed(issuing, {chair.serial: (NOON - 4 * DAY, 6)}, number=7, since=-3 * DAY)
    silent = listed(issuing, {}, number=8)
    removed = listed(issuing, {chair.serial: (NOON - HOUR, 8)}, number=9, base=7, since=-HOUR)

    for later in (silent, removed):
        assert judge(trust, ended, held, later) == [Fact.EXPIRED, Fact.REVOKED]


def test_what_a_list_keeps_is_read(issuing: SigningKey) -> None:
    made = listed(issuing, {}, keeps(NOON, critical=True))

    assert (made.keeps_since, made.complete) == (NOON, True)
    for odd in (der.NULL, der.time(NOON), der.tlv(0x18, b"2026")):
        with pytest.raises(MalformedMessage):
            listed(issuing, {}, extension("2.5.29.60", odd))


# --- tomorrow ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "found"), [(SKEW, []), (SKEW + SECOND, [Fact.REVOCATION_UNKNOWN])]
)
def test_list_of_tomorrow_is_no_word(
    trust: Trust, chair: Certificate, issuing: SigningKey, ahead: timedelta, found: list[Fact]
) -> None:
    stale = listed(issuing, {}, number=7, since=-3 * DAY, until=-DAY)
    delta = listed(issuing, {}, number=9, base=7, since=ahead)
    early = listed(issuing, {}, number=7, since=ahead)
    now = listed(issuing, {}, number=9, base=7, since=-HOUR)

    assert judge(trust, chair, early) == found
    assert judge(trust, chair, stale, delta) == found
    assert judge(trust, chair, early, now) == found


def test_list_of_tomorrow_lifts_no_hold_but_what_it_revokes_is_revoked(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    held = listed(issuing, {chair.serial: (NOON - 2 * DAY, 6)})
    silent = listed(issuing, {}, since=HOUR)
    revoking = listed(issuing, {chair.serial: (NOON - 2 * DAY, 1)}, since=HOUR)
    later = listed(issuing, {chair.serial: (NOON + SECOND, 1)}, since=HOUR)

    assert judge(trust, chair, held, silent) == [Fact.REVOKED]
    assert judge(trust, chair, listed(issuing, {}), revoking) == [Fact.REVOKED]
    assert judge(trust, chair, later) == [Fact.REVOCATION_UNKNOWN]


# --- an earlier moment ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        (0, "unspecified"),
        (1, "keyCompromise"),
        (2, "cACompromise"),
        (3, None),
        (4, None),
        (5, None),
        (6, "certificateHold"),
        (7, "unspecified"),
        (9, None),
        (10, "aACompromise"),
    ],
)
def test_later_revocation_spares_what_is_older_if_its_reason_is_unsuspicious(
    chair: Certificate, issuing: SigningKey, reason: int, found: str | None
) -> None:
    made = listed(issuing, {chair.serial: (NOON - DAY, reason)})
    tomorrows = listed(issuing, {chair.serial: (NOON + SECOND, reason)})

    before = reason_at(NOON - DAY - SECOND, chair, issuing, made)
    same = reason_at(NOON - DAY, chair, issuing, made)

    assert before == (None if found is None else Reason(Fact.REVOKED, found))
    assert same is not None
    assert same.fact is Fact.REVOKED
    assert reason_at(NOON - 2 * DAY, chair, issuing, tomorrows) is None


@pytest.mark.parametrize(
    ("since", "doubts", "at", "found"),
    [
        (NOON - HOUR, NOON - DAY, NOON - DAY, True),
        (NOON - HOUR, NOON - DAY, NOON - DAY - SECOND, False),
        (NOON - DAY, NOON - HOUR, NOON - DAY, True),
        (NOON - DAY, NOON - HOUR, NOON - DAY - SECOND, False),
    ],
)
def test_earlier_of_revocation_and_first_doubt_counts(
    chair: Certificate,
    issuing: SigningKey,
    since: datetime,
    doubts: datetime,
    at: datetime,
    found: object,
) -> None:
    made = listed(issuing, {chair.serial: (since, 4)}, line_extensions=(doubted(doubts),))

    assert made.lines[chair.serial].doubted_since == doubts
    assert (reason_at(at, chair, issuing, made) is not None) is found


def test_first_doubt_is_a_moment(issuing: SigningKey) -> None:
    for critical in (True, False):
        good = extension("2.5.29.24", generalized(NOON), critical=critical)
        assert listed(issuing, {5: (NOON, 1)}, line_extensions=(good,)).complete
    odd = (extension("2.5.29.24", der.NULL),)
    with pytest.raises(MalformedMessage):
        listed(issuing, {5: (NOON, 1)}, line_extensions=odd)


def test_evidence_must_be_fresh_when_it_is_judged_and_not_at_the_earlier_moment(
    chair: Certificate, issuing: SigningKey
) -> None:
    earlier = NOON - 10 * DAY
    stale = listed(issuing, {}, since=-11 * DAY, until=-SECOND)
    tomorrows = listed(issuing, {}, since=HOUR)

    assert reason_at(earlier, chair, issuing, listed(issuing, {})) is None
    for made, why in (
        ([stale], "out of date"),
        ([tomorrows], "not a word that speaks of this moment"),
        ([stale, tomorrows], "out of date"),
        ([], "no word of the authority"),
    ):
        found = reason_at(earlier, chair, issuing, *made)
        assert found == Reason(Fact.REVOCATION_UNKNOWN, why)


# --- of whom a list speaks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "found"),
    [
        (der.tlv(0x81, TRUE), []),
        (der.tlv(0x82, TRUE), [Fact.REVOCATION_UNKNOWN]),
        (der.tlv(0x83, b"\x06\x40"), [Fact.REVOCATION_UNKNOWN]),  # for some reasons only
        (der.tlv(0x84, TRUE), [Fact.REVOCATION_UNKNOWN]),  # lines of other authorities
        (der.tlv(0x85, TRUE), [Fact.REVOCATION_UNKNOWN]),  # attribute certificates
        (der.explicit(0, der.explicit(1)), [Fact.REVOCATION_UNKNOWN]),  # a relative name
    ],
)
def test_list_speaks_of_whom_its_scope_names(
    trust: Trust, chair: Certificate, issuing: SigningKey, part: bytes, found: list[Fact]
) -> None:
    assert judge(trust, chair, listed(issuing, {}, scope(part))) == found


@pytest.mark.parametrize(("tag", "found"), [(0x81, [Fact.REVOCATION_UNKNOWN]), (0x82, [])])
def test_authority_stands_on_a_list_of_authorities(
    trust: Trust, key: Load, issuing: SigningKey, tag: int, found: list[Fact]
) -> None:
    made = listed(key("ru-root"), {}, scope(der.tlv(tag, TRUE)))

    assert judge(trust, issuing.certificate, made) == found


def test_list_of_one_point_speaks_of_whoever_names_the_point(
    trust: Trust, issue: Issue, issuing: SigningKey
) -> None:
    signer = extended(issue(), issuing, points("2.5.29.31", A)).certificate
    part = der.explicit(0, der.explicit(0, url(A)))
    other = der.explicit(0, der.explicit(0, url(B)))

    assert judge(trust, signer, listed(issuing, {}, scope(part))) == []
    assert judge(trust, signer, listed(issuing, {}, scope(other))) == [Fact.REVOCATION_UNKNOWN]


def test_scope_is_read(issuing: SigningKey) -> None:
    part = der.explicit(0, der.explicit(0, url(A), url(B)))
    made = listed(issuing, {}, scope(part, der.tlv(0x81, TRUE)), points(FRESHEST, B), base=3)

    assert made.scope == Scope(users=True, authorities=False, points=frozenset({A, B}))
    assert (made.number, made.base, made.delta_urls) == (1, 3, (B,))
    assert listed(issuing, {}, number=None).number is None


@pytest.mark.parametrize(
    ("oid", "critical", "complete"),
    [
        ("2.5.29.29", True, False),  # certificateIssuer: a line of another authority
        ("2.5.29.29", False, True),
        ("1.2.3", True, False),
    ],
)
def test_line_that_is_not_understood_spoils_the_list(
    issuing: SigningKey,
    oid: str,
    critical: bool,  # noqa: FBT001
    complete: bool,  # noqa: FBT001
) -> None:
    more = (extension(oid, der.NULL, critical=critical),)
    octets = list_bytes(issuing, {5: (NOON, 1)}, line_extensions=more)

    assert read_list(octets).complete is complete


def test_list_of_another_authority_says_nothing(
    trust: Trust, chair: Certificate, key: Load
) -> None:
    root = key("ru-root")
    signed_for_root = listed(root, {})
    others = [one for one in trust.lists if one.issuer_name != chair.issuer_name]

    heard = replace(trust, lists=(*others, signed_for_root))

    facts = [reason.fact for reason in judge_chain(chair, (), heard, at=NOON)]
    assert facts == [Fact.REVOCATION_UNKNOWN]


# --- the last moments ----------------------------------------------------------------------------


def test_list_counts_to_the_very_moment_of_its_next_update(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    second = timedelta(seconds=1)

    assert judge(trust, chair, listed(issuing, {}, until=timedelta())) == []
    assert judge(trust, chair, listed(issuing, {}, until=-second)) == [Fact.REVOCATION_UNKNOWN]


@pytest.mark.parametrize("reason", [1, 6])
@pytest.mark.parametrize(("seconds", "found"), [(0, [Fact.REVOKED]), (1, [])])
def test_revocation_counts_from_its_very_moment(
    trust: Trust,
    chair: Certificate,
    issuing: SigningKey,
    reason: int,
    seconds: int,
    found: list[Fact],
) -> None:
    since = NOON + timedelta(seconds=seconds)

    assert judge(trust, chair, listed(issuing, {chair.serial: (since, reason)})) == found


def test_final_revocation_counts_from_its_very_moment_whatever_is_newer(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    old = listed(issuing, {chair.serial: (NOON, 1)}, since=-2 * DAY)

    assert judge(trust, chair, old, listed(issuing, {})) == [Fact.REVOKED]


def test_hold_that_only_a_stale_list_lifts_leaves_it_open(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    held = listed(issuing, {chair.serial: (NOON - 2 * DAY, 6)}, since=-2 * DAY, until=DAY)
    lifted = listed(issuing, {}, since=-DAY, until=-HOUR)

    assert judge(trust, chair, held, lifted) == [Fact.REVOCATION_UNKNOWN]


def test_list_whose_two_algorithms_differ_is_nobodys(issuing: SigningKey) -> None:
    tbs, _, signature = asn1.read_der(list_bytes(issuing, {})).members()
    other = der.sequence(tbs.raw, signature_identifier(RSA_SHA384), signature.raw)

    assert read_list(other).algorithm is None


# --- who looks back with the lists of today ----------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        (None, [Fact.REVOCATION_UNKNOWN]),
        (-DAY, [Fact.REVOCATION_UNKNOWN]),
        (DAY - SKEW - SECOND, [Fact.REVOCATION_UNKNOWN]),
        (DAY - SKEW, []),
        (DAY, []),
    ],
)
def test_list_that_was_had_later_may_speak_of_the_moment(
    trust: Trust,
    chair: Certificate,
    issuing: SigningKey,
    heard: timedelta | None,
    found: list[Fact],
) -> None:
    """`heard` is counted from the moment of judging, and the list was made a day after that."""
    looking = replace(trust, heard_at=None if heard is None else NOON + heard)

    assert judge(looking, chair, listed(issuing, {}, since=DAY, until=2 * DAY)) == found


def test_revocation_on_a_list_of_later_counts_from_its_own_moment(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    looking = replace(trust, heard_at=NOON + DAY)
    after = listed(issuing, {chair.serial: (NOON + HOUR, 4)}, since=DAY, until=2 * DAY)
    before = listed(issuing, {chair.serial: (NOON - HOUR, 4)}, since=DAY, until=2 * DAY)

    assert judge(looking, chair, after) == []
    assert judge(looking, chair, before) == [Fact.REVOKED]


def test_authorities_may_be_taken_to_keep_whoever_has_ended(
    trust: Trust, chair: Certificate, issuing: SigningKey
) -> None:
    ended = replace(chair, not_after=NOON - 2 * DAY)
    line = {chair.serial: (NOON - 3 * DAY, 1)}
    trusting = replace(trust, lines_kept=True)

    assert judge(trust, ended, listed(issuing, {})) == [Fact.EXPIRED, Fact.REVOCATION_UNKNOWN]
    assert judge(trusting, ended, listed(issuing, {})) == [Fact.EXPIRED]
    assert judge(trusting, ended, listed(issuing, line)) == [Fact.EXPIRED, Fact.REVOKED]
