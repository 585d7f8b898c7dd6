"""Asks the authority's own pack about a document, in processes that may hang or die."""

from __future__ import annotations

import asyncio
import json
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.errors import HouseError
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.validation.pack_folders import Pack
from gateway.validation.schematron import Check, transpile

RAN: Final = "ran"
NOT_INSTALLED: Final = "not installed"
"""No pack is for documents of this templateId."""
NOT_REACHED: Final = "not reached"
"""The document fails the XSD or has the wrong namespace: the Schematron would mean nothing."""
GAVE_UP: Final = "gave up"
"""The time limit passed or the worker died: nobody knows what the pack would have said."""

_LENGTH: Final = struct.Struct(">I")
_HOME: Final = Path(__file__).parents[2]
_START: Final = 120.0
"""Seconds that a process may take to compile its packs, on a busy machine too."""
_WORKER: Final = ("-m", "gateway.validation.pack_worker")


@dataclass(frozen=True, slots=True)
class PackReport:
    """What the pack said; `ran` is one of the four words above, `checks` how many it holds."""

    findings: tuple[Finding, ...]
    ran: str
    pack: str = ""
    checks: int = 0


class WorkerLost(Exception):  # noqa: N818 - what happened, not a fault of the code
    """The worker closed its end in the middle of a document."""


@dataclass(slots=True)
class Worker:
    """One process with the packs compiled in it; started when it is first needed."""

    packs: tuple[Pack, ...]
    command: tuple[str, ...]
    process: asyncio.subprocess.Process | None = field(default=None)

    async def start(self) -> None:
        """Start the process and have it compile; raises `HouseError` when a pack is unusable."""
        if self.process is not None and self.process.returncode is None:
            return
        # The folder above the package, so that it is found however the gateway was started.
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # What a library complains of may quote the document, and this is no place for that.
            stderr=asyncio.subprocess.DEVNULL,
            cwd=_HOME,
            start_new_session=True,  # Ctrl-C is for the gateway, which then closes us
        )
        files = [[str(p.schematron), str(p.schema) if p.schema else None] for p in self.packs]
        async with asyncio.timeout(_START):
            answer = await self._ask(json.dumps(files).encode())
        if answer:
            raise HouseError(str(answer["error"]), where="packs")

    async def judge(self, pack: int, document: bytes) -> dict[str, object]:
        """Return the judgement on a document; raises `WorkerLost`."""
        return await self._ask(bytes([pack]) + document)

    async def _ask(self, frame: bytes) -> dict[str, object]:
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            raise WorkerLost
        try:
            process.stdin.write(_LENGTH.pack(len(frame)) + frame)
            await process.stdin.drain()
            (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
            answer: dict[str, object] = json.loads(await process.stdout.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerLost from error
        return answer

    async def stop(self) -> None:
        """Kill the process, whatever it is doing, and wait until it is gone."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


class PackRunner:
    """Shows documents to the packs that are for them, several at a time.

    `workers` processes, each with every pack compiled (about 0.6 s and 250 MB); `limit` seconds
    a document. A worker that hangs is killed; one that died is started anew, and its document
    is shown once more.
    """

    def __init__(
        self,
        packs: tuple[Pack, ...],
        *,
        workers: int = 1,
        limit: float = 30.0,
        command: tuple[str, ...] = (sys.executable, *_WORKER),
    ) -> None:
        self.packs = packs
        self._limit = limit
        self._workers = [Worker(packs, command) for _ in range(workers if packs else 0)]
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._number = {oid: n for n, pack in enumerate(packs) for oid in pack.templates}
        self._checks: list[dict[int, Check]] = []
        self._is_open = False

    async def start(self) -> None:
        """Compile the packs in every worker; raises `HouseError` when one is unusable."""
        self._checks = [
            transpile(pack.schematron.read_bytes(), default_namespace="urn:hl7-org:v3").checks
            for pack in self.packs
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self._workers:
                    group.create_task(worker.start())
        except ExceptionGroup as errors:
            await self.close()
            raise _first(errors) from errors
        for worker in self._workers:
            self._free.put_nowait(worker)
        self._is_open = True

    async def close(self) -> None:
        """Kill the workers; documents that they hold are given up."""
        self._is_open = False
        for worker in self._workers:
            await worker.stop()

    async def check(self, document: bytes, template_id: str) -> PackReport:
        """Return what the pack for documents of `template_id` says about this one.

        Raises `HouseError` before `start` and after `close`.
        """
        number = self._number.get(template_id)
        if number is None:
            return PackReport((), NOT_INSTALLED)
        if not self._is_open:
            raise HouseError("the packs are not running", where="packs")
        worker = await self._free.get()
        try:
            answer = await self._judge(worker, number, document)
        finally:
            self._free.put_nowait(worker)
        return self._report(number, answer)

    async def _judge(
        self, worker: Worker, number: int, document: bytes
    ) -> dict[str, object] | None:
        for _ in range(2):
            if not self._is_open:
                return None
            try:
                await worker.start()
                async with asyncio.timeout(self._limit):
                    return await worker.judge(number, document)
            except WorkerLost:
                await worker.stop()
            except BaseException as error:
                # Its answer would be taken for the next document's.
                await worker.stop()
                if isinstance(error, TimeoutError):
                    return None
                raise
        return None

    def _report(self, number: int, answer: dict[str, object] | None) -> PackReport:
        pack, checks = self.packs[number], self._checks[number]
        if answer is None:
            return PackReport((_unchecked(pack, self._limit),), GAVE_UP, pack.name, len(checks))
        findings = tuple(_findings(pack.name, checks, answer))
        ran = RAN if answer["reached"] else NOT_REACHED
        return PackReport(findings, ran, pack.name, len(checks))


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    error = errors.exceptions[0]
    if isinstance(error, WorkerLost):
        return HouseError("a pack's worker ended while it started", where="packs")
    return error


def _findings(pack: str, checks: dict[int, Check], answer: dict[str, object]) -> Iterator[Finding]:
    faults = answer["faults"]
    for fault in faults if isinstance(faults, list) else ():
        check = checks.get(fault["check"])
        where, line = str(fault["where"]), int(fault["line"])
        if check is None:
            yield _structural(pack, fault["kind"], fault["text"], where, line)
        else:
            yield Finding(
                rule=f"{pack}/{check.number}",
                code="invariant",
                severity=check.severity,
                where=where,
                texts={"ru": check.text},
                mender=Mender.VENDOR,
                tier=Tier.PACK,
                line=line,
                official=check.official,
            )


def _structural(pack: str, kind: str, text: str, where: str, line: int) -> Finding:
    return Finding(
        rule=f"{pack}/xsd/{kind}",
        code="structure",
        severity=Severity.ERROR,
        where=where,
        texts={"ru": f"Документ не отвечает схеме (XSD): {text}", "en": text},
        mender=Mender.VENDOR,
        tier=Tier.PACK,
        line=line,
    )


def _unchecked(pack: Pack, limit: float) -> Finding:
    return Finding(
        rule=f"{pack.name}/unchecked",
        code="timeout",
        severity=Severity.INFORMATION,
        where="",
        texts={
            "ru": f"Проверка пакетом {pack.name} не завершена: процесс остановлен "
            f"(предел {limit:g} с на документ) или завершился сам.",
            "en": f"Pack {pack.name} gave no answer: its process was stopped "
            f"(limit {limit:g} s a document) or ended by itself.",
        },
        mender=Mender.OPERATOR,
        tier=Tier.PACK,
    )
