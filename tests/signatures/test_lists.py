"""Revocation lists: whose they speak of, and what a later one adds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.signatures import asn1, der
from gateway.signatures.algorithms import RSA_SHA384
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.identifiers import signature_identifier
from gateway.signatures.keys import SigningKey
from gateway.signatures.lists import RevocationList, Scope, read_list
from gateway.signatures.reasons import Fact
from tests.signatures.conftest import DAY, NOON, Issue, Load
from tests.signatures.reissuing import extended, extension, list_bytes, listed, points, scope, url

HOUR = timedelta(hours=1)
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
        ("2.5.29.24", True, True),  # invalidityDate
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
