"""Describes every path in OpenAPI 3.1, honestly: what is asked, and every answer there can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gateway import __version__
from gateway.exchange.states import Outcome, State
from gateway.inbound.outcomes import CONTENT_TYPE
from gateway.inbound.queries import DIMENSIONS, LARGEST_PAGE, LONGEST_WAIT
from gateway.inbound.schemas import MOMENT, SCHEMAS, TEXT, Schema, refer

Described = dict[str, Any]
Answers = Mapping[int, Described]

_SECURITY: Sequence[Mapping[str, Sequence[str]]] = ({"bearer": []}, {"certificate": []})
_WORD: Schema = {"type": "string", "maxLength": 256, "pattern": "^[ -~]*$"}
_ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"}
_NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_BY: Schema = {
    "type": "array",
    "items": {"type": "string", "enum": list(DIMENSIONS)},
    "uniqueItems": True,
}
_ROLE: Schema = {"type": "string", "pattern": "^(organization|[0-9]{1,4})$"}


def _parameter(name: str, place: str, schema: Schema, text: str) -> Described:
    needed = place == "path"
    return {"name": name, "in": place, "required": needed, "schema": schema, "description": text}


def _words(kind: type[State | Outcome]) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": [one.value for one in kind]}}


def _count(least: int, most: int, default: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "default": default}


_EXCHANGE_ID = _parameter("id", "path", _ID, "Id of the exchange.")
_LANGUAGE = _parameter("Accept-Language", "header", TEXT, "Findings in `ru`, `en` or `kk`.")
_KEY = _parameter(
    "Idempotency-Key",
    "header",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "The same key with the same request is answered as the first time; with another, 422.",
)
_FROM = _parameter("from", "query", MOMENT, "Received at this moment or later.")
_TO = _parameter("to", "query", MOMENT, "Received before this moment.")
_LIMIT = _parameter("limit", "query", _count(1, LARGEST_PAGE, 100), "Most entries of a page.")
_SENDER = _parameter("sender", "query", _WORD, "Whose; operators only, others see their own.")
_ENDPOINT = _parameter("endpoint", "query", _WORD, "The state system.")
_SEARCH = (
    _parameter("state", "query", _words(State), "Any of these; also separated by commas."),
    _parameter("outcome", "query", _words(Outcome), "Any of these; also separated by commas."),
    _ENDPOINT,
    _parameter("organization", "query", _WORD, "OID of the medical organisation."),
    _parameter("local_uid", "query", _WORD, "The document's own id, in any case."),
    _parameter("set_id", "query", _WORD, "The document set."),
    _parameter("number", "query", _WORD, "Registration number."),
    _parameter("due_before", "query", MOMENT, "Owed something before this moment."),
    _FROM,
    _TO,
    _parameter("after", "query", _WORD, "Last id of the page before."),
    _LIMIT,
    _SENDER,
)


def _json(schema: str, text: str) -> Described:
    return {"description": text, "content": {"application/json": {"schema": refer(schema)}}}


def _refusal(text: str, *headers: str) -> Described:
    answer: Described = {
        "description": text,
        "content": {CONTENT_TYPE: {"schema": refer("OperationOutcome")}},
    }
    if headers:
        answer["headers"] = {name: {"schema": TEXT} for name in headers}
    return answer


def _foreign(text: str, *types: str) -> Described:
    return {"description": text, "content": {one: {"schema": {"type": "string"}} for one in types}}


_BYTES = ("application/xml", "application/json", "application/octet-stream")
_LOCATION: Described = {"Location": {"schema": TEXT}}
_BAD = {400: _refusal("A parameter, a header or the body is not of its form.")}
_HOUSE = {
    500: _refusal("Something broke inside; `diagnostics` is the id to find it by."),
    503: _refusal("It passes, or the operator has to mend something.", "Retry-After"),
}
_KNOWN = {
    401: _refusal("Nobody knows who asks.", "WWW-Authenticate"),
    403: _refusal("Whoever asks may not."),
}
_ABSENT = {404: _refusal("There is no such thing, or it is another sender's.")}
_CONFLICT = {409: _refusal("The exchange stands where this act means nothing.")}
_REUSED = {422: _refusal("The Idempotency-Key was used for another request.")}
_LARGE = {413: _refusal("The body is too large.")}


def _operation(
    summary: str,
    *answers: Answers,
    parameters: Iterable[Described] = (),
    body: Described | None = None,
    known: bool = True,
) -> Described:
    told = {**_HOUSE, **(_KNOWN if known else {})}
    for one in answers:
        told.update(one)
    operation: Described = {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {str(status): told[status] for status in sorted(told)},
        "security": list(_SECURITY) if known else [],
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _act(summary: str, *answers: Answers) -> Described:
    return _operation(
        summary,
        {200: _json("Exchange", "How the exchange stands now.")},
        *(_BAD, _ABSENT, _CONFLICT, _REUSED, *answers),
        parameters=(_EXCHANGE_ID, _KEY, _LANGUAGE),
    )


_FORM: Schema = {
    "type": "object",
    "required": ["document"],
    "additionalProperties": False,
    "properties": {
        "document": {"type": "string", "contentMediaType": "application/xml"},
        "signature": {
            "type": "array",
            "items": {"type": "string", "contentMediaType": "application/pkcs7-signature"},
            "description": "Detached CMS, one part a signer.",
        },
    },
}
_POST_EXCHANGE = _operation(
    "Hand over a document, with the signatures its signers made.",
    {
        200: {**_json("Exchange", "`Prefer: wait`: the outcome is known."), "headers": _LOCATION},
        202: {**_json("Exchange", "Taken, on disk, on its way."), "headers": _LOCATION},
        400: _refusal("It cannot be read, or a parameter or header is not of its form."),
        409: _refusal("A document of this identity is here already.", "Location"),
        413: _refusal("Larger than 64 MiB."),
        415: _refusal("No supported format."),
        422: _refusal(
            "Refused: every problem with its place and mender; or a reused Idempotency-Key.",
            "Location",
        ),
    },
    parameters=(
        _KEY,
        _LANGUAGE,
        _parameter("Prefer", "header", TEXT, "`respond-async` (default), or `wait=SECONDS`."),
        _parameter(
            "confirm",
            "query",
            {"type": "string", "enum": ["new-document"]},
            "It is no «дубль», although organisation, kind, patient and protocol are the same.",
        ),
    ),
    body={
        "application/xml": {"schema": {"type": "string"}},
        "multipart/form-data": {
            "schema": _FORM,
            "encoding": {"signature": {"headers": {"X-Role": {"schema": _ROLE}}}},
        },
    },
)
_GET_MESSAGE = _operation(
    "Read one message as it travelled.",
    {200: _foreign("The body.", *_BYTES)},
    *(_BAD, _ABSENT),
    parameters=(
        _EXCHANGE_ID,
        _parameter("sequence", "path", _NUMBER, "Sequence of the event."),
        _parameter("n", "path", _NUMBER, "Number of the message, from 0."),
    ),
)
_POST_SIGNATURE = _act("Add a signer's detached CMS to an exchange that waits for it.", _LARGE)
_POST_SIGNATURE["parameters"].append(
    {**_parameter("X-Role", "header", _ROLE, "НСИ 99.2.368 code."), "required": True}
)
_POST_SIGNATURE["requestBody"] = {
    "required": True,
    "content": {"application/pkcs7-signature": {"schema": {"type": "string", "minLength": 1}}},
}


def _bytes_of(summary: str) -> Described:
    return _operation(
        summary, {200: _foreign("The bytes.", *_BYTES)}, _ABSENT, parameters=(_EXCHANGE_ID,)
    )


_REPORT = _operation(
    "Count what became of all documents.",
    {200: _json("Report", "The outcome table.")},
    _BAD,
    parameters=(
        {**_parameter("by", "query", _BY, "Dimensions, separated by commas."), "explode": False},
        _FROM,
        _TO,
        _ENDPOINT,
        _SENDER,
    ),
)
_INBOX = _operation(
    "Read what a sender is told, oldest first.",
    {200: _json("Inbox", "Entries, and where to read on.")},
    _BAD,
    parameters=(
        _parameter("after", "query", _count(0, (1 << 53) - 1, 0), "Last id that was read."),
        _LIMIT,
        _parameter(
            "wait", "query", _count(0, LONGEST_WAIT, 0), "Seconds to hold an empty answer back."
        ),
        _SENDER,
        _LANGUAGE,
    ),
)
_PATHS: Mapping[str, Mapping[str, Described]] = {
    "/exchanges": {
        "post": _POST_EXCHANGE,
        "get": _operation(
            "Search exchanges, newest first.",
            {200: _json("Page", "A page.")},
            _BAD,
            parameters=(*_SEARCH, _LANGUAGE),
        ),
    },
    "/exchanges/{id}": {
        "get": _operation(
            "Read how one exchange stands.",
            {200: _json("Exchange", "How it stands.")},
            _ABSENT,
            parameters=(_EXCHANGE_ID, _LANGUAGE),
        )
    },
    "/exchanges/{id}/timeline": {
        "get": _operation(
            "Read every event and every message on the wire.",
            {200: _json("Timeline", "Oldest first.")},
            _ABSENT,
            parameters=(_EXCHANGE_ID,),
        )
    },
    "/exchanges/{id}/timeline/{sequence}/{n}": {"get": _GET_MESSAGE},
    "/exchanges/{id}/document": {"get": _bytes_of("Read the document as it was received.")},
    "/exchanges/{id}/payload": {"get": _bytes_of("Read the exact bytes to sign or send.")},
    "/exchanges/{id}/signatures": {"post": _POST_SIGNATURE},
    "/exchanges/{id}/resume": {"post": _act("Let a parked exchange go on (operators).")},
    "/exchanges/{id}/release": {"post": _act("Let a held version go first (operators).")},
    "/exchanges/{id}/cancel": {"post": _act("Take a document back before its first delivery.")},
    "/inbox": {"get": _INBOX},
    "/report": {"get": _REPORT},
}
_LOOKED_AT = {403: _refusal("This address may not look here.")}
_OPERATIONS: Mapping[str, Mapping[str, Described]] = {
    "/metrics": {
        "get": _operation(
            "Read the figures.",
            {200: _foreign("Exposition.", "text/plain", "application/openmetrics-text")},
            _LOOKED_AT,
            known=False,
        )
    },
    "/health/live": {
        "get": _operation(
            "Ask whether it turns.", {200: _json("Live", "It does.")}, _LOOKED_AT, known=False
        )
    },
    "/health/ready": {
        "get": _operation(
            "Ask whether it may be sent work.",
            {200: _json("Readiness", "It may."), 503: _json("Readiness", "What is missing.")},
            _LOOKED_AT,
            known=False,
        )
    },
    "/openapi.json": {
        "get": _operation(
            "Read this description.",
            {200: {"description": "OpenAPI 3.1", "content": {"application/json": {}}}},
            known=False,
        )
    },
}


def _soap_paths(doors: Sequence[str]) -> Mapping[str, Mapping[str, Described]]:
    """Describe where state systems call: SOAP 1.1 and 1.2, faults included."""
    spoken = ("text/xml", "application/soap+xml")
    name = _parameter("name", "path", {"type": "string", "enum": list(doors)}, "The endpoint.")
    fault = _foreign("A SOAP Fault.", *spoken)
    return {
        "/soap/{name}": {
            "post": _operation(
                "Call as a state system, with a signed envelope.",
                {200: _foreign("The answer.", *spoken), 400: {**fault, **_also(fault)}},
                {403: fault, 500: {**fault, **_also(fault)}},
                *(_ABSENT, _LARGE),
                parameters=(name,),
                body={one: {"schema": {"type": "string"}} for one in spoken},
                known=False,
            ),
            "get": _operation(
                "Read the description of the callbacks.",
                {200: _foreign("WSDL.", "text/xml")},
                *(_BAD, _ABSENT),
                parameters=(
                    name,
                    {**_parameter("wsdl", "query", TEXT, "Has to be there."), "required": True},
                ),
                known=False,
            ),
        }
    }


def _also(fault: Described) -> Described:
    """Return the content of an answer that may be a Fault or an OperationOutcome."""
    outcome = {CONTENT_TYPE: {"schema": refer("OperationOutcome")}}
    return {"content": {**fault["content"], **outcome}}


@lru_cache(maxsize=4)
def describe_api(doors: tuple[str, ...]) -> Described:
    """Return the OpenAPI document; `doors` are the endpoints that call us."""
    soap = _soap_paths(doors) if doors else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mse-gateway",
            "version": __version__,
            "description": (
                "Carries documents of medical-social expertise to the state and brings back"
                " what became of them. Every error is a FHIR R4 OperationOutcome that names the"
                " place, the cause and who mends it. Without configured senders the gateway"
                " speaks to loopback only, and everybody there is the sender `local`."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {**_PATHS, **soap, **_OPERATIONS},
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "certificate": {"type": "mutualTLS"},
            },
        },
    }
