"""Documents with a time-stamp: what an earlier moment saves, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.signatures import asn1, der
from gateway.signatures.algorithms import GOST_95_KZ, Family
from gateway.signatures.cades import (
    KZ,
    Verified,
    add_signer,
    certificates_in,
    sign_cms,
    verify_cms,
)
from gateway.signatures.chain import Trust
from gateway.signatures.cms.container import read_container, read_skeleton
from gateway.signatures.cms.profile import DOCUMENT
from gateway.signatures.cms.writing import put_tokens
from gateway.signatures.issuing import Issuer, Revocation, make_crl
from gateway.signatures.keys import SigningKey
from gateway.signatures.lists import read_list
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome
from tests.signatures.cades.forging import Forgery
from tests.signatures.conftest import DAY, NOON, Issue, Load
from tests.signatures.reissuing import doubted, keeps, listed
from tests.signatures.timestamps.authority import TIME_STAMPING, Stamp, employ, purposes

CONTENT = b"<ClinicalDocument/>"
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
LATER = NOON + 10 * DAY
"""When everybody's certificate of a day has long expired."""


@pytest.fixture(scope="session")
def tsa(key: Load) -> SigningKey:
    return employ(key("ru-issuing"), not_before=NOON - 900 * DAY, not_after=NOON + 900 * DAY)


def with_token(cms: bytes, tsa: SigningKey, at: datetime, number: int = 0, **form: object) -> bytes:
    """Return the container with a token of this moment beside a signer."""
    stamped = read_container(cms).signers[number].signature
    return put_tokens(cms, {number: Stamp(stamped, tsa, at).shaped(**form).write()})


def judge(cms: bytes, trust: Trust, at: datetime = LATER) -> Verified:
    return verify_cms(cms, CONTENT, trust, at=at)


def facts(verified: Verified) -> list[Fact]:
    return [reason.fact for reason in verified.verdict.reasons]


def revoking(trust: Trust, key: Load, signer: SigningKey, since: datetime, reason: str) -> Trust:
    """Return the same trust with a list of today on which the signer stands."""
    issuer = key("ru-issuing")
    made = make_crl(
        Issuer(issuer.certificate.subject_name, issuer.private, issuer.backend),
        [Revocation(signer.certificate.serial, since, reason)],
        LATER - HOUR,
        LATER + DAY,
    )
    return replace(trust, lists=(*trust.lists, read_list(made)))


# --- what a good token proves ------------------------------------------------------------------


def test_expired_certificate_counts_when_a_token_is_older(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    cms = sign_cms(CONTENT, issue(), at=NOON)

    bare = judge(cms, trust)
    stamped = judge(with_token(cms, tsa, NOON + HOUR), trust)

    assert facts(bare) == [Fact.EXPIRED]
    assert bare.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED
    assert facts(stamped) == [Fact.TIMESTAMPED]
    assert stamped.verdict.outcome is Outcome.EXPIRED_BUT_TIMESTAMPED
    assert stamped.verdict.etsi == "TOTAL-PASSED"
    assert stamped.verdict.reasons[0].detail == "2026-06-15T13:00:00Z"
    assert stamped.content == CONTENT
    (signer,) = stamped.verdict.signers
    assert (signer.signed_at, signer.timestamped_at) == (NOON, NOON + HOUR)
    assert stamped.verdict.as_json()["signers"][0]["timestamped_at"] == "2026-06-15T13:00:00+00:00"


def test_token_on_a_certificate_that_still_lives_changes_no_verdict(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), tsa, NOON)

    verified = judge(cms, trust, at=NOON + HOUR)

    assert verified.verdict.reasons == ()
    assert verified.verdict.signers[0].timestamped_at == NOON


def test_token_that_came_after_the_end_saves_nothing(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), tsa, NOON + 2 * DAY)

    verified = judge(cms, trust)

    assert facts(verified) == [Fact.EXPIRED]
    assert verified.verdict.etsi == "INDETERMINATE/OUT_OF_BOUNDS_NO_POE"


