"""Says what is wrong as a FHIR R4 OperationOutcome: the place, the cause and who mends it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from gateway.errors import GatewayError
from gateway.findings import Finding

CONTENT_TYPE = "application/fhir+json"
RULES = "urn:mse-gateway:rule"
"""Code system of our rules' ids."""
OFFICIAL = "urn:mse-gateway:official-check"
"""Code system of the authority's own numbers of checks."""
MENDER = "urn:mse-gateway:mender"
TIER = "urn:mse-gateway:tier"
LINE = "urn:mse-gateway:line"

# fmt: off
ISSUE_TYPES = frozenset(
    {
        "invalid", "structure", "required", "value", "invariant",
        "security", "login", "unknown", "expired", "forbidden",
        "suppressed", "processing", "not-supported", "duplicate", "multiple-matches",
        "not-found", "deleted", "too-long", "code-invalid", "extension",
        "too-costly", "business-rule", "conflict", "transient", "lock-error",
        "no-store", "exception", "timeout", "incomplete", "throttled",
        "informational",
    }
)
# fmt: on
"""http://hl7.org/fhir/R4/valueset-issue-type.html"""


def tell_findings(findings: Iterable[Finding], lang: str) -> dict[str, Any]:
    """Return the outcome with one issue a finding."""
    issues = [_issue_of(one, lang) for one in findings]
    return _outcome(issues or [_issue("information", "informational", "no finding", "nobody")])


def tell_error(error: GatewayError, *, diagnostics: str = "") -> dict[str, Any]:
    """Return the outcome of a failure."""
    return tell(error.text, error.code, error.mender, where=error.where, diagnostics=diagnostics)


def tell(
    text: str, code: str, mender: str, *, where: str = "", diagnostics: str = ""
) -> dict[str, Any]:
    """Return an outcome with one error."""
    issue = _issue("error", code, text, mender)
    if where:
        issue["location"] = [where]
    if diagnostics:
        issue["diagnostics"] = diagnostics
    return _outcome([issue])


def encode(outcome: dict[str, Any]) -> bytes:
    """Return the outcome as JSON."""
    return orjson.dumps(outcome)


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}


def _issue(severity: str, code: str, text: str, mender: str) -> dict[str, Any]:
    return {
        "extension": [{"url": MENDER, "valueCode": mender}],
        "severity": severity,
        "code": code if code in ISSUE_TYPES else "invalid",
        "details": {"text": text},
    }


def _issue_of(finding: Finding, lang: str) -> dict[str, Any]:
    issue = _issue(finding.severity.value, finding.code, finding.text(lang), finding.mender.value)
    issue["extension"].append({"url": TIER, "valueCode": finding.tier.value})
    if finding.line > 0:
        issue["extension"].append({"url": LINE, "valuePositiveInt": finding.line})
    codings = [{"system": RULES, "code": finding.rule}]
    if finding.official:
        codings.append({"system": OFFICIAL, "code": finding.official})
    issue["details"]["coding"] = codings
    if finding.where:
        issue["location"] = [finding.where]
    return issue
