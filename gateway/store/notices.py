"""What a sender reads in its inbox."""

from __future__ import annotations

from typing import Any

from gateway.exchange.decision import Decision, Notice
from gateway.exchange.record import Exchange
from gateway.findings import Finding


def notice_body(notice: Notice, exchange: Exchange) -> dict[str, Any]:
    """Return an inbox entry as JSON; its `id` is known only when it is written."""
    identity = exchange.identity
    return {
        "exchange": notice.exchange,
        "kind": notice.kind.value,
        "at": notice.at.isoformat(),
        "endpoint": identity.endpoint,
        "document": identity.profile,
        "local_uid": identity.local_uid,
        "organization": identity.organization,
        "number": notice.number,
        "codes": list(notice.codes),
        "corrects": notice.corrects,
        "findings": [_finding(one) for one in notice.findings],
    }


def notice_bodies(decision: Decision) -> list[dict[str, Any]]:
    """Return the inbox entries of a decision."""
    return [notice_body(one, decision.after) for one in decision.notices]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "code": finding.code,
        "severity": finding.severity.value,
        "where": finding.where,
        "line": finding.line,
        "texts": dict(finding.texts),
        "mender": finding.mender.value,
        "official": finding.official,
    }