@pytest.mark.parametrize(("seconds", "found"), [(0, Fact.TIMESTAMPED), (1, Fact.EXPIRED)])
def test_last_second_of_the_certificate_decides(
    issue: Issue, trust: Trust, tsa: SigningKey, seconds: int, found: Fact
) -> None:
    signer = issue()
    at = signer.certificate.not_after + timedelta(seconds=seconds)

    assert facts(judge(with_token(sign_cms(CONTENT, signer, at=NOON), tsa, at), trust)) == [found]


def test_accuracy_counts_against_the_signer(issue: Issue, trust: Trust, tsa: SigningKey) -> None:
    signer = issue()
    cms = sign_cms(CONTENT, signer, at=NOON)
    token = Stamp(
        read_container(cms).signers[0].signature,
        tsa,
        signer.certificate.not_after - timedelta(seconds=30),
        accuracy=der.sequence(der.integer(31)),
    )

    assert facts(judge(put_tokens(cms, {0: token.write()}), trust)) == [Fact.EXPIRED]


def test_earliest_of_several_tokens_counts(issue: Issue, trust: Trust, tsa: SigningKey) -> None:
    cms = sign_cms(CONTENT, issue(), at=NOON)
    for at in (NOON + 5 * DAY, NOON + HOUR, NOON + 3 * DAY):
        cms = with_token(cms, tsa, at)

    verified = judge(cms, trust)

    assert verified.verdict.signers[0].timestamped_at == NOON + HOUR
    assert facts(verified) == [Fact.TIMESTAMPED]


def test_bad_token_beside_a_good_one_is_reported_and_spoils_nothing(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), tsa, NOON + HOUR)
    worse = put_tokens(cms, {0: Stamp(b"other", tsa, NOON).write()})

    verified = judge(worse, trust)

    assert facts(verified) == [Fact.TIMESTAMP_REFUSED, Fact.TIMESTAMPED]
    assert verified.verdict.outcome is Outcome.EXPIRED_BUT_TIMESTAMPED
    assert verified.verdict.signers[0].timestamped_at == NOON + HOUR


@pytest.mark.parametrize(("bad", "found"), [(3, Fact.TIMESTAMPED), (4, Fact.EXPIRED)])
def test_tokens_by_the_dozen_are_not_all_looked_at(
    issue: Issue, trust: Trust, tsa: SigningKey, bad: int, found: Fact
) -> None:
    """DER puts the shorter ones first."""
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), tsa, NOON + HOUR)
    for _ in range(bad):
        cms = put_tokens(cms, {0: Stamp(b"", tsa, NOON, content=b"").write()})

    assert facts(judge(cms, trust)) == [Fact.TIMESTAMP_REFUSED, found]


# --- revocation --------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["affiliation_changed", "superseded", "cessation_of_operation"])
def test_quiet_revocation_after_the_token_does_not_undo_it_and_its_date_decides(
    issue: Issue, trust: Trust, tsa: SigningKey, key: Load, reason: str
) -> None:
    """EN 319 102-1 §5.5.4: the moment of the token is compared with the moment of revocation."""
    signer = issue(not_after=NOON + 100 * DAY)
    cms = sign_cms(CONTENT, signer, at=NOON)
    revoked = revoking(trust, key, signer, NOON + 3 * DAY, reason)

    older = judge(with_token(cms, tsa, NOON + 2 * DAY), revoked)
    same = judge(with_token(cms, tsa, NOON + 3 * DAY), revoked)
    younger = judge(with_token(cms, tsa, NOON + 4 * DAY), revoked)
    bare = judge(cms, revoked)

    assert facts(older) == [Fact.TIMESTAMPED]
    assert older.verdict.outcome is Outcome.EXPIRED_BUT_TIMESTAMPED
    assert facts(same) == facts(younger) == facts(bare) == [Fact.REVOKED]
    assert younger.verdict.outcome is Outcome.REVOKED
    assert younger.verdict.etsi == "INDETERMINATE/REVOKED_NO_POE"


