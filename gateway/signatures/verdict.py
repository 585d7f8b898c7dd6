"""What became of a signature: one of five verdicts, with the reasons and who mends them.

The five fold ETSI EN 319 102-1 into what a hospital can act upon. A network fault or a missing
root is never `invalid`: what could not be looked at is said to be so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.findings import Finding, Mender, Severity, Tier
from gateway.signatures.certificates import Certificate
from gateway.signatures.reasons import Fact
from gateway.signatures.subjects import Subject


class Outcome(StrEnum):
    """The five verdicts."""

    VALID = "valid"
    INVALID = "invalid"
    REVOKED = "revoked"
    EXPIRED_BUT_TIMESTAMPED = "expired-but-timestamped"
    COULD_NOT_BE_CHECKED = "could-not-be-checked"


_WORST_FIRST = (
    Outcome.INVALID,
    Outcome.REVOKED,
    Outcome.COULD_NOT_BE_CHECKED,
    Outcome.EXPIRED_BUT_TIMESTAMPED,
    Outcome.VALID,
)
_PASSED = (Outcome.VALID, Outcome.EXPIRED_BUT_TIMESTAMPED)
_FAILED = (
    *("HASH_FAILURE", "SIG_CRYPTO_FAILURE", "FORMAT_FAILURE"),
    *("REVOKED", "EXPIRED", "NOT_YET_VALID"),
)
"""Sub-indications that go with TOTAL-FAILED; with all others ETSI is in doubt.

EN 319 102-1 V1.3.1, table 6. REVOKED and EXPIRED want a proof that the signature is younger than
that; without one it is REVOKED_NO_POE and OUT_OF_BOUNDS_NO_POE.
"""


_SEVERITIES = {
    Outcome.VALID: Severity.INFORMATION,
    Outcome.EXPIRED_BUT_TIMESTAMPED: Severity.INFORMATION,
    Outcome.COULD_NOT_BE_CHECKED: Severity.WARNING,
}
"""Of findings; what could not be checked waits, and is no fault yet."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact that weighs; `detail` names an algorithm, a limit or an element, never a person."""

    fact: Fact
    detail: str = ""

    @property
    def outcome(self) -> Outcome:
        """The verdict that this fact alone leads to."""
        return Outcome(self.fact.value.outcome)

    @property
    def mender(self) -> Mender:
        """Who has to act."""
        return self.fact.value.mender

    def text(self, lang: str = "ru") -> str:
        """Return the sentence in Russian or English."""
        sentence = self.fact.value.texts.get(lang) or self.fact.value.texts["en"]
        return f"{sentence}: {self.detail}" if self.detail else sentence

    def as_finding(self, where: str) -> Finding:
        """Return the reason as a finding about the place `where` of the sender's document."""
        return Finding(
            rule=f"signature/{self.fact.code}",
            code="security",
            severity=_SEVERITIES.get(self.outcome, Severity.ERROR),
            where=where,
            texts={lang: self.text(lang) for lang in self.fact.value.texts},
            mender=self.mender,
            tier=Tier.SIGNATURE,
        )


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, by the certificate, and what the signature covers.

    `signed_at` is the signer's own claim, `timestamped_at` what a good time-stamp proves. Personal
    fields stay out of `repr`, hence out of logs.
    """

    subject: str = field(repr=False)
    snils: str = field(repr=False)
    ogrn: str
    organization: str
    algorithm: str
    signed_at: datetime | None
    covers: str
    certificate_sha256: str = ""
    timestamped_at: datetime | None = None
    iin: str = field(default="", repr=False)
    bin: str = ""
    inn: str = field(default="", repr=False)
    not_before: datetime | None = None
    not_after: datetime | None = None
    """The certificate's life."""

    @classmethod
    def of(
        cls,
        certificate: Certificate | None,
        *,
        algorithm: str,
        signed_at: datetime | None,
        covers: str,
        timestamped_at: datetime | None = None,
    ) -> Signer:
        """Return what a certificate says of its owner; empty fields where there is none."""
        subject = certificate.subject if certificate is not None else Subject()
        return cls(
            subject=subject.common_name,
            snils=subject.snils,
            ogrn=subject.ogrn,
            organization=subject.organization,
            algorithm=algorithm,
            signed_at=signed_at,
            covers=covers,
            certificate_sha256=certificate.sha256 if certificate is not None else "",
            timestamped_at=timestamped_at,
            iin=subject.iin,
            bin=subject.bin,
            inn=subject.inn,
            not_before=certificate.not_before if certificate is not None else None,
            not_after=certificate.not_after if certificate is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict over one container, its reasons, and every signer in it."""

    reasons: tuple[Reason, ...]
    signers: tuple[Signer, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst that any reason leads to; valid when none weighs."""
        given = {reason.outcome for reason in self.reasons}
        return next((each for each in _WORST_FIRST if each in given), Outcome.VALID)

    @property
    def severity(self) -> int:
        """How bad the outcome is, to compare: 0 is valid."""
        return len(_WORST_FIRST) - 1 - _WORST_FIRST.index(self.outcome)

    @property
    def valid(self) -> bool:
        """Tell whether everything holds."""
        return self.outcome is Outcome.VALID

    @property
    def passed(self) -> bool:
        """Tell whether one may rely on it: valid, or proven to have been."""
        return self.outcome in _PASSED

    @property
    def etsi(self) -> str:
        """Main indication and, where there is one, sub-indication of EN 319 102-1."""
        if self.outcome in _PASSED:
            return "TOTAL-PASSED"
        given = [each.fact.value.etsi for each in self.reasons if each.outcome is self.outcome]
        failed = next((sub for sub in given if sub in _FAILED), "")
        return f"TOTAL-FAILED/{failed}" if failed else f"INDETERMINATE/{given[0]}"

    def has(self, fact: Fact) -> bool:
        """Tell whether this fact was found."""
        return any(reason.fact is fact for reason in self.reasons)

    def as_json(self, lang: str = "ru") -> dict[str, Any]:
        """Return the verdict as `verify --json` shows it."""
        return {
            "verdict": self.outcome.value,
            "etsi": self.etsi,
            "reasons": [
                {"code": each.fact.code, "text": each.text(lang), "mender": each.mender.value}
                for each in self.reasons
            ],
            "signers": [_signer_json(signer) for signer in self.signers],
        }


def _signer_json(signer: Signer) -> dict[str, str | None]:
    return {
        "subject": signer.subject,
        "snils": signer.snils,
        "ogrn": signer.ogrn,
        "inn": signer.inn,
        "iin": signer.iin,
        "bin": signer.bin,
        "organization": signer.organization,
        "algorithm": signer.algorithm,
        "signed_at": signer.signed_at.isoformat() if signer.signed_at else None,
        "timestamped_at": signer.timestamped_at.isoformat() if signer.timestamped_at else None,
        "covers": signer.covers,
        "certificate_sha256": signer.certificate_sha256,
    }


CheckHeard = Callable[[str, Verdict], None]
"""Told of each check: which kind of signature (`cms`, `wss`), and its verdict."""
