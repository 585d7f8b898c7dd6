"""Where a sender hands over a document and asks what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from gateway.exchange.record import Exchange
from gateway.exchange.states import State
from gateway.flow.acts import NotFound
from gateway.flow.intake import Submission, Taken
from gateway.inbound import outcomes, queries, views
from gateway.inbound.house import CALLER, HOUSE, House
from gateway.inbound.refusals import answer
from gateway.inbound.senders import Forbidden
from gateway.inbound.uploads import MIB, read_upload
from gateway.inbound.watch import exchange_topic

_DECIDED = frozenset({State.PARKED})


async def post_exchange(request: web.Request) -> web.Response:
    """Take a document: 202 with its Location, 422 with every problem, 400 for what is none."""
    house, caller = request.app[HOUSE], request[CALLER]
    began = asyncio.get_running_loop().time()
    if not caller.hands_over:
        raise Forbidden("an operator hands over no documents")
    queries.forbid_unknown(request.query, ("confirm",))
    if request.query.get("confirm", "new-document") != "new-document":
        raise queries.BadQuery("new-document is all that can be confirmed", where="confirm")
    key = queries.read_key(request)
    upload = await read_upload(request, limit=house.settings.max_body_mib * MIB)
    submission = Submission(
        content=upload.content,
        content_type=upload.content_type,
        signatures=upload.signatures,
        sender=caller.sender,
        confirm_new="confirm" in request.query,
        idempotency_key=key,
    )
    taken = await house.intake.take(submission)
    house.metrics.intake_seconds.observe(asyncio.get_running_loop().time() - began)
    return await _answer_taken(request, house, taken)


async def list_exchanges(request: web.Request) -> web.Response:
    """Return a page of exchanges, newest first, and where the next page is."""
    house, caller = request.app[HOUSE], request[CALLER]
    tenant = "" if caller.is_operator else caller.name
    query = queries.read_search(request.query, tenant=tenant)
    found = await house.ledger.search(replace(query, limit=query.limit + 1))
    lang, shown = queries.read_language(request), found[: query.limit]
    page: dict[str, Any] = {"exchanges": [views.view_exchange(one, lang) for one in shown]}
    if len(found) > len(shown):
        asked = [(name, value) for name, value in request.query.items() if name != "after"]
        page["next"] = f"/exchanges?{urlencode([*asked, ('after', shown[-1].id)])}"
    return answer_json(page)


async def get_exchange(request: web.Request) -> web.Response:
    """Return how one exchange stands."""
    exchange = await find_exchange(request)
    return answer_json(views.view_exchange(exchange, queries.read_language(request)))


async def get_timeline(request: web.Request) -> web.Response:
    """Return every event and every message on the wire."""
    exchange = await find_exchange(request)
    entries = await request.app[HOUSE].ledger.timeline(exchange.id)
    return answer_json(views.view_timeline(exchange.id, entries))


async def get_message(request: web.Request) -> web.Response:
    """Return the body of one message as it travelled."""
    exchange = await find_exchange(request)
    sequence, number = int(request.match_info["sequence"]), int(request.match_info["n"])
    for entry in await request.app[HOUSE].ledger.timeline(exchange.id):
        if entry.sequence == sequence and number < len(entry.wire):
            return answer_bytes(entry.wire[number].body)
    raise NotFound("there is no such message")


async def get_document(request: web.Request) -> web.Response:
    """Return the document, byte for byte as it was received."""
    return await _answer_payload(request, ("document",))


async def get_payload(request: web.Request) -> web.Response:
    """Return the exact bytes to sign or send: the mapped form, else the document itself."""
    return await _answer_payload(request, ("payload", "document"))


async def find_exchange(request: web.Request) -> Exchange:
    """Return the exchange of the path.

    Raises NotFound also for another sender's: that it exists is nobody else's business.
    """
    exchange = await request.app[HOUSE].ledger.get(request.match_info["id"])
    if exchange is None or not request[CALLER].may_see(exchange.identity.sender):
        raise NotFound("there is no such exchange")
    return exchange


def answer_json(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a JSON response."""
    return web.Response(
        body=orjson.dumps(content), status=status, headers=headers, content_type="application/json"
    )


def answer_bytes(content: bytes) -> web.Response:
    """Return foreign bytes so that no browser takes them for a page of ours."""
    return web.Response(
        body=content,
        content_type=_guess_type(content),
        headers={"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"},
    )


async def _answer_taken(request: web.Request, house: House, taken: Taken) -> web.Response:
    lang = queries.read_language(request)
    headers = {"Location": f"/exchanges/{taken.exchange.id}"}
    if taken.standing == "refused":
        outcome = outcomes.tell_findings(taken.findings, lang)
        return answer(outcome, status=422, headers=headers)
    exchange, seconds = taken.exchange, queries.read_wait(request)
    if seconds is not None:
        headers["Preference-Applied"] = f"wait={seconds}"
        exchange = await _wait_for_outcome(house, exchange, seconds)
    decided = seconds is not None and _is_decided(exchange)
    view = views.view_exchange(exchange, lang)
    return answer_json(view, status=200 if decided else 202, headers=headers)


async def _wait_for_outcome(house: House, exchange: Exchange, seconds: int) -> Exchange:
    async def look() -> Exchange | None:
        found = await house.ledger.get(exchange.id)
        return found if found is not None and _is_decided(found) else None

    topic = exchange_topic(exchange.id)
    decided = await house.watch.wait(topic, look, seconds=seconds)
    return decided or await house.ledger.get(exchange.id) or exchange


def _is_decided(exchange: Exchange) -> bool:
    """Tell whether waiting any longer is of no use: a verdict, or a person must look."""
    return exchange.outcome is not None or exchange.state in _DECIDED


async def _answer_payload(request: web.Request, names: tuple[str, ...]) -> web.Response:
    exchange = await find_exchange(request)
    for name in names:
        content = await request.app[HOUSE].ledger.payload(exchange.id, name)
        if content is not None:
            return answer_bytes(content)
    raise NotFound("nothing is kept under this name")


def _guess_type(content: bytes) -> str:
    start = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return "application/xml"
    return "application/json" if start.startswith((b"{", b"[")) else "application/octet-stream"