@pytest.mark.parametrize(
    "reason", ["key_compromise", "ca_compromise", "certificate_hold", "unspecified"]
)
def test_revocation_that_doubts_the_key_is_not_mended_by_an_older_token(
    issue: Issue, trust: Trust, tsa: SigningKey, key: Load, reason: str
) -> None:
    signer = issue(not_after=NOON + 100 * DAY)
    cms = with_token(sign_cms(CONTENT, signer, at=NOON), tsa, NOON + HOUR)

    verified = judge(cms, revoking(trust, key, signer, NOON + 3 * DAY, reason))

    assert facts(verified) == [Fact.REVOKED]
    assert verified.verdict.outcome is Outcome.REVOKED
    assert verified.content is None


def test_first_doubt_before_the_token_counts_as_the_revocation(
    issue: Issue, trust: Trust, tsa: SigningKey, key: Load
) -> None:
    signer = issue(not_after=NOON + 100 * DAY)
    cms = with_token(sign_cms(CONTENT, signer, at=NOON), tsa, NOON + HOUR)
    line = {signer.certificate.serial: (NOON + 3 * DAY, 4)}
    until = LATER - NOON + DAY

    for since, found in ((HOUR, Fact.REVOKED), (HOUR + SECOND, Fact.TIMESTAMPED)):
        doubts = (doubted(NOON + since),)
        made = listed(key("ru-issuing"), line, since=4 * DAY, until=until, line_extensions=doubts)
        assert facts(judge(cms, trust.with_evidence([], [made]))) == [found]


def test_revocation_whose_line_was_dropped_at_the_end_does_not_come_back_as_good(
    issue: Issue, trust: Trust, tsa: SigningKey, key: Load
) -> None:
    """Revoked, stamped afterwards, expired, and then on no list any more."""
    issuing = key("ru-issuing")
    signer = issue()
    cms = with_token(sign_cms(CONTENT, signer, at=NOON), tsa, NOON + HOUR)
    name = issuing.certificate.subject_name
    deaf = replace(trust, lists=tuple(one for one in trust.lists if one.issuer_name != name))
    after, until = LATER - NOON - HOUR, LATER - NOON + DAY
    dropped = listed(issuing, {}, since=after, until=until)
    keeping = listed(issuing, {}, keeps(signer.certificate.not_after), since=after, until=until)
    line = {signer.certificate.serial: (NOON, 4)}
    revoking_still = listed(issuing, line, since=after, until=until)

    found = {
        name: judge(cms, deaf.with_evidence([], [made])).verdict
        for name, made in (("dropped", dropped), ("keeping", keeping), ("line", revoking_still))
    }

    assert found["dropped"].outcome is Outcome.COULD_NOT_BE_CHECKED
    assert Fact.REVOCATION_UNKNOWN in [one.fact for one in found["dropped"].reasons]
    assert found["keeping"].outcome is Outcome.EXPIRED_BUT_TIMESTAMPED
    assert found["line"].outcome is Outcome.REVOKED


def test_silence_of_the_lists_is_not_mended_by_a_token(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    """A list that was fresh when it was stamped says nothing of what came out afterwards."""
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), tsa, NOON + HOUR)
    far = NOON + 200 * DAY  # the lists are good for 90

    verified = judge(cms, trust, at=far)

    assert Fact.TIMESTAMP_NOT_CHECKED in facts(verified)  # nor does anybody know of the authority
    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED


