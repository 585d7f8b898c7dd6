"""Where state systems call us: `/soap/NAME`, and its description at `?wsdl`.

Nothing is believed here: the endpoint's own door verifies the partner's signature, and what it
cannot verify settles nothing (decision 18).
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.errors import MessageTooLarge
from gateway.flow.acts import NotFound
from gateway.inbound.house import HOUSE, House
from gateway.inbound.queries import BadQuery
from gateway.inbound.uploads import read_body
from gateway.ports import CallbackDoor

Headers = Mapping[str, str]


async def post_soap(request: web.Request) -> web.Response:
    """Hear a call and answer it once it is on disk."""
    house, door = request.app[HOUSE], _find_door(request)
    body = await _read_call(request, house, door)
    reply = await house.correspondence.hear(
        door, body, headers=_read_headers(request), source=request.remote or ""
    )
    return web.Response(
        body=reply.body,
        status=reply.status,
        headers={"Content-Type": reply.content_type},
    )


async def get_wsdl(request: web.Request) -> web.Response:
    """Return the description of a door."""
    door = _find_door(request)
    if "wsdl" not in {name.lower() for name in request.query}:
        raise BadQuery("?wsdl describes this door; calls are posted", where="wsdl")
    return web.Response(body=door.wsdl(), content_type="text/xml", charset="utf-8")


def _find_door(request: web.Request) -> CallbackDoor:
    door = request.app[HOUSE].doors.get(request.match_info["name"])
    if door is None:
        raise NotFound("no state system calls here")
    return door


async def _read_call(request: web.Request, house: House, door: CallbackDoor) -> bytes:
    """Return the body, of which no more is read than the door takes. Raises MessageTooLarge."""
    try:
        return await read_body(request, limit=door.largest_call)
    except MessageTooLarge:
        house.correspondence.turn_away_large(door)
        raise


def _read_headers(request: web.Request) -> Headers:
    """Return the headers in lower case; of a repeated one the last, like most servers."""
    return {name.lower(): value for name, value in request.headers.items()}
