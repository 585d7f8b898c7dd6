"""Where a command reads: a running gateway, or the store of one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

import click

from gateway.commands.terminal.remote import Parameters, open_remote
from gateway.commands.terminal.tables import complain
from gateway.commands.terminal.words import DEFAULT_URL, Complaint

T = TypeVar("T")


class Source(Protocol):
    """What a running gateway and a shelf have alike."""

    async def exchange(self, exchange_id: str) -> dict[str, Any]:
        """Return one exchange."""
        ...

    async def timeline(self, exchange_id: str) -> dict[str, Any]:
        """Return its timeline."""
        ...

    async def search(self, parameters: Parameters, *, most: int) -> list[dict[str, Any]]:
        """Return exchanges, newest first."""
        ...

    async def report(self, parameters: Parameters) -> dict[str, Any]:
        """Return the outcome table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What `--to`, `--token-file`, `--config` and `--lang` say."""

    url: str | None
    token_file: Path | None
    config: Path | None
    lang: str

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Source]:
        """Open what is meant: `--config` the store, else a gateway, on loopback by default."""
        if self.config is not None:
            from gateway.commands.terminal.shelf import open_shelf  # noqa: PLC0415 - a heavy door

            async with open_shelf(self.config, self.lang) as shelf:
                yield shelf
        else:
            url = self.url or DEFAULT_URL
            async with open_remote(url, self.token_file, self.lang) as remote:
                yield remote

    def ask(self, question: Callable[[Source], Awaitable[T]]) -> T:
        """Return the answer; end the program with a sentence and its exit code when there is none.

        Raises UsageError where a gateway and a store are named both.
        """
        if self.config is not None and (self.url or self.token_file):
            raise click.UsageError("--config reads the store, --to a gateway: choose one")
        try:
            return asyncio.run(self._ask(question))
        except Complaint as complaint:
            end(complaint)

    async def _ask(self, question: Callable[[Source], Awaitable[T]]) -> T:
        async with self.open() as source:
            return await question(source)


def end(complaint: Complaint) -> NoReturn:
    """End the program with a sentence on stderr."""
    complain(str(complaint))
    sys.exit(complaint.exit)


def split_to(values: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the address and the moment that `--to` was given: it is used for both.

    Raises UsageError when either is given twice.
    """
    urls = [one for one in values if "://" in one]
    moments = [one for one in values if "://" not in one]
    if len(urls) > 1 or len(moments) > 1:
        raise click.UsageError("--to takes one address (http://…) and one moment")
    return next(iter(urls), None), next(iter(moments), None)
