"""The sandbox: its counterparts behind one address, found by their folders."""

from __future__ import annotations

import asyncio
import importlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from gateway.sandbox.counterpart import Counterpart, Surroundings
from gateway.sandbox.dealing import deal, read_title
from gateway.sandbox.doors import Clock
from gateway.sandbox.listener import Listener, reset
from gateway.sandbox.scenario import list_scenarios

_FOLDER = Path(__file__).parent
DEFAULT_PORT = 8090
MAX_BODY = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Found:
    """A counterpart that has a folder here."""

    name: str
    title: str
    scenarios: Mapping[str, str]
    """Titles by name."""
    open: Callable[[Surroundings], Counterpart]
    only_named: bool = False
    """A scenario file is for it only where the file's `counterpart` says so."""


def discover(folder: Path = _FOLDER) -> tuple[Found, ...]:
    """Return every counterpart whose folder holds a `sandbox.toml`."""
    found = []
    for entry in sorted(folder.glob("*/sandbox.toml")):
        table = tomllib.loads(entry.read_text(encoding="utf-8"))
        module, _, function = table["factory"].partition(":")
        name = entry.parent.name
        loaded = importlib.import_module(f"{__package__}.{name}.{module}")
        scenarios = entry.parent / "scenarios"
        titles = {one: read_title(scenarios / f"{one}.toml") for one in list_scenarios(scenarios)}
        opening, only_named = getattr(loaded, function), table.get("only_named", False)
        found.append(Found(name, table["title"], titles, opening, only_named))
    return tuple(found)


def deal_faults(faults: str, found: Sequence[Found]) -> Mapping[str, str]:
    """Return by counterpart what each is to do wrong. Raises SettingError."""
    reserved = [one.name for one in found if one.only_named]
    return deal(faults, {one.name: one.scenarios for one in found}, reserved)


class Sandbox:
    """Serves counterparts while it is entered: `async with Sandbox(…) as sandbox`."""

    def __init__(
        self,
        counterparts: Sequence[Counterpart],
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.counterparts: Mapping[str, Counterpart] = {one.name: one for one in counterparts}
        self._clock = clock
        self._listener = Listener(self._answer, host, port, max_body=MAX_BODY)
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self._requests = dict.fromkeys(self.counterparts, 0)
        self._restarts = dict.fromkeys(self.counterparts, 0)

    @property
    def base_url(self) -> str:
        """Return the address below which each counterpart has its name."""
        return self._listener.url

    def configuration(self) -> str:
        """Return the TOML that points a gateway at everything here."""
        return "\n".join(
            one.configuration(f"{self.base_url}/{name}") for name, one in self.counterparts.items()
        )

    async def __aenter__(self) -> Self:
        """Listen, and go on with what was begun before."""
        await self._listener.open()
        await self._group.__aenter__()
        for one in self.counterparts.values():
            self._tasks.append(self._group.create_task(one.work()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; what is not done stays in the stores."""
        for task in self._tasks:
            task.cancel()
        try:
            if kind is asyncio.CancelledError:
                await self._group.__aexit__(kind, error, trace)
            else:  # the caller's own failure stays what it is: no group around it
                await self._group.__aexit__(None, None, None)
        finally:
            await self._listener.close()
            for one in self.counterparts.values():
                one.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.path.strip("/").partition("/")[0]
        counterpart = self.counterparts.get(name)
        if counterpart is None:
            known = " ".join(f"/{one}" for one in self.counterparts)
            return web.Response(status=404, text=f"here are: {known or 'no counterparts'}\n")
        if request.method != "POST":
            return await counterpart.answer(request)
        self._requests[name] += 1
        number = self._requests[name]
        if counterpart.turns_away(number):
            counterpart.note("reset_before_reading", number=number)
            return reset(request)
        answer = await counterpart.answer(request)
        self._restart_if_due(counterpart, number)
        return answer

    def _restart_if_due(self, counterpart: Counterpart, number: int) -> None:
        restart = counterpart.restart
        done = self._restarts[counterpart.name]
        if not restart.after_requests or number % restart.after_requests or done >= restart.times:
            return
        self._restarts[counterpart.name] += 1
        self._tasks.append(self._group.create_task(self._be_away(counterpart, restart.down_for)))

    async def _be_away(self, counterpart: Counterpart, span: timedelta) -> None:
        counterpart.note("listener_down")
        await self._listener.close()
        await self._clock.sleep_until(self._clock.now() + span)
        await self._listener.open()
        counterpart.note("listener_up")
