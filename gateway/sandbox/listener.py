"""One address for all counterparts; it can go away for a while and come back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.errors import HouseError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NO_LINGER = struct.pack("ii", 1, 0)


class Listener:
    """Serves HTTP/1.1 on one port, the same one after each return."""

    def __init__(self, handler: Handler, host: str, port: int, *, max_body: int) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._max_body = max_body
        self._runner: web.AppRunner | None = None
        self._changing = asyncio.Lock()

    @property
    def url(self) -> str:
        """Return the address; known once it was opened."""
        return f"http://{self._host}:{self._port}"

    async def open(self) -> None:
        """Listen. Raises HouseError when the port is taken."""
        async with self._changing:
            if self._runner is not None:
                return
            app = web.Application(client_max_size=self._max_body)
            app.router.add_route("*", "/{tail:.*}", self._handler)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, self._host, self._port, reuse_address=True)
            try:
                await site.start()
            except OSError as error:
                await runner.cleanup()
                raise HouseError(f"cannot listen: {error}", where=self.url) from error
            self._port = runner.addresses[0][1]
            self._runner = runner

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        async with self._changing:
            if self._runner is not None:
                await self._runner.cleanup()
                self._runner = None


def reset(request: web.Request) -> web.StreamResponse:
    """Reset the request's connection, so that the caller gets ECONNRESET and no answer."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    return web.Response(status=503)  # it goes nowhere
