"""The one transaction of a batch of writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.errors import GatewayError, HouseError
from gateway.exchange.record import Exchange
from gateway.store.batch import Batch
from gateway.store.bodies import Bodies
from gateway.store.connection import failure
from gateway.store.view import look
from gateway.store.writes import Write

Failpoint = Callable[[str], None]
"""Called with `before-commit` and `after-commit`; where crash tests kill the process."""

Result = Exchange | None | Exception

_OF_THE_ROW = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)
"""What one row can be at fault for; all else the file is."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of each write of a batch, in its order; an exception is its caller's."""

    results: Sequence[Result]
    rings: bool


class Writer:
    """Owns the writing connection; used from one thread at a time."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        bodies: Bodies,
        webhooks: frozenset[str],
        failpoint: Failpoint,
    ) -> None:
        self._connection = connection
        self._bodies = bodies
        self._webhooks = webhooks
        self._failpoint = failpoint
        self.commits = 0

    def commit(self, writes: Sequence[Write]) -> Committed:
        """Write a batch in one transaction; never raises.

        Where the file fails, nothing of the batch is written and every caller is told. Where a
        single write cannot be written at all, the batch is written one by one, so that it
        harms nobody else.
        """
        try:
            return self._commit_together(writes)
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            self._roll_back()
            if isinstance(error, sqlite3.Error) and not isinstance(error, _OF_THE_ROW):
                return self._tell_all(writes, failure(error, "written"))
            if len(writes) == 1:
                return self._tell_all(writes, _unwritable(error))
            alone = [self.commit([one]) for one in writes]
            return Committed([one.results[0] for one in alone], any(one.rings for one in alone))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _commit_together(self, writes: Sequence[Write]) -> Committed:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        batch = Batch(look(connection, writes), self._bodies, self._webhooks)
        results = [_judge(batch, one) for one in writes]
        batch.rows.write(connection)
        self._failpoint("before-commit")
        connection.execute("COMMIT")
        self.commits += 1
        self._failpoint("after-commit")
        return Committed(results, batch.rings)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # SQLite has rolled back by itself (https://sqlite.org/lang_transaction.html);
            # where it has not, the next BEGIN fails and is told to its callers.
            return

    @staticmethod
    def _tell_all(writes: Sequence[Write], error: GatewayError) -> Committed:
        return Committed([error] * len(writes), rings=False)


def _judge(batch: Batch, write: Write) -> Result:
    try:
        return batch.judge(write)
    except GatewayError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one bad write must not take the others along
        return _unwritable(error)


def _unwritable(error: Exception) -> HouseError:
    """Name the failure without its text, which may hold what was to be written."""
    if isinstance(error, HouseError):
        return error
    told = HouseError(f"a write has no form in the store: {type(error).__name__}", where="store")
    told.__cause__ = error
    return told
