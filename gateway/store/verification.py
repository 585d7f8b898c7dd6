"""Check every chain, body and checkpoint of a store on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from gateway.errors import GatewayError
from gateway.exchange.journal import GATEWAY_CHAIN, START, Entry
from gateway.ports import JournalReport
from gateway.store import bodies, facts, proof, queries
from gateway.store.bodies import Bodies
from gateway.store.codec import moment


class Verification:
    """One reading of a whole journal; names the first thing that does not hold."""

    def __init__(
        self, connection: sqlite3.Connection, packer: Bodies, check: proof.Check | None
    ) -> None:
        self._connection = connection
        self._bodies = packer
        self._check = check
        self._chains = self._entries = self._unopened = 0

    def report(self) -> JournalReport:
        """Return what was found."""
        found = self._broken_chain()
        sealed = proof.Inspection(self._hash_at, self._check).read(self._read_checkpoints())
        return JournalReport(
            chains=self._chains,
            entries=self._entries,
            checkpoints=sealed.checkpoints,
            unsigned=sealed.unsigned,
            unopened=self._unopened,
            broken=found.entry if found else None,
            reason=found.reason if found else sealed.reason,
        )

    def _broken_chain(self) -> proof.Break | None:
        for (name,) in self._connection.execute(queries.CHAINS).fetchall():
            chain = self._chain(name)
            self._chains += 1
            self._entries += len(chain.entries)
            found = proof.inspect_chain(chain)
            if found is not None:
                return found
        return None

    def _chain(self, name: str) -> proof.Chain:
        row = self._connection.execute(queries.REVISION, (name,)).fetchone()
        entries = list(self._read_entries(name))
        if row is None:
            return proof.Chain(entries=entries, orphaned=name != GATEWAY_CHAIN)
        return proof.Chain(
            entries=entries,
            revision=row[0],
            state=row[1],
            payloads=self._payloads(name),
            wires=self._wires(name),
        )

    def _read_entries(self, chain: str) -> Iterator[Entry]:
        previous = START
        for sequence, at, event, told, digest in self._connection.execute(queries.CHAIN, (chain,)):
            yield Entry(
                chain=chain,
                sequence=sequence,
                at=moment(at),
                event=event,
                facts=_facts(told),
                previous=previous,
                hash=digest,
            )
            previous = digest

    def _payloads(self, exchange_id: str) -> dict[str, str]:
        rows = self._connection.execute(queries.PAYLOADS, (exchange_id,))
        return {
            name: self._digest(body, digest, bodies.payload_place(exchange_id, name))
            for name, digest, body in rows
        }

    def _wires(self, exchange_id: str) -> dict[int, list[str]]:
        wires: dict[int, list[str]] = {}
        for row in self._connection.execute(queries.WIRES, (exchange_id,)):
            place = bodies.wire_place(exchange_id, row[0], row[1])
            wires.setdefault(row[0], []).append(self._digest(row[-1], row[-2], place))
        return wires

    def _digest(self, body: bytes, known: str, place: str) -> str:
        """Return the hash of what lies there, or the one it is said to have where no key is."""
        if not self._bodies.can_open(body):
            self._unopened += 1
            return known
        try:
            return facts.sha256(self._bodies.unpack(body, about=place))
        except GatewayError:
            return "unreadable"

    def _read_checkpoints(self) -> Iterator[proof.Checkpoint]:
        rows = self._connection.execute(queries.CHECKPOINTS).fetchall()
        for expected, (number, at, root, digest, signature) in enumerate(rows, start=1):
            heads = self._connection.execute(queries.CHECKPOINT_HEADS, (number,))
            yield proof.Checkpoint(
                number=expected,
                at=moment(at),
                heads=tuple(proof.Head(chain=c, sequence=s, hash=h) for c, s, h in heads),
                root=root,
                previous="",
                hash=digest,
                signature=signature,
            )

    def _hash_at(self, head: proof.Head) -> str | None:
        row = self._connection.execute(queries.HASH_AT, (head.chain, head.sequence)).fetchone()
        return row[0] if row else None


def _facts(told: str) -> dict[str, Any]:
    """Return the facts of an entry; what was edited into no JSON hashes to something else."""
    try:
        read = orjson.loads(told)
    except orjson.JSONDecodeError:
        return {"unreadable": told}
    return read if isinstance(read, dict) else {"unreadable": told}


def next_checkpoint(
    connection: sqlite3.Connection, *, now: datetime, sign: proof.Sign | None
) -> proof.Checkpoint | None:
    """Return the checkpoint that is owed; None when no chain has grown."""
    grown = connection.execute(queries.GROWN).fetchall()
    if not grown:
        return None
    number, previous = connection.execute(queries.LAST_CHECKPOINT).fetchone() or (0, START)
    heads = [proof.Head(chain=c, sequence=s, hash=h) for c, s, h in grown]
    return proof.seal(number=number + 1, at=now, heads=heads, previous=previous, sign=sign)
