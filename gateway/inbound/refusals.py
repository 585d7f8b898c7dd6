"""Answers whatever goes wrong: an OperationOutcome, never a 500 for what a caller sends.

An unexpected exception is logged by its type and place and answered with an id to find it by;
neither says what a document says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from gateway import errors
from gateway.errors import GatewayError
from gateway.exchange.record import Exchange
from gateway.flow.acts import NotFound, NotPossible
from gateway.flow.intake import KeyReused, NotYours, UnsupportedFormat
from gateway.inbound import outcomes
from gateway.inbound.house import CALLER, HOUSE
from gateway.inbound.senders import Forbidden, Unknown
from gateway.ports import IdentityTaken
from gateway.telemetry.logs import describe_exception

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATUSES: Mapping[type[GatewayError], int] = {
    errors.MessageTooLarge: 413,
    UnsupportedFormat: 415,
    errors.MalformedMessage: 400,
    IdentityTaken: 409,
    NotPossible: 409,
    KeyReused: 422,
    NotYours: 403,
    Forbidden: 403,
    Unknown: 401,
    NotFound: 404,
    errors.SenderError: 400,
    errors.RecipientError: 502,
    errors.WeatherError: 503,
    errors.HouseError: 503,
}
"""The first that fits counts."""

RETRY_AFTER: Mapping[type[GatewayError], int] = {errors.Overtaken: 1, errors.HouseError: 60}
"""Seconds; everything else that passes by itself is tried again after five."""
_CODES: Mapping[int, str] = {404: "not-found", 405: "not-supported", 413: "too-long"}
_HIDDEN = "the gateway's operator has to mend something; its log tells more under this id"


@web.middleware
async def refuse_with_reason(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into an answer."""
    try:
        return await handler(request)
    except GatewayError as error:
        return refuse(request, error)
    except web.HTTPException as error:
        return _refuse_http(error)
    except Exception as error:  # noqa: BLE001 - the last door before the caller
        return _apologise(request, error)


def refuse(request: web.Request, error: GatewayError) -> web.Response:
    """Return the answer to a failure that names its mender."""
    status = next(code for kind, code in STATUSES.items() if isinstance(error, kind))
    headers: dict[str, str] = {}
    outcome = outcomes.tell_error(error)
    if isinstance(error, IdentityTaken):
        outcome = _tell_taken(request, error, headers)
    if isinstance(error, Unknown):
        headers["WWW-Authenticate"] = 'Bearer realm="mse-gateway"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(
            next((after for kind, after in RETRY_AFTER.items() if isinstance(error, kind)), 5)
        )
    if isinstance(error, errors.HouseError):
        outcome = _tell_house(request, error)
    return answer(outcome, status=status, headers=headers)


def answer(
    outcome: dict[str, object], *, status: int, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an OperationOutcome as a response."""
    return web.Response(
        body=outcomes.encode(outcome),
        status=status,
        headers=headers,
        content_type=outcomes.CONTENT_TYPE,
    )


def _tell_taken(
    request: web.Request, error: IdentityTaken, headers: dict[str, str]
) -> dict[str, object]:
    """Name the exchanges in the way, where they are the caller's own to see."""
    seen = [one for one in error.exchanges if _may_see(request, one)]
    if not seen:
        return outcomes.tell(
            "a document of this identity is here already",
            error.code,
            error.mender,
            where=error.where,
        )
    headers["Location"] = f"/exchanges/{seen[0].id}"
    kept = "; ".join(f"exchange {one.id} sha256 {one.identity.document_sha256}" for one in seen)
    return outcomes.tell_error(error, diagnostics=kept)


def _may_see(request: web.Request, exchange: Exchange) -> bool:
    caller = request.get(CALLER)
    return caller is not None and caller.may_see(exchange.identity.sender)


def _tell_house(request: web.Request, error: errors.HouseError) -> dict[str, object]:
    """Tell the operator what to mend, and everybody else that somebody must."""
    house = request.app[HOUSE]
    number = house.ids.new()
    house.log.error("House", id=number, code=error.code, **describe_exception(error))
    caller = request.get(CALLER)
    if caller is not None and caller.is_operator:
        return outcomes.tell_error(error, diagnostics=number)
    return outcomes.tell(_HIDDEN, error.code, error.mender, diagnostics=number)


def _refuse_http(error: web.HTTPException) -> web.Response:
    headers = {name: error.headers[name] for name in ("Allow", "Location") if name in error.headers}
    code = _CODES.get(error.status, "processing")
    outcome = outcomes.tell(HTTPStatus(error.status).phrase, code, "sender")
    return answer(outcome, status=error.status, headers=headers)


def _apologise(request: web.Request, error: Exception) -> web.Response:
    house = request.app[HOUSE]
    number = house.ids.new()
    house.log.error("Broke", id=number, **describe_exception(error))
    outcome = outcomes.tell(
        "something broke inside; its log tells more under this id",
        "exception",
        "operator",
        diagnostics=number,
    )
    return answer(outcome, status=500)
