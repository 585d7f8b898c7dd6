"""Builds the one HTTP server: which path leads where, and who may pass."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from aiohttp import web

from gateway.inbound import acts, callbacks, exchanges, inbox, operations, reports
from gateway.inbound.house import CALLER, HOUSE, House
from gateway.inbound.keys import Keys
from gateway.inbound.refusals import Handler, refuse_with_reason
from gateway.inbound.senders import Forbidden, Networks, is_same_origin
from gateway.inbound.uploads import MIB

_ROOM_FOR_PARTS = 1 * MIB
_ID = "{id:[A-Za-z0-9][A-Za-z0-9._-]{0,199}}"
_NUMBER = "[0-9]{1,9}"


class Door(Enum):
    """Who may pass."""

    SENDERS = auto()
    """Whoever the directory knows."""
    PARTNERS = auto()
    """State systems: the endpoint's own door verifies them."""
    OPERATIONS = auto()
    """The networks of `server.operations_allow`."""
    EVERYBODY = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path."""

    method: str
    path: str
    handler: Handler
    door: Door = Door.SENDERS


ROUTES: Sequence[Route] = (
    Route("POST", "/exchanges", exchanges.post_exchange),
    Route("GET", "/exchanges", exchanges.list_exchanges),
    Route("GET", f"/exchanges/{_ID}", exchanges.get_exchange),
    Route("GET", f"/exchanges/{_ID}/timeline", exchanges.get_timeline),
    Route(
        "GET",
        f"/exchanges/{_ID}/timeline/{{sequence:{_NUMBER}}}/{{n:{_NUMBER}}}",
        exchanges.get_message,
    ),
    Route("GET", f"/exchanges/{_ID}/document", exchanges.get_document),
    Route("GET", f"/exchanges/{_ID}/payload", exchanges.get_payload),
    Route("POST", f"/exchanges/{_ID}/signatures", acts.post_signature),
    Route("POST", f"/exchanges/{_ID}/resume", acts.post_resume),
    Route("POST", f"/exchanges/{_ID}/release", acts.post_release),
    Route("POST", f"/exchanges/{_ID}/cancel", acts.post_cancel),
    Route("GET", "/inbox", inbox.get_inbox),
    Route("GET", "/report", reports.get_report),
    Route("POST", "/soap/{name}", callbacks.post_soap, Door.PARTNERS),
    Route("GET", "/soap/{name}", callbacks.get_wsdl, Door.PARTNERS),
    Route("GET", "/metrics", operations.get_metrics, Door.OPERATIONS),
    Route("GET", "/health/live", operations.get_live, Door.OPERATIONS),
    Route("GET", "/health/ready", operations.get_ready, Door.OPERATIONS),
    Route("GET", "/openapi.json", operations.get_openapi, Door.EVERYBODY),
)
"""Every path there is; `/openapi.json` describes the same, and a test compares them."""

_DOORS = {route.handler: route.door for route in ROUTES}
_NETWORKS = web.AppKey("networks", Networks)


def build_server(house: House) -> web.Application:
    """Return the application; run it with `access_log=None`, since it writes its own lines.

    Raises SettingError when `server.operations_allow` names no network.
    """
    app = web.Application(
        middlewares=[log_request, refuse_with_reason, let_pass],
        client_max_size=house.settings.max_body_mib * MIB + _ROOM_FOR_PARTS,
    )
    app[HOUSE], app[acts.KEYS] = house, Keys()
    app[_NETWORKS] = house.operations or Networks(house.settings.operations_allow)
    app.add_routes([web.route(one.method, one.path, one.handler) for one in ROUTES])
    return app


@web.middleware
async def log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write one line a request: who, which route, how it ended; no body and no parameters."""
    began = asyncio.get_running_loop().time()
    response = await handler(request)
    resource = request.match_info.route.resource
    door = _DOORS.get(request.match_info.handler)
    if door is not Door.OPERATIONS or response.status >= 500:
        caller = request.get(CALLER)
        request.app[HOUSE].log.info(
            "Request",
            method=request.method,
            route=resource.canonical if resource else "",
            exchange=request.match_info.get("id", ""),
            status=response.status,
            milliseconds=round((asyncio.get_running_loop().time() - began) * 1000, 1),
            sender=caller.name if caller else "",
            address=request.remote,
        )
    return response


@web.middleware
async def let_pass(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through whom the route's door is open to. Raises Unknown, Forbidden."""
    door = _DOORS.get(request.match_info.handler, Door.EVERYBODY)
    if door is Door.SENDERS:
        _recognise(request)
    if door is Door.OPERATIONS and not request.app[_NETWORKS].hold(request.remote):
        raise Forbidden("this address may not look here")
    return await handler(request)


def _recognise(request: web.Request) -> None:
    directory, headers = request.app[HOUSE].directory, request.headers
    same = is_same_origin(
        host=request.host,
        origin=headers.get("Origin", ""),
        fetch_site=headers.get("Sec-Fetch-Site", ""),
    )
    if directory.local is not None and not same:
        raise Forbidden("a foreign page may not speak for this machine")
    request[CALLER] = directory.recognise(
        authorization=headers.get("Authorization", ""),
        certificate=_client_certificate(request),
        address=request.remote,
    )


def _client_certificate(request: web.Request) -> bytes | None:
    """Return the certificate (DER) that TLS has verified, if the client showed one."""
    tls = request.get_extra_info("ssl_object")
    certificate: bytes | None = tls.getpeercert(binary_form=True) if tls is not None else None
    return certificate
