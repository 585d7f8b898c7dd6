"""What an operator's tools read: metrics, health and the description of this API."""

from __future__ import annotations

from aiohttp import web

from gateway.inbound.exchanges import answer_json
from gateway.inbound.house import HOUSE
from gateway.inbound.openapi import describe_api


async def get_metrics(request: web.Request) -> web.Response:
    """Return the figures, with the ledger's counts of this moment."""
    house = request.app[HOUSE]
    house.metrics.stand(await house.ledger.standing(), now=house.clock.now())
    body, content_type = house.metrics.expose(request.headers.get("Accept", ""))
    return web.Response(body=body, headers={"Content-Type": content_type})


async def get_live(_request: web.Request) -> web.Response:
    """Answer at all: the loop turns."""
    return answer_json({"live": True})


async def get_ready(request: web.Request) -> web.Response:
    """Return 200 when every vital condition holds, else 503, with all conditions."""
    readiness = await request.app[HOUSE].health.look()
    return answer_json(readiness.as_json(), status=200 if readiness.ready else 503)


async def get_openapi(request: web.Request) -> web.Response:
    """Return the description of this API (OpenAPI 3.1)."""
    return answer_json(describe_api(tuple(request.app[HOUSE].doors)))
