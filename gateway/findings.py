"""What is wrong with a document: which rule says so, where, in whose words, and who mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """FHIR issue-severity (http://hl7.org/fhir/R4/valueset-issue-severity.html)."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Mender(StrEnum):
    """Who has to act before the finding goes away."""

    SENDER = "sender"
    """The medical organisation: the content of the document."""
    VENDOR = "vendor"
    """The maker of the МИС: the form of the document."""
    OPERATOR = "operator"
    """Whoever runs this gateway: a key, a pack, a setting."""
    RECIPIENT = "recipient"
    """The state system."""
    INTEGRATOR = "integrator"
    """The regional integrator: who may send what for whom."""
    NOBODY = "nobody"
    """It passes by itself."""


class Tier(StrEnum):
    """How deep the check lies: our structure, our rules, the authority's own pack, the rest."""

    STRUCTURE = "structure"
    RULES = "rules"
    PACK = "pack"
    SIGNATURE = "signature"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one document; it never repeats the patient's data.

    `where` is an absolute path into the sender's own document, `line` its source line (0 when
    there is none), `official` the authority's own number of the check.
    """

    rule: str
    code: str
    severity: Severity
    where: str
    texts: Mapping[str, str] = field(hash=False)
    mender: Mender
    tier: Tier
    line: int = 0
    official: str = ""

    def text(self, lang: str = "ru") -> str:
        """Return the sentence in the wanted language, else in Russian, else in English."""
        return self.texts.get(lang) or self.texts.get("ru") or self.texts["en"]

    def as_json(self, lang: str = "ru") -> dict[str, Any]:
        """Return the finding as the commands and the HTTP answers show it."""
        return {
            "rule": self.rule,
            "code": self.code,
            "severity": self.severity.value,
            "where": self.where,
            "line": self.line,
            "text": self.text(lang),
            "mender": self.mender.value,
            "tier": self.tier.value,
            "official": self.official,
        }


def has_errors(findings: tuple[Finding, ...]) -> bool:
    """Tell whether any finding forbids carrying the document."""
    return any(finding.severity is Severity.ERROR for finding in findings)