def test_old_list_of_the_signer_alone_leaves_it_unchecked(
    issue: Issue, trust: Trust, key: Load
) -> None:
    """The authority of the token is fresh, that of the signer is not."""
    other = replace(key("stranger-root"))
    stranger = employ(other, not_before=NOON - 900 * DAY, not_after=NOON + 900 * DAY)
    fresh = make_crl(
        Issuer(other.certificate.subject_name, other.private, other.backend),
        [],
        NOON,
        NOON + 900 * DAY,
    )
    both = replace(
        trust,
        roots=(*trust.roots, other.certificate),
        lists=(*trust.lists, read_list(fresh)),
    )
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), stranger, NOON + HOUR)

    verified = judge(cms, both, at=NOON + 200 * DAY)

    assert set(facts(verified)) == {Fact.REVOCATION_UNKNOWN, Fact.TIMESTAMPED}
    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED


# --- bad tokens --------------------------------------------------------------------------------


def test_token_over_another_signature_saves_no_expired_certificate(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    cms = sign_cms(CONTENT, issue(), at=NOON)
    other = read_container(sign_cms(b"<Other/>", issue(), at=NOON)).signers[0].signature

    verified = judge(put_tokens(cms, {0: Stamp(other, tsa, NOON).write()}), trust)

    assert facts(verified) == [Fact.TIMESTAMP_REFUSED, Fact.EXPIRED]
    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED


def test_token_of_a_certificate_without_the_purpose_saves_nothing(
    issue: Issue, trust: Trust, key: Load
) -> None:
    unfit = employ(
        key("ru-issuing"),
        not_before=NOON - DAY,
        not_after=NOON + 900 * DAY,
        extensions=(purposes(TIME_STAMPING, critical=False),),
    )
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), unfit, NOON)

    assert facts(judge(cms, trust)) == [Fact.TIMESTAMP_REFUSED, Fact.EXPIRED]


def test_backdated_token_of_a_stranger_saves_nothing(issue: Issue, trust: Trust, key: Load) -> None:
    stranger = employ(key("stranger-root"), not_before=NOON - 900 * DAY, not_after=NOON + 900 * DAY)
    cms = with_token(sign_cms(CONTENT, issue(), at=NOON), stranger, NOON)

    verified = judge(cms, trust)

    assert facts(verified) == [Fact.TIMESTAMP_NOT_CHECKED, Fact.EXPIRED]
    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED


