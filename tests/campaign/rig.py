"""Gateway and sandbox as processes of their own, killed and started again at will."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import aiohttp

from gateway.doors import SystemClock, SystemIds
from gateway.samples.maker import Maker, SampleDocument
from gateway.samples.signing import PkiSigner
from gateway.signatures.backends import open_backend
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki
from gateway.trial import LOOPBACK, Wishes, configure, free_port, write_form
from tests.campaign.house import note_life

ROOT = Path(__file__).parents[2]
HOUSE = Path(__file__).with_name("house.py")
START = 30.0
"""Seconds within which a process must listen."""


@dataclass
class Killed:
    """A gateway's life: which place it was to die at, and whether it did."""

    place: str
    number: int
    died: bool


@dataclass
class Rig:
    """One sandbox that lives through it all, and one gateway that does not."""

    folder: Path
    scale: float
    port: int = field(default_factory=free_port)
    sandbox_port: int = field(default_factory=free_port)
    kills: list[Killed] = field(default_factory=list)
    gateway: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def passed(self) -> set[str]:
        """The places that any gateway has passed so far."""
        file = self.folder / "passed"
        return set(file.read_text(encoding="utf-8").split()) if file.exists() else set()

    @property
    def lives(self) -> list[tuple[datetime, datetime]]:
        """From when until when a gateway listened."""
        spans: list[tuple[datetime, datetime]] = []
        since: datetime | None = None
        for line in (self.folder / "lives").read_text(encoding="utf-8").splitlines():
            at, _, what = line.partition(" ")
            if what == "listens":
                since = datetime.fromisoformat(at)
            elif since is not None:
                spans.append((since, datetime.fromisoformat(at)))
                since = None
        return spans

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @cached_property
    def maker(self) -> Maker:
        return Maker(sign=PkiSigner(self.pki, open_backend()))

    @cached_property
    def small_examples(self) -> list[str]:
        """The bundled documents below 150 kB."""
        now, ids = SystemClock().now(), SystemIds()
        made = [self.maker.make(1, now=now, ids=ids, example=one) for one in self.maker.examples]
        return sorted(
            name
            for name, one in zip(self.maker.examples, made, strict=True)
            if len(one.content) < 150_000
        )

    @asynccontextmanager
    async def sandbox(self, faults: Path) -> AsyncIterator[None]:
        """Run the sandbox while the context lasts."""
        make_test_pki(read_declaration(), self.pki, now=SystemClock().now())
        order = [sys.executable, "-m", "gateway", "sandbox", "--faults", str(faults)]
        order += ["--port", str(self.sandbox_port), "--pki", str(self.pki)]
        order += ["--time-scale", str(self.scale), "--store", str(self.folder / "sandbox.sqlite")]
        with (self.folder / "sandbox.log").open("w") as log:
            process = await asyncio.create_subprocess_exec(
                *order, stdout=asyncio.subprocess.PIPE, stderr=log, cwd=ROOT
            )
            try:
                self._configure(await _read_configuration(process))
                yield
            finally:
                await _stop(process)

    def _configure(self, endpoints: str) -> None:
        wishes = Wishes(folder=self.folder, scale=self.scale)
        configure(wishes, endpoints, self.pki, self.port)

    async def start(self, place: str = "", number: int = 1) -> None:
        """Start a gateway that is to die at a place; with none it lives until it is killed."""
        order = [sys.executable, str(HOUSE), str(self.folder / "mse-gateway.toml")]
        order += [str(self.folder), *([place, str(number)] if place else [])]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}  # noqa: TID251 - a child's environment
        with (self.folder / "gateway.log").open("a") as log:
            self.gateway = await asyncio.create_subprocess_exec(
                *order, stdout=log, stderr=log, cwd=ROOT, env=environ
            )
        if place:
            self.kills.append(Killed(place, number, died=False))

    async def live(self, seconds: float) -> bool:
        """Let the gateway live that long; return whether it died by itself."""
        assert self.gateway is not None
        with suppress(TimeoutError):
            await asyncio.wait_for(self.gateway.wait(), seconds)
        died = self.gateway.returncode == -signal.SIGKILL
        if self.kills and died:
            self.kills[-1].died = True
        return died

    async def kill(self) -> None:
        """Cut the power."""
        assert self.gateway is not None
        note_life(self.folder, "ends")
        with suppress(ProcessLookupError):
            self.gateway.kill()
        await self.gateway.wait()

    async def stop(self) -> int:
        """Ask the gateway to end; return its exit code."""
        assert self.gateway is not None
        await _stop(self.gateway)
        return self.gateway.returncode or 0


