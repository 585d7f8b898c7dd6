"""Five verdicts, and what ETSI calls them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.signatures.algorithms import ALLOWED, GOST_256, GOST_2001
from gateway.signatures.fitness import judge_algorithm
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome, Reason, Verdict


def verdict(*facts: Fact) -> Verdict:
    return Verdict(tuple(Reason(fact) for fact in facts), ())


@pytest.mark.parametrize(
    ("facts", "outcome", "etsi"),
    [
        ((), Outcome.VALID, "TOTAL-PASSED"),
        ((Fact.LEGACY_ADMITTED,), Outcome.VALID, "TOTAL-PASSED"),
        ((Fact.DIGEST_MISMATCH,), Outcome.INVALID, "TOTAL-FAILED/HASH_FAILURE"),
        ((Fact.SIGNATURE_BROKEN,), Outcome.INVALID, "TOTAL-FAILED/SIG_CRYPTO_FAILURE"),
        ((Fact.MALFORMED,), Outcome.INVALID, "TOTAL-FAILED/FORMAT_FAILURE"),
        ((Fact.NOT_YET_VALID,), Outcome.INVALID, "TOTAL-FAILED/NOT_YET_VALID"),
        ((Fact.WRONG_SIGNER_COUNT,), Outcome.INVALID, "INDETERMINATE/SIG_CONSTRAINTS_FAILURE"),
        ((Fact.ALGORITHM_FORBIDDEN,), Outcome.INVALID, "INDETERMINATE/CRYPTO_CONSTRAINTS_FAILURE"),
        ((Fact.REVOKED,), Outcome.REVOKED, "INDETERMINATE/REVOKED_NO_POE"),
        ((Fact.NEVER_ISSUED,), Outcome.REVOKED, "INDETERMINATE/REVOKED_NO_POE"),
        ((Fact.AUTHORITY_REVOKED,), Outcome.REVOKED, "INDETERMINATE/REVOKED_CA_NO_POE"),
        ((Fact.REVOCATION_UNKNOWN,), Outcome.COULD_NOT_BE_CHECKED, "INDETERMINATE/TRY_LATER"),
        ((Fact.EXPIRED,), Outcome.COULD_NOT_BE_CHECKED, "INDETERMINATE/OUT_OF_BOUNDS_NO_POE"),
        ((Fact.REVOKED, Fact.DIGEST_MISMATCH), Outcome.INVALID, "TOTAL-FAILED/HASH_FAILURE"),
        (
            (Fact.ALGORITHM_FORBIDDEN, Fact.SIGNATURE_BROKEN),
            Outcome.INVALID,
            "TOTAL-FAILED/SIG_CRYPTO_FAILURE",
        ),
        ((Fact.REVOCATION_UNKNOWN, Fact.REVOKED), Outcome.REVOKED, "INDETERMINATE/REVOKED_NO_POE"),
    ],
)
def test_worst_fact_decides_and_etsi_has_a_word_for_it(
    facts: tuple[Fact, ...], outcome: Outcome, etsi: str
) -> None:
    assert (verdict(*facts).outcome, verdict(*facts).etsi) == (outcome, etsi)


@pytest.mark.parametrize("fact", list(Fact))
def test_no_fact_fails_for_want_of_a_look(fact: Fact) -> None:
    failed = verdict(fact).etsi.startswith("TOTAL-FAILED")

    assert not failed or fact.value.outcome in {"invalid", "revoked"}
    assert set(fact.value.texts) == {"ru", "en"}


def test_verdict_says_what_it_has_found() -> None:
    found = verdict(Fact.REVOKED)

    assert found.has(Fact.REVOKED)
    assert not found.has(Fact.EXPIRED)
    assert found.as_json("en") == {
        "verdict": "revoked",
        "etsi": "INDETERMINATE/REVOKED_NO_POE",
        "reasons": [{"code": "revoked", "text": "The certificate is revoked", "mender": "sender"}],
        "signers": [],
    }


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        (datetime(2012, 12, 31, 23, 59, tzinfo=UTC), [Fact.ALGORITHM_FORBIDDEN]),
        (datetime(2013, 1, 1, tzinfo=UTC), []),
    ],
)
def test_algorithm_is_admitted_since_it_is_in_force(moment: datetime, found: list[Fact]) -> None:
    assert [one.fact for one in judge_algorithm(GOST_256, ALLOWED, moment)] == found


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        (datetime(2019, 12, 31, 23, 59, tzinfo=UTC), [Fact.LEGACY_ADMITTED]),
        (datetime(2020, 1, 1, tzinfo=UTC), [Fact.ALGORITHM_FORBIDDEN]),
    ],
)
def test_algorithm_is_admitted_until_it_is_withdrawn(moment: datetime, found: list[Fact]) -> None:
    assert [one.fact for one in judge_algorithm(GOST_2001, [GOST_2001], moment)] == found
