"""What a person may do to an exchange, each act with its author in the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.exchange.record import Exchange
from gateway.flow.intake import KeyReused
from gateway.inbound import queries, views
from gateway.inbound.exchanges import answer_json, find_exchange
from gateway.inbound.house import CALLER, HOUSE
from gateway.inbound.keys import Keys
from gateway.inbound.senders import Forbidden
from gateway.inbound.uploads import LARGEST_SIGNATURE, read_body, read_role
from gateway.ports import SignerCms

KEYS = web.AppKey("keys", Keys)
Act = Callable[[], Awaitable[Exchange]]


async def post_cancel(request: web.Request) -> web.Response:
    """Take a document back before its first delivery; 409 afterwards."""
    exchange = await find_exchange(request)
    acts, by = request.app[HOUSE].acts, request[CALLER].name
    return await _do(request, lambda: acts.cancel(exchange.id, by))


async def post_resume(request: web.Request) -> web.Response:
    """Let a parked exchange go on (operators); 409 when it is not parked."""
    exchange = await _find_as_operator(request)
    acts, by = request.app[HOUSE].acts, request[CALLER].name
    return await _do(request, lambda: acts.resume(exchange.id, by))


async def post_release(request: web.Request) -> web.Response:
    """Let a held version overtake the earlier one (operators); 409 when nothing holds it."""
    exchange = await _find_as_operator(request)
    acts, by = request.app[HOUSE].acts, request[CALLER].name
    return await _do(request, lambda: acts.release(exchange.id, by))


async def post_signature(request: web.Request) -> web.Response:
    """Add a signer's detached CMS to an exchange that waits for it."""
    exchange = await find_exchange(request)
    role = read_role(request.headers.get("X-Role", ""), "X-Role")
    content = await read_body(request, limit=LARGEST_SIGNATURE)
    signature = SignerCms(role=role, content=content)
    acts = request.app[HOUSE].acts
    body = f"{role}:{hashlib.sha256(content).hexdigest()}"
    return await _do(request, lambda: acts.give_signature(exchange.id, signature), body=body)


async def _find_as_operator(request: web.Request) -> Exchange:
    exchange = await find_exchange(request)
    if not request[CALLER].is_operator:
        raise Forbidden("an operator's act")
    return exchange


async def _do(request: web.Request, act: Act, *, body: str = "") -> web.Response:
    """Act once a key, and return how the exchange stands then."""
    queries.forbid_unknown(request.query, ())
    sender, key = request[CALLER].name, queries.read_key(request)
    fingerprint = f"{request.method} {request.path} {body}"
    if key and await request.app[HOUSE].ledger.recall(sender, key) is not None:
        raise KeyReused("this key was used for a document", where="Idempotency-Key")

    async def respond() -> web.Response:
        return answer_json(views.view_exchange(await act(), queries.read_language(request)))

    return await request.app[KEYS].answer_once(
        sender=sender,
        key=key,
        request=hashlib.sha256(fingerprint.encode()).hexdigest(),
        act=respond,
    )
