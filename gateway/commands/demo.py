"""Show every corridor at work: bundled documents travel to their outcome on this machine."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import click

from gateway.app import Doors
from gateway.commands.terminal.tables import align, complain, paint, print_json
from gateway.commands.terminal.words import Exit, json_option
from gateway.doors import SystemClock, SystemIds
from gateway.errors import GatewayError, SettingError
from gateway.exchange.record import Exchange
from gateway.findings import Severity
from gateway.ports import TimelineEntry
from gateway.samples.maker import SampleDocument
from gateway.sandbox.counterpart import SandboxAccount
from gateway.settings import load
from gateway.telemetry.logs import open_log
from gateway.trial import Trial, Wishes, open_trial

SCALE = 1200.0
"""An hour of the real systems takes three seconds."""
PATIENCE = 240.0
"""Seconds after which a document that has no outcome is called unknown."""
AT_ONCE = 16


@dataclass(slots=True)
class Journey:
    """One document on its way, as the demo follows it."""

    document: SampleDocument
    status: int = 0
    exchange_id: str = ""
    exchange: Exchange | None = None
    steps: Sequence[TimelineEntry] = ()
    expected: str = ""

    @property
    def outcome(self) -> str:
        """How it ended; `unknown` while nobody knows."""
        if self.exchange is None:
            return "unknown"
        if self.exchange.parked_from is not None:
            return "parked"
        return self.exchange.outcome.value if self.exchange.outcome else "unknown"

    @property
    def codes(self) -> list[str]:
        """The recipient's codes, or our own rules that it failed."""
        codes = [code for step in self.steps for code in step.facts.get("codes", ())]
        findings = self.exchange.findings if self.exchange else ()
        failed = [one.rule for one in findings if one.severity is Severity.ERROR]
        return list(dict.fromkeys(codes or failed))

    def as_json(self) -> dict[str, Any]:
        """Return what the contract promises of a document."""
        return {
            "file": f"{self.document.corridor}/{self.document.name}.xml",
            "corridor": self.document.corridor,
            "exchange": self.exchange_id,
            "expected": self.expected,
            "outcome": self.outcome,
            "number": self.exchange.number if self.exchange else "",
            "codes": self.codes,
            "steps": [{"at": one.at.isoformat(), "event": one.event} for one in self.steps],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The whole demo, ended."""

    journeys: Sequence[Journey]
    account: SandboxAccount
    corridors: bool
    pack: str
    seconds: float

    @property
    def outcomes(self) -> Counter[str]:
        """How many ended how."""
        return Counter(one.outcome for one in self.journeys)

    @property
    def good(self) -> bool:
        """Whether every document reached the outcome that was expected of it."""
        answer = self.as_json()
        whole = not any(answer[name] for name in ("unknown", "lost", "registered_twice"))
        return whole and all(one.outcome == one.expected for one in self.journeys)

    def as_json(self) -> dict[str, Any]:
        """Return what the contract promises of `demo --json`."""
        settled = [one.document.local_uid for one in self.journeys if one.status == 202]
        ran = "ran" if any(one.exchange for one in self.journeys) else "not reached"
        names = ("registered", "rejected", "refused", "cancelled", "parked")
        return {
            "documents": [one.as_json() for one in self.journeys],
            "outcomes": {name: self.outcomes[name] for name in names},
            "unknown": self.outcomes["unknown"],
            "lost": len(self.account.lost(settled)) if self.corridors else 0,
            "registered_twice": len(self.account.registered_twice),
            "resent": sum(one.exchange.attempt for one in self.journeys if one.exchange),
            "inquiries": self.account.searches,
            "tiers": {"structure": ran, "rules": ran, "pack": self.pack},
            "seconds": round(self.seconds, 1),
        }


@click.command("demo")
@click.option("--documents", type=click.IntRange(min=1), help="How many; by default one of each.")
@click.option("--faults", default="", metavar="NAME", help="How the state systems misbehave.")
@json_option
def command(documents: int | None, faults: str, *, as_json: bool) -> None:
    """Start gateway and sandbox here, send the bundled documents, tell each journey.

    Nothing has to run beforehand and nothing stays behind. The exit code is 0 only when every
    document reached the outcome that was expected of it.

    Example: mse-gateway demo --faults seed-2023 --documents 200
    """
    try:
        told = asyncio.run(_play(documents, faults, quiet=as_json))
    except SettingError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except GatewayError as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)
    if as_json:
        print_json(told.as_json())
    else:
        click.echo("\n".join(_tell(told)))
    sys.exit(Exit.DONE if told.good else Exit.GATEWAY_AT_FAULT)


async def _play(documents: int | None, faults: str, *, quiet: bool) -> Told:
    packs = load(environ=None).settings.packs
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mse-gateway-demo-") as name, _log(name) as stream:
        doors = Doors(log=open_log(stream))
        wishes = Wishes(folder=Path(name), faults=faults, scale=SCALE, packs=packs, doors=doors)
        async with open_trial(wishes) as trial:
            return await _run(trial, documents, began, quiet=quiet)


@contextmanager
def _log(folder: str) -> Iterator[TextIO]:
    """The gateway's log lines go beside its store, not between the demo's own."""
    with (Path(folder) / "gateway.log").open("w", encoding="utf-8") as stream:
        yield stream


async def _run(trial: Trial, documents: int | None, began: float, *, quiet: bool) -> Told:
    now, ids = SystemClock().now(), SystemIds()
    count = documents or len(trial.maker.examples)
    corridors = bool(trial.gateway.endpoints)
    made = [trial.make(number, now=now, ids=ids) for number in range(1, count + 1)]
    journeys = [Journey(document=one) for one in made] if corridors else []
    with _progress(len(journeys), quiet=quiet) as advance:
        await _send(trial, journeys)
        await _follow(trial, journeys, advance)
    account = await trial.account()
    for journey in journeys:
        known = account.documents.get(journey.document.local_uid)
        journey.expected = known.expected if known else journey.document.expected
    return Told(
        journeys=journeys,
        account=account,
        corridors=corridors,
        pack="ran" if trial.gateway.packs else "not installed",
        seconds=time.monotonic() - began,
    )


@contextmanager
def _progress(length: int, *, quiet: bool) -> Iterator[Any]:
    """A bar on a terminal, nothing when piped."""
    if quiet or not sys.stderr.isatty():
        yield lambda _steps: None
        return
    with click.progressbar(length=length, label="documents", file=sys.stderr) as bar:
        yield bar.update


async def _send(trial: Trial, journeys: Sequence[Journey]) -> None:
    free = asyncio.Semaphore(AT_ONCE)

    async def send(journey: Journey) -> None:
        async with free:
            journey.status, journey.exchange_id = await trial.hand_over(journey.document)

    async with asyncio.TaskGroup() as group:
        for journey in journeys:
            group.create_task(send(journey))


async def _follow(trial: Trial, journeys: Sequence[Journey], advance: Any) -> None:
    """Look until every document has its outcome, or patience ends."""
    end = time.monotonic() + PATIENCE
    open_ones = [one for one in journeys if one.exchange_id]
    while open_ones and time.monotonic() < end:
        before = len(open_ones)
        for journey in open_ones:
            journey.exchange = await trial.gateway.ledger.get(journey.exchange_id)
        open_ones = [one for one in open_ones if one.exchange is None or one.exchange.duty]
        advance(before - len(open_ones))
        await asyncio.sleep(0.2)
    for journey in journeys:
        journey.steps = await trial.gateway.ledger.timeline(journey.exchange_id)


def _tell(told: Told) -> Iterator[str]:
    if not told.corridors:
        yield "There is no corridor in this house: no endpoint is installed."
        return
    many = len(told.journeys) > _IN_FULL
    for journey in told.journeys:
        yield from _tell_briefly(journey) if many else _tell_in_full(journey)
    yield ""
    yield from _table(told)


_IN_FULL = 20


def _tell_in_full(journey: Journey) -> Iterator[str]:
    size = f"{len(journey.document.content) / 1024:.0f} kB"
    yield ""
    yield f"{journey.document.name} ({size}) → exchange {journey.exchange_id}"
    rows = []
    for step in journey.steps:
        wires = ", ".join(
            f"{'→' if one.direction == 'out' else '←'} {one.name}" for one in step.wire
        )
        rows.append([f"  {step.at.astimezone():%H:%M:%S.%f}"[:-3], step.event, step.state, wires])
    yield from align(rows)
    yield f"  {_verdict(journey)}"


def _tell_briefly(journey: Journey) -> Iterator[str]:
    if journey.outcome != journey.expected or journey.outcome != "registered":
        yield f"{journey.document.name}: {_verdict(journey)}"


def _verdict(journey: Journey) -> str:
    number = journey.exchange.number if journey.exchange else ""
    told = " ".join(filter(None, (paint(journey.outcome), number, ", ".join(journey.codes))))
    if journey.outcome != journey.expected:
        return f"{told} — expected {journey.expected}"
    return told


def _table(told: Told) -> Iterator[str]:
    answer: Mapping[str, Any] = told.as_json()
    rows = [[paint(name), str(count)] for name, count in answer["outcomes"].items() if count]
    rows += [
        [name.replace("_", " "), str(answer[name])]
        for name in ("unknown", "lost", "registered_twice", "resent", "inquiries")
    ]
    yield from align(rows, right=frozenset({1}))
    tiers = ", ".join(f"{name} {standing}" for name, standing in answer["tiers"].items())
    yield f"checks: {tiers}"
    yield f"{len(told.journeys)} documents in {told.seconds:.1f} s"
