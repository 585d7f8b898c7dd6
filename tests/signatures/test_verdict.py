"""Five verdicts, and what ETSI calls them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.findings import Severity, Tier
from gateway.signatures.algorithms import ALLOWED, GOST_256, GOST_2001
from gateway.signatures.fitness import judge_algorithm
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome, Reason, Signer, Verdict


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


SIGNER = Signer(
    subject="Вымышленная Анна Петровна",
    snils="11223344595",
    ogrn="1997700084810",
    organization="Поликлиника",
    algorithm="gost-256",
    signed_at=datetime(2026, 6, 15, 12, 0, tzinfo=UTC),
    covers="the whole content",
    certificate_sha256="ab" * 32,
    timestamped_at=datetime(2026, 6, 15, 12, 1, tzinfo=UTC),
    iin="900101400010",
    bin="990140000017",
    inn="770000000000",
)


def test_a_program_reads_all_that_was_found() -> None:
    given = Verdict((Reason(Fact.REVOKED, "superseded"),), (SIGNER,))

    assert given.as_json() == {
        "verdict": "revoked",
        "etsi": "INDETERMINATE/REVOKED_NO_POE",
        "reasons": [
            {"code": "revoked", "text": "Сертификат отозван: superseded", "mender": "sender"}
        ],
        "signers": [
            {
                "subject": "Вымышленная Анна Петровна",
                "snils": "11223344595",
                "ogrn": "1997700084810",
                "inn": "770000000000",
                "iin": "900101400010",
                "bin": "990140000017",
                "organization": "Поликлиника",
                "algorithm": "gost-256",
                "signed_at": "2026-06-15T12:00:00+00:00",
                "timestamped_at": "2026-06-15T12:01:00+00:00",
                "covers": "the whole content",
                "certificate_sha256": "ab" * 32,
            }
        ],
    }
    assert given.as_json("en")["reasons"][0]["text"] == "The certificate is revoked: superseded"
    assert given.as_json("kk")["reasons"] == given.as_json("en")["reasons"]


def test_what_is_not_known_is_null_and_not_left_out() -> None:
    unsaid = replace(SIGNER, signed_at=None, timestamped_at=None)
    (told,) = Verdict((), (unsaid,)).as_json()["signers"]

    assert (told["signed_at"], told["timestamped_at"]) == (None, None)
    assert set(told) == set(Verdict((), (SIGNER,)).as_json()["signers"][0])


def test_person_does_not_show_in_a_log() -> None:
    told = repr(Verdict((), (SIGNER,)))

    assert "gost-256" in told
    for secret in (SIGNER.subject, SIGNER.snils, SIGNER.iin, SIGNER.inn):
        assert secret not in told


@pytest.mark.parametrize(
    ("fact", "severity"),
    [
        (Fact.DIGEST_MISMATCH, Severity.ERROR),
        (Fact.REVOKED, Severity.ERROR),
        (Fact.CHAIN_NOT_FOUND, Severity.WARNING),
        (Fact.TIMESTAMPED, Severity.INFORMATION),
        (Fact.LEGACY_ADMITTED, Severity.INFORMATION),
    ],
)
def test_reason_is_a_finding_with_its_place(fact: Fact, severity: Severity) -> None:
    finding = Reason(fact, "detail").as_finding("signature[14]")

    assert finding.rule == f"signature/{fact.code}"
    assert (finding.code, finding.where, finding.severity) == (
        "security",
        "signature[14]",
        severity,
    )
    assert (finding.mender, finding.tier) == (fact.value.mender, Tier.SIGNATURE)
    assert finding.texts == {
        lang: f"{sentence}: detail" for lang, sentence in fact.value.texts.items()
    }
    assert set(finding.texts) == {"ru", "en"}


def test_worst_reason_decides() -> None:
    facts = (
        Fact.LEGACY_ADMITTED,
        Fact.TIMESTAMPED,
        Fact.CHAIN_NOT_FOUND,
        Fact.REVOKED,
        Fact.DIGEST_MISMATCH,
    )
    verdicts = [
        Verdict(tuple(Reason(each) for each in reversed(facts[:count])), ())
        for count in range(len(facts) + 1)
    ]

    assert [one.outcome for one in verdicts] == [
        Outcome.VALID,
        Outcome.VALID,
        Outcome.EXPIRED_BUT_TIMESTAMPED,
        Outcome.COULD_NOT_BE_CHECKED,
        Outcome.REVOKED,
        Outcome.INVALID,
    ]
    assert [one.severity for one in verdicts] == [0, 0, 1, 2, 3, 4]
    assert [one.passed for one in verdicts] == [True, True, True, False, False, False]
    assert [one.valid for one in verdicts] == [True, True, False, False, False, False]
