"""An Idempotency-Key on an act: the same request again is answered as the first time.

The keys of documents are kept by the ledger with the document. Acts say themselves where an
exchange already stands as they want it, so their keys are remembered by this process alone, for
the retry after a broken connection.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from gateway.flow.intake import KeyReused


@dataclass(slots=True)
class _Use:
    request: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    status: int = 0
    body: bytes = b""
    content_type: str = ""


class Keys:
    """What each key was used for, newest last."""

    def __init__(self, *, most: int = 10_000) -> None:
        self._most = most
        self._uses: OrderedDict[tuple[str, str], _Use] = OrderedDict()

    async def answer_once(
        self,
        *,
        sender: str,
        key: str,
        request: str,
        act: Callable[[], Awaitable[web.Response]],
    ) -> web.Response:
        """Return the act's answer, from memory when this key has had it. Raises KeyReused.

        `request` is a fingerprint of method, path and body. What failed is tried again.
        """
        if not key:
            return await act()
        use = self._uses.setdefault((sender, key), _Use(request))
        if use.request != request:
            raise KeyReused("this key was used for another request", where="Idempotency-Key")
        async with use.lock:
            if not use.status:
                await self._keep(use, (sender, key), act)
        return web.Response(body=use.body, status=use.status, content_type=use.content_type)

    async def _keep(
        self, use: _Use, place: tuple[str, str], act: Callable[[], Awaitable[web.Response]]
    ) -> None:
        try:
            response = await act()
        except BaseException:
            self._uses.pop(place, None)
            raise
        assert isinstance(response.body, bytes)
        use.status, use.body = response.status, response.body
        use.content_type = response.content_type
        while len(self._uses) > self._most:
            self._uses.popitem(last=False)