async def _read_configuration(process: asyncio.subprocess.Process) -> str:
    """Return what the sandbox prints for a gateway: TOML up to the first pause."""
    assert process.stdout is not None
    lines: list[str] = []
    while True:
        wait = START if not lines else 1.0
        try:
            line = await asyncio.wait_for(process.stdout.readline(), wait)
        except TimeoutError:
            break
        if not line:
            break
        lines.append(line.decode())
    text = "".join(lines)
    # The gateway's own keys are written by the rig; the endpoint's piece is what is wanted here.
    return text.partition("[trust]")[0]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 20)
    except TimeoutError:
        process.kill()
        await process.wait()


@dataclass
class WantedIds:
    """Ids of which the first, the document's, is such as is wanted."""

    wanted: Callable[[str], bool]
    ids: SystemIds = field(default_factory=SystemIds)
    given: bool = False

    def new(self) -> str:
        """Return the next id."""
        made = self.ids.new()
        while not self.given and not self.wanted(made):
            made = self.ids.new()
        self.given = True
        return made


@dataclass
class Courier:
    """A МИС that does not give up: hands each document over until it is acknowledged."""

    rig: Rig
    session: aiohttp.ClientSession
    acknowledged: dict[str, str] = field(default_factory=dict)
    """localUid to the exchange's id."""

    begun: int = 0
    """How many documents were made so far."""
    resumed: set[str] = field(default_factory=set)
    """Ids of parked exchanges that were let go on."""

    async def hand_over(
        self, count: int, *, at_once: int = 4, wanted: Callable[[str], bool] = bool
    ) -> None:
        """Make that many new documents and hand each over until it is acknowledged.

        Their ids are such as are wanted: a scenario decides by the id what it does.
        """
        free = asyncio.Semaphore(at_once)
        documents = [self._make(wanted) for _ in range(count)]

        async def one(document: SampleDocument) -> None:
            async with free:
                await self._hand_over(document)

        async with asyncio.TaskGroup() as group:
            for document in documents:
                group.create_task(one(document))

    def _make(self, wanted: Callable[[str], bool]) -> SampleDocument:
        """Make a document of an ordinary size: the campaign is about crashes."""
        self.begun += 1
        small = self.rig.small_examples
        return self.rig.maker.make(
            self.begun,
            now=SystemClock().now(),
            ids=WantedIds(wanted),
            example=small[self.begun % len(small)],
        )

    async def see_alive(self) -> None:
        """Return when the gateway answers."""
        while True:
            try:
                async with self.session.get(f"{self.rig.url}/health/live") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)

    async def _hand_over(self, document: SampleDocument) -> None:
        while document.local_uid not in self.acknowledged:
            try:
                await self._post(document)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.2)

    async def _post(self, document: SampleDocument) -> None:
        form = write_form(document)
        async with self.session.post(f"{self.rig.url}/exchanges", data=form) as answer:
            text = await answer.text()
            if answer.status >= 500:
                await asyncio.sleep(0.2)
                return
            assert answer.status in {200, 202}, f"{answer.status}: {text}"
            location = answer.headers["Location"]
            self.acknowledged[document.local_uid] = location.rpartition("/")[2]

    async def stand(self) -> dict[str, dict[str, object]]:
        """Return every acknowledged exchange as the gateway shows it."""
        found = {}
        for uid, exchange in self.acknowledged.items():
            async with self.session.get(f"{self.rig.url}/exchanges/{exchange}") as answer:
                found[uid] = json.loads(await answer.read())
        return found

    async def resume(self, parked: dict[str, object]) -> None:
        """Let a parked exchange go on: none may be parked but for want of deliveries."""
        assert "deliveries without an answer" in str(parked["parked_because"]), parked
        exchange = str(parked["id"])
        url = f"{self.rig.url}/exchanges/{exchange}/resume"
        async with self.session.post(url) as answer:
            # 409: a late answer has come between.
            assert answer.status in {200, 409}, await answer.text()
        self.resumed.add(exchange)
