"""The ledger on disk: one SQLite file, one owner, one writer, readers beside it.

It is longer than other rooms because the protocol it keeps is one thing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.errors import HouseError
from gateway.exchange.decision import Decision
from gateway.exchange.record import Exchange, Identity
from gateway.ports import (
    Birth,
    Idempotency,
    InboxEntry,
    JournalReport,
    Query,
    ReportRow,
    Sealer,
    Standing,
    StoredCallback,
    Stray,
    TimelineEntry,
)
from gateway.store import outcomes, proof, queries, questions, schema
from gateway.store.bodies import Bodies
from gateway.store.codec import micros, to_json
from gateway.store.committer import Committer
from gateway.store.connection import failure, open_owned, open_readable
from gateway.store.lock import Lock
from gateway.store.reader import Reader
from gateway.store.verification import Verification, next_checkpoint
from gateway.store.writer import Failpoint, Writer
from gateway.store.writes import Create, Keep, KeepStray, Note, Remember, Save, Seal, Settle, Write


def _pass_by(_point: str) -> None:
    """Go on: only crash tests stop at a failpoint."""


class SqliteLedger:
    """A `Ledger` in one file."""

    def __init__(
        self,
        path: Path,
        *,
        webhooks: frozenset[str] = frozenset(),
        sealer: Sealer | None = None,
        sign: proof.Sign | None = None,
        check: proof.Check | None = None,
        read_only: bool = False,
        failpoint: Failpoint = _pass_by,
        committed: Callable[[int, float], None] | None = None,
    ) -> None:
        """`webhooks` name the senders that are owed a webhook with each inbox entry.

        `sealer` keeps bodies unreadable on disk, `sign` signs checkpoints and `check` proves
        it. `committed` hears how many writes each commit held, and its seconds. `read_only`
        takes no lock and may be opened beside the owner of the file.
        """
        self.path = path
        self._webhooks = webhooks
        self._bodies = Bodies(sealer)
        self._sign = sign
        self._check = check
        self._read_only = read_only
        self._failpoint = failpoint
        self._committed = committed or (lambda _rows, _seconds: None)
        self._lock = Lock(path)
        self._writer: Writer | None = None
        self._committer: Committer | None = None
        self._reader: Reader | None = None
        self._hand: set[str] = set()
        self._bell = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._sealing = asyncio.Lock()

    @property
    def commits(self) -> int:
        """How many transactions were committed since `open`."""
        return self._writer.commits if self._writer else 0

    async def open(self) -> None:
        """Take the store for this process and bring it to the newest migration.

        Raises HouseError when another process owns it, or its schema is newer.
        """
        if self._read_only:
            await asyncio.to_thread(self._look_at_schema)
        else:
            self._writer = await asyncio.to_thread(self._take)
            self._committer = Committer(self._writer, ring=self._bell.set, heard=self._committed)
            self._committer.start()
        self._hand.clear()
        self._reader = Reader(self.path)

    async def close(self) -> None:
        """Finish what is queued and let the store go; twice is once."""
        if self._committer is not None:
            await self._committer.close()
        if self._reader is not None:
            await self._reader.close()
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close)
        self._lock.let_go()
        self._committer = self._reader = self._writer = None

    def _take(self) -> Writer:
        self._lock.take()
        try:
            connection = open_owned(self.path)
            schema.migrate(connection, schema.steps())
        except sqlite3.Error as error:
            self._lock.let_go()
            raise failure(error, "opened") from error
        except BaseException:
            self._lock.let_go()
            raise
        return Writer(
            connection,
            bodies=self._bodies,
            webhooks=self._webhooks,
            failpoint=self._failpoint,
        )

    def _look_at_schema(self) -> None:
        connection = open_readable(self.path)
        try:
            schema.require(connection, schema.steps())
        except sqlite3.Error as error:
            raise failure(error, "opened") from error
        finally:
            connection.close()

    @property
    def _read(self) -> Reader:
        if self._reader is None:
            raise HouseError("the store is not open", where="store")
        return self._reader

    async def _write(self, write: Write) -> Exchange | None:
        if self._committer is None:
            state = "opened for reading" if self._read_only else "not open"
            raise HouseError(f"the store is {state}", where="store")
        return await self._committer.write(write)

    # --- writing ------------------------------------------------------------------------------

    async def create(self, birth: Birth) -> Exchange:
        """Write a new exchange; see `Ledger.create`."""
        return _there(await self._write(Create(birth)))

    async def save(self, decision: Decision, *, callback: StoredCallback | None = None) -> Exchange:
        """Write a decision; see `Ledger.save`."""
        return _there(await self._write(Save(decision, callback)))

    async def keep_callback(self, callback: StoredCallback) -> None:
        """Keep a verified callback that matches no exchange. Raises Replayed."""
        await self._write(Keep(callback))

    async def keep_stray(self, stray: Stray) -> None:
        """Keep what is allowed of a call that could not be verified."""
        await self._write(KeepStray(stray))

    async def note(self, *, at: datetime, event: str, facts: Mapping[str, Any]) -> None:
        """Write an entry into the journal of what belongs to no exchange."""
        await self._write(Note(at, event, to_json(dict(facts))))

    async def settle_webhook(self, entry_id: int, *, due: datetime | None) -> None:
        """Set when the webhook is tried again; every call counts as a try."""
        await self._write(Settle(entry_id, due))

    # --- claiming -----------------------------------------------------------------------------

    async def claim(self, *, now: datetime, limit: int) -> Sequence[Exchange]:
        """Return due exchanges; see `Ledger.claim` and `fairness.choose`.

        What is released while the claim reads is left to the next one: it was read before it
        was written.
        """
        if self._read_only:
            raise HouseError("the store is opened for reading", where="store")
        async with self._claiming:
            hand = frozenset(self._hand)
            chosen = await self._read.ask(
                lambda store: questions.due(store, now=now, hand=hand, limit=limit)
            )
            self._hand.update(one.id for one in chosen)
            return chosen

    async def release(self, exchange_id: str) -> None:
        """Let others claim it again."""
        self._hand.discard(exchange_id)
        self._bell.set()

    async def wait_for_due(self, *, now: datetime) -> datetime | None:
        """Return when the next unclaimed exchange falls due, `now` when one is due already."""
        hand = frozenset(self._hand)
        when = await self._read.ask(lambda store: questions.next_due(store, hand))
        return max(now, when) if when else None

    async def wait_for_bell(self) -> None:
        """Return when something was written or released since the last return."""
        await self._bell.wait()
        self._bell.clear()

    # --- reading ------------------------------------------------------------------------------

    async def get(self, exchange_id: str) -> Exchange | None:
        """Return one exchange."""
        return await self._one(queries.BY_ID, exchange_id)

    async def find_document(self, local_uid: str) -> Sequence[Exchange]:
        """Return all exchanges of a document id, newest first; the id in any case."""
        return await self._many(queries.BY_DOCUMENT, local_uid)

    async def find_twins(self, identity: Identity) -> Sequence[Exchange]:
        """Return open or registered exchanges that would make this one a «дубль»."""
        return await self._read.ask(lambda store: questions.twins(store, identity))

    async def find_set(self, organization: str, set_id: str) -> Sequence[Exchange]:
        """Return all exchanges of a document set, newest first."""
        return await self._many(queries.BY_SET, organization, set_id)

    async def find_held(self, exchange_id: str) -> Sequence[Exchange]:
        """Return the exchanges that this one holds, newest first."""
        return await self._many(queries.BY_HOLDER, exchange_id)

    async def find_freed(self) -> Sequence[Exchange]:
        """Return the exchanges still held though their holder has an outcome, newest first."""
        return await self._many(queries.FREED)

    async def find_attempt(self, message_id: str) -> Exchange | None:
        """Return the exchange that made an attempt, by its normalised MessageID."""
        return await self._one(queries.BY_ATTEMPT, message_id)

    async def find_number(self, endpoint: str, number: str) -> Exchange | None:
        """Return the exchange that was registered under a number."""
        return await self._one(queries.BY_NUMBER, endpoint, number)

    async def _one(self, sql: str, *values: str) -> Exchange | None:
        return await self._read.ask(lambda store: questions.one(store, sql, values))

    async def _many(self, sql: str, *values: str) -> Sequence[Exchange]:
        return await self._read.ask(lambda store: questions.many(store, sql, values))

    async def payload(self, exchange_id: str, name: str) -> bytes | None:
        """Return the bytes kept under a name. Raises HouseError when they were changed."""
        return await self._read.ask(
            lambda store: questions.payload(store, self._bodies, exchange_id, name)
        )

    async def payload_names(self, exchange_id: str) -> Sequence[str]:
        """Return the names under which bytes are kept, sorted."""
        return await self._read.ask(lambda store: questions.payload_names(store, exchange_id))

    async def timeline(self, exchange_id: str) -> Sequence[TimelineEntry]:
        """Return every event and message of an exchange, oldest first."""
        return await self._read.ask(
            lambda store: questions.timeline(store, self._bodies, exchange_id)
        )

    async def search(self, query: Query) -> Sequence[Exchange]:
        """Return a page of exchanges, newest first."""
        return await self._read.ask(lambda store: questions.page(store, query))

    async def inbox(self, sender: str, *, after: int, limit: int) -> Sequence[InboxEntry]:
        """Return entries of a sender's inbox, oldest first."""
        return await self._entries(queries.INBOX, sender, after, limit)

    async def due_webhooks(self, *, now: datetime, limit: int) -> Sequence[InboxEntry]:
        """Return entries whose webhook is due, oldest first."""
        return await self._entries(queries.DUE_WEBHOOKS, micros(now), limit)

    async def owed_webhooks(self, exchange_id: str) -> Sequence[InboxEntry]:
        """Return the entries of one exchange whose webhook is still owed, oldest first."""
        return await self._entries(queries.OWED_WEBHOOKS, exchange_id)

    async def _entries(self, sql: str, *values: str | int) -> Sequence[InboxEntry]:
        return await self._read.ask(lambda store: questions.entries(store, sql, values))

    async def remember(self, used: Idempotency) -> None:
        """Keep what an Idempotency-Key was used for. Raises Overtaken when it was used already."""
        await self._write(Remember(used))

    async def recall(self, sender: str, key: str) -> Idempotency | None:
        """Return what an Idempotency-Key was used for."""
        return await self._read.ask(
            lambda store: questions.recall(store, self._bodies, sender, key)
        )

    async def standing(self) -> Standing:
        """Return how many exchanges are not closed, by endpoint and state."""
        return await self._read.ask(questions.standing)

    async def report(
        self, query: Query, *, by: Sequence[str], now: datetime
    ) -> Sequence[ReportRow]:
        """Return the outcome table; children are no documents and do not count."""
        outcomes.check_dimensions(by)
        return await self._read.ask(lambda store: questions.report(store, query, by=by, now=now))

    # --- proving ------------------------------------------------------------------------------

    async def checkpoint(self, *, now: datetime) -> None:
        """Seal the heads of all chains that grew since the last checkpoint; none if none did."""
        async with self._sealing:
            sealed = await self._read.ask(
                lambda store: next_checkpoint(store, now=now, sign=self._sign)
            )
            if sealed is not None:
                await self._write(Seal(sealed))

    async def verify_journal(self) -> JournalReport:
        """Check every chain and checkpoint."""
        return await self._read.ask(
            lambda store: Verification(store, self._bodies, self._check).report()
        )


def _there(exchange: Exchange | None) -> Exchange:
    assert exchange is not None, "a birth and a save answer with the exchange"
    return exchange
