"""What a sender is told: verdicts and notices in the order they came."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.inbound import queries, views
from gateway.inbound.exchanges import answer_json
from gateway.inbound.house import CALLER, HOUSE
from gateway.inbound.senders import Forbidden
from gateway.inbound.watch import inbox_topic
from gateway.ports import InboxEntry

_LARGEST_ID = (1 << 53) - 1
"""What a reader of JSON in JavaScript still counts exactly (RFC 8259 §6)."""


async def get_inbox(request: web.Request) -> web.Response:
    """Return entries after an id, oldest first; `wait` holds an empty answer back for a while."""
    query = request.query
    queries.forbid_unknown(query, ("after", "limit", "wait", "sender"))
    after = queries.read_number(query, "after", default=0, least=0, most=_LARGEST_ID)
    limit = queries.read_number(query, "limit", default=100, least=1, most=queries.LARGEST_PAGE)
    wait = queries.read_number(query, "wait", default=0, least=0, most=queries.LONGEST_WAIT)
    entries = await _read(request, _whose(request), after=after, limit=limit, wait=wait)
    lang = queries.read_language(request)
    last = entries[-1].id if entries else after
    return answer_json(
        {
            "entries": [views.view_inbox_entry(one, lang) for one in entries],
            "next": f"/inbox?after={last}",
        }
    )


async def _read(
    request: web.Request, sender: str, *, after: int, limit: int, wait: int
) -> Sequence[InboxEntry]:
    house = request.app[HOUSE]

    async def look() -> Sequence[InboxEntry] | None:
        return await house.ledger.inbox(sender, after=after, limit=limit) or None

    found = await look()
    if found is None and wait:
        found = await house.watch.wait(inbox_topic(sender), look, seconds=wait)
    return found or ()


def _whose(request: web.Request) -> str:
    caller, asked = request[CALLER], queries.read_text(request.query, "sender")
    if asked and asked != caller.name and not caller.is_operator:
        raise Forbidden("another sender's inbox")
    return asked or caller.name