def test_signature_older_than_its_certificate_is_invalid(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    """A proof that the value was there before the certificate began proves a forgery."""
    signer = issue()
    cms = sign_cms(CONTENT, signer, at=NOON)
    early = signer.certificate.not_before - timedelta(seconds=1)

    for at in (NOON, LATER):
        verified = judge(with_token(cms, tsa, early), trust, at=at)
        assert Fact.NOT_YET_VALID in facts(verified)
        assert verified.verdict.outcome is Outcome.INVALID
    exact = with_token(cms, tsa, signer.certificate.not_before)
    assert Fact.NOT_YET_VALID not in facts(judge(exact, trust))


@pytest.mark.parametrize(("minutes", "found"), [(5, []), (6, [Fact.SIGNED_AFTER_TIMESTAMP])])
def test_claimed_signing_time_later_than_the_token_is_a_lie(
    issue: Issue, trust: Trust, tsa: SigningKey, minutes: int, found: list[Fact]
) -> None:
    cms = sign_cms(CONTENT, issue(), at=NOON + timedelta(minutes=minutes))

    verified = judge(with_token(cms, tsa, NOON), trust, at=NOON + HOUR)

    assert facts(verified) == found


def test_broken_content_is_not_saved_by_a_token(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    cms = with_token(sign_cms(b"<Other/>", issue(), at=NOON), tsa, NOON)

    verified = judge(cms, trust)

    assert facts(verified) == [Fact.DIGEST_MISMATCH, Fact.TIMESTAMPED]
    assert verified.verdict.outcome is Outcome.INVALID


def test_unsigned_attributes_that_cannot_be_read_prove_nothing(issue: Issue, trust: Trust) -> None:
    cms = Forgery(CONTENT, issue(), NOON, tail=der.explicit(1, der.NULL)).write()

    assert facts(judge(cms, trust, at=NOON)) == [Fact.TIMESTAMP_REFUSED]


def test_other_unsigned_attributes_are_passed_over_and_kept(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    other = der.sequence(der.oid("1.2.3"), der.set_of(der.NULL))
    cms = Forgery(CONTENT, issue(), NOON, tail=der.explicit(1, other)).write()

    stamped = with_token(cms, tsa, NOON)

    assert judge(cms, trust, at=NOON).verdict.reasons == ()
    assert judge(stamped, trust, at=NOON).verdict.signers[0].timestamped_at == NOON
    assert other in stamped


# --- several signers, and Kazakhstan -----------------------------------------------------------


def test_each_signer_needs_a_token_of_its_own(issue: Issue, trust: Trust, tsa: SigningKey) -> None:
    cms = add_signer(sign_cms(CONTENT, issue(), at=NOON), issue(), at=NOON, content=CONTENT)
    two = replace(DOCUMENT, fewest=2, most=2)
    half = with_token(cms, tsa, NOON, number=0)
    numbers = [
        number for number, one in enumerate(read_container(half).signers) if one.unsigned is None
    ]
    whole = with_token(half, tsa, NOON, number=numbers[0])

    assert set(facts(verify_cms(half, CONTENT, trust, at=LATER, profile=two))) == {
        *(Fact.TIMESTAMPED, Fact.EXPIRED)
    }
    verified = verify_cms(whole, CONTENT, trust, at=LATER, profile=two)
    assert verified.verdict.outcome is Outcome.EXPIRED_BUT_TIMESTAMPED


def test_token_leaves_what_was_signed_as_it_was(issue: Issue, tsa: SigningKey) -> None:
    cms = sign_cms(CONTENT, issue(), at=NOON, detached=False)

    stamped = with_token(cms, tsa, NOON)

    before, after = read_skeleton(cms).signers[0], read_skeleton(stamped).signers[0]
    assert after.members()[:-1] == before.members()
    assert read_container(stamped).content == CONTENT
    assert asn1.is_der(stamped)


def test_legacy_token_of_kazakhstan_is_not_checked_and_spoils_nothing(
    issue: Issue, trust: Trust, tsa: SigningKey
) -> None:
    signer = issue(family=Family.GOST_512_KZ)
    cms = with_token(sign_cms(CONTENT, signer, at=NOON), tsa, NOON, digest_oid=GOST_95_KZ.oid)

    alive = verify_cms(cms, CONTENT, trust, at=NOON, profile=KZ)
    expired = verify_cms(cms, CONTENT, trust, at=LATER, profile=KZ)

    assert facts(alive) == [Fact.TIMESTAMP_NOT_CHECKED]
    assert alive.verdict.valid
    assert alive.verdict.signers[0].timestamped_at is None
    assert facts(expired) == [Fact.TIMESTAMP_NOT_CHECKED, Fact.EXPIRED]


def test_certificates_inside_and_inside_the_tokens_are_asked_about(
    issue: Issue, tsa: SigningKey
) -> None:
    signer = issue()
    cms = sign_cms(CONTENT, signer, at=NOON)

    assert certificates_in(cms) == (signer.certificate,)
    stamped = with_token(with_token(cms, tsa, NOON), tsa, NOON + HOUR)
    assert certificates_in(stamped) == (signer.certificate, tsa.certificate)


def test_what_cannot_be_read_keeps_nobody_from_being_asked_about(
    issue: Issue, tsa: SigningKey
) -> None:
    signer = issue()
    cms = sign_cms(CONTENT, signer, at=NOON)
    odd = Forgery(CONTENT, signer, NOON, tail=der.explicit(1, der.NULL)).write()
    junk = put_tokens(with_token(cms, tsa, NOON), {0: der.NULL})

    assert certificates_in(b"") == ()
    assert certificates_in(odd) == (signer.certificate,)
    assert certificates_in(junk) == (signer.certificate, tsa.certificate)
