"""The shapes of answers, as JSON Schema 2020-12 for `/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.exchange.decision import NoticeKind
from gateway.exchange.states import Duty, Outcome, State
from gateway.findings import Mender, Severity, Tier
from gateway.inbound.outcomes import ISSUE_TYPES
from gateway.inbound.views import COUNTS, SHARED

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MOMENT: Schema = {"type": "string", "format": "date-time"}
NO_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def refer(name: str) -> Schema:
    """Return a reference to a schema of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _words(kind: type[State | Outcome | Duty | NoticeKind | Severity | Mender | Tier]) -> Schema:
    return {"type": "string", "enum": [one.value for one in kind]}


def _words_or_null(kind: type[Outcome | Duty]) -> Schema:
    return {"type": ["string", "null"], "enum": [*(one.value for one in kind), None]}


def _record(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_FINDING = _record(
    rule=TEXT,
    code=TEXT,
    severity=_words(Severity),
    where={**TEXT, "description": "Absolute path into the sender's own document."},
    line=COUNT,
    text=TEXT,
    mender=_words(Mender),
    official={**TEXT, "description": "The authority's own number of the check."},
)

_EXCHANGE = _record(
    id=TEXT,
    state=_words(State),
    outcome=_words_or_null(Outcome),
    number={**TEXT, "description": "Registration number that the recipient gave."},
    duty=_words_or_null(Duty),
    due=NO_MOMENT,
    endpoint=TEXT,
    document={**TEXT, "description": "Id of the profile, like ru-088u."},
    kind=TEXT,
    local_uid=TEXT,
    set_id=TEXT,
    version={"type": "integer"},
    sha256=SHA256,
    sender=TEXT,
    organization=TEXT,
    attempt=COUNT,
    received_at=MOMENT,
    first_sent_at=NO_MOMENT,
    answer_due=NO_MOMENT,
    registered_at=NO_MOMENT,
    parked_because=TEXT,
    held_by=TEXT,
    replaces=TEXT,
    part_of=TEXT,
    findings=_list(refer("Finding")),
)

_MESSAGE = _record(
    direction={"type": "string", "enum": ["in", "out"]},
    name=TEXT,
    message_id=TEXT,
    relates_to=TEXT,
    sha256=SHA256,
    size=COUNT,
    note=TEXT,
    body={**TEXT, "description": "Path of the message as it travelled."},
)

_EVENT = _record(
    sequence=COUNT,
    at=MOMENT,
    event=TEXT,
    state=_words(State),
    facts={"type": "object"},
    messages=_list(refer("Message")),
)

_NOTICE = _record(
    id=COUNT,
    exchange=TEXT,
    kind=_words(NoticeKind),
    at=MOMENT,
    findings=_list({"type": "object", "required": ["rule", "severity", "text", "mender"]}),
)

_ROW = _record(
    **dict.fromkeys(COUNTS, COUNT),
    shares=_record(**{name: {"type": "number", "minimum": 0} for name in SHARED}),
)

_OUTCOME: Schema = {
    "type": "object",
    "description": "http://hl7.org/fhir/R4/operationoutcome.html",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code", "details"],
                "properties": {
                    "severity": {"enum": ["fatal", "error", "warning", "information"]},
                    "code": {"enum": sorted(ISSUE_TYPES)},
                    "details": {"type": "object", "required": ["text"]},
                    "diagnostics": TEXT,
                    "location": _list(TEXT),
                    "extension": _list({"type": "object", "required": ["url"]}),
                },
            },
        },
    },
}

SCHEMAS: Mapping[str, Schema] = {
    "Finding": _FINDING,
    "Exchange": _EXCHANGE,
    "Page": {
        "type": "object",
        "required": ["exchanges"],
        "properties": {
            "exchanges": _list(refer("Exchange")),
            "next": {**TEXT, "description": "Path of the next page; absent on the last."},
        },
    },
    "Message": _MESSAGE,
    "Event": _EVENT,
    "Timeline": _record(exchange=TEXT, events=_list(refer("Event"))),
    "Notice": _NOTICE,
    "Inbox": _record(entries=_list(refer("Notice")), next=TEXT),
    "ReportRow": _ROW,
    "Report": _record(by=_list(TEXT), rows=_list(refer("ReportRow")), total=refer("ReportRow")),
    "Live": _record(live={"type": "boolean"}),
    "Readiness": _record(ready={"type": "boolean"}, conditions={"type": "object"}),
    "OperationOutcome": _OUTCOME,
}
"""By the name that `/openapi.json` gives them."""
