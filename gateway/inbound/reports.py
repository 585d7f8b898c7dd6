"""The outcome table: what became of all documents, by endpoint, document or organization."""

from __future__ import annotations

from aiohttp import web

from gateway.inbound import queries, views
from gateway.inbound.exchanges import answer_json
from gateway.inbound.house import CALLER, HOUSE


async def get_report(request: web.Request) -> web.Response:
    """Return the table; a sender's is about its own documents."""
    house, caller = request.app[HOUSE], request[CALLER]
    tenant = "" if caller.is_operator else caller.name
    by = queries.read_dimensions(request.query)
    queries.forbid_unknown(request.query, ("by", "from", "to", "sender", "endpoint"))
    query = queries.read_search(request.query, tenant=tenant, extra=frozenset({"by"}))
    rows = await house.ledger.report(query, by=by, now=house.clock.now())
    return answer_json(views.view_report(rows, by=by))
