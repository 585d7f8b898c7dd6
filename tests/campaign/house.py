"""A gateway that can be told to die at a named place: the campaign's own way to start one.

    python tests/campaign/house.py CONFIG FOLDER [PLACE NUMBER]

Each place that is passed is written into FOLDER/passed, and into FOLDER/lives when it began to
listen and when it burned. With PLACE and NUMBER the process kills itself (SIGKILL) when it passes
that place for the NUMBERth time.
"""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.app import Doors, open_gateway
from gateway.doors import SystemClock
from gateway.settings import load

_ACTION = re.compile(r'(?:^|action=)"[^"]*?(\w+)"')
"""The last word of an Action: in SOAPAction it stands alone, in Content-Type as a parameter."""


class Fuse:
    """Counts the places that are passed and burns at one of them."""

    def __init__(self, folder: Path, place: str = "", number: int = 0) -> None:
        self._counts: Counter[str] = Counter()
        self._folder = folder
        self._file = (folder / "passed").open("a", encoding="utf-8", buffering=1)
        self._place, self._number = place, number

    def __call__(self, name: str) -> None:
        """Pass a place."""
        self._counts[name] += 1
        if self._counts[name] == 1:
            self._file.write(f"{name}\n")
        if name == self._place and self._counts[name] >= self._number:
            note_life(self._folder, "ends")
            os.kill(os.getpid(), signal.SIGKILL)


def note_life(folder: Path, what: str) -> None:
    """Write down that a gateway listens, or that it ends, and when."""
    with (folder / "lives").open("a", encoding="utf-8") as file:
        file.write(f"{SystemClock().now().isoformat()} {what}\n")


def watch_calls_out(fuse: Fuse) -> aiohttp.TraceConfig:
    """Return a trace that passes the fuse on either side of every write to a socket.

    The place names the operation: a power cut in a delivery is another than one in a search.
    """
    trace = aiohttp.TraceConfig()

    async def before(
        _session: object, context: SimpleNamespace, told: aiohttp.TraceRequestStartParams
    ) -> None:
        context.operation = operation_of(told.headers)
        fuse(f"before-write:{context.operation}")

    async def after(_session: object, context: SimpleNamespace, _told: object) -> None:
        fuse(f"after-write:{context.operation}")

    async def heard(_session: object, context: SimpleNamespace, _told: object) -> None:
        fuse(f"after-read:{context.operation}")

    trace.on_request_start.append(before)
    trace.on_request_chunk_sent.append(after)
    trace.on_request_end.append(heard)
    return trace


def operation_of(headers: Mapping[str, str]) -> str:
    """Return the operation that the SOAP Action names (1.1 §6.1.1; 1.2 §A), else `call`."""
    action = headers.get("SOAPAction", "") + headers.get("Content-Type", "")
    named = _ACTION.search(action)
    return named[1] if named else "call"


def watch_calls_in(fuse: Fuse) -> Middleware:
    """Return a middleware that passes the fuse on either side of every answer's write."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        kind = request.path.split("/")[1]
        response = await handler(request)
        if kind not in {"exchanges", "soap"}:
            return response
        fuse(f"before-write:answer-{kind}")
        await response.prepare(request)
        await response.write_eof()
        fuse(f"after-write:answer-{kind}")
        return response

    return middleware


async def run(config: Path, folder: Path, fuse: Fuse) -> None:
    """Serve until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    doors = Doors(
        failpoint=fuse, traces=[watch_calls_out(fuse)], middlewares=[watch_calls_in(fuse)]
    )
    async with open_gateway(load(config, environ={}), doors):
        note_life(folder, "listens")
        await stopped.wait()
        note_life(folder, "ends")


if __name__ == "__main__":
    place, number = (*sys.argv[3:5], "", "0")[:2]
    config, folder = map(Path, sys.argv[1:3])
    asyncio.run(run(config, folder, Fuse(folder, place, int(number))))
