"""Whether the journal is what was written: chains, what they vouch for, and checkpoints.

A chain shows a changed entry and a gap. What lies beside it (revision, state, payloads, wire
messages) shows a tail that was cut; checkpoints show it too, and a chain that is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.exchange.journal import START, Entry, first_break, merkle_root

Sign = Callable[[bytes], bytes]
"""Signs the bytes of a checkpoint's hash."""

Check = Callable[[bytes, bytes], bool]
"""Tells whether a signature (second) is ours over the bytes (first)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest entry of a chain at the time of a checkpoint."""

    chain: str
    sequence: int
    hash: str

    @property
    def leaf(self) -> str:
        """The hash that stands for it in the Merkle tree, in hex."""
        return _digest([self.chain, self.sequence, self.hash])


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The heads that grew since the checkpoint before, under one root."""

    number: int
    at: datetime
    heads: tuple[Head, ...]
    root: str
    previous: str
    hash: str
    signature: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One chain with all that it vouches for."""

    entries: Sequence[Entry]
    revision: int | None = None
    """Of the exchange; None for the chain of what belongs to no exchange."""
    orphaned: bool = False
    """Its exchange is gone."""
    state: str = ""
    payloads: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of what is kept, by name."""
    wires: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """SHA-256 of the messages, by the sequence of the event they travelled with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where the journal is not what was written, and how that shows."""

    entry: Entry | None
    reason: str


def seal(
    *, number: int, at: datetime, heads: Iterable[Head], previous: str, sign: Sign | None
) -> Checkpoint:
    """Return the checkpoint that follows `previous` (the hash of the one before)."""
    ordered = tuple(sorted(heads, key=lambda head: head.chain))
    root = merkle_root([head.leaf for head in ordered])
    digest = _digest([number, at.astimezone(UTC).isoformat(), root, previous])
    return Checkpoint(
        number=number,
        at=at,
        heads=ordered,
        root=root,
        previous=previous,
        hash=digest,
        signature=sign(bytes.fromhex(digest)) if sign else b"",
    )


def inspect_chain(chain: Chain) -> Break | None:
    """Return the first thing in a chain that is not as it was written."""
    broken = first_break(chain.entries)
    if broken is not None:
        return Break(entry=broken, reason="changed, or an entry before it was removed")
    if chain.orphaned:
        return Break(entry=chain.entries[-1], reason="its exchange is gone")
    if chain.revision is None:
        return None
    return _cut_tail(chain) or _changed_payload(chain) or _changed_wire(chain)


@dataclass(slots=True)
class Inspection:
    """What was found of the checkpoints, in their order."""

    hash_at: Callable[[Head], str | None]
    """Reads the journal as it is now."""
    check: Check | None
    checkpoints: int = 0
    unsigned: int = 0
    reason: str = ""
    """Why the first one does not hold that does not."""

    def read(self, checkpoints: Iterable[Checkpoint]) -> Inspection:
        """Look at all, up to the first that does not hold."""
        previous = START
        for one in checkpoints:
            self.checkpoints += 1
            self.reason = self._fault(one, previous)
            if self.reason:
                break
            previous = one.hash
        return self

    def _fault(self, checkpoint: Checkpoint, previous: str) -> str:
        name = f"checkpoint {checkpoint.number}"
        again = seal(
            number=checkpoint.number,
            at=checkpoint.at,
            heads=checkpoint.heads,
            previous=previous,
            sign=None,
        )
        if (again.root, again.hash) != (checkpoint.root, checkpoint.hash):
            return f"{name} was changed, or one before it was removed"
        if not self._is_signed(checkpoint):
            return f"the signature of {name} is not ours"
        for head in checkpoint.heads:
            if self.hash_at(head) != head.hash:
                return f"{name} saw an entry {head.sequence} of {head.chain} that is not there now"
        return ""

    def _is_signed(self, checkpoint: Checkpoint) -> bool:
        """Let checkpoints be unsigned until the first one is: the key may have come later."""
        if not checkpoint.signature and self.unsigned == checkpoint.number - 1:
            self.unsigned += 1
            return True
        hashed = bytes.fromhex(checkpoint.hash)
        return self.check is None or self.check(hashed, checkpoint.signature)


def follows(checkpoints: Sequence[Checkpoint]) -> str:
    """Return the hash that the next checkpoint names as the one before."""
    return checkpoints[-1].hash if checkpoints else START


def _cut_tail(chain: Chain) -> Break | None:
    last = chain.entries[-1] if chain.entries else None
    length = last.sequence if last else 0
    if length != chain.revision:
        reason = f"the exchange is at revision {chain.revision}, its journal ends at {length}"
        return Break(entry=last, reason=reason)
    if last is not None and last.facts.get("state") != chain.state:
        reason = f"the exchange stands in {chain.state}, its journal says otherwise"
        return Break(entry=last, reason=reason)
    return None


def _changed_payload(chain: Chain) -> Break | None:
    newest: dict[str, tuple[str, Entry]] = {}
    for entry in chain.entries:
        for kept in entry.facts.get("keeps", []):
            newest[kept["name"]] = (kept["sha256"], entry)
    for name, (digest, entry) in newest.items():
        if chain.payloads.get(name) != digest:
            return Break(entry=entry, reason=f"the payload {name} is not the one that was kept")
    return None


def _changed_wire(chain: Chain) -> Break | None:
    for entry in chain.entries:
        told = [wire["sha256"] for wire in entry.facts.get("wire", [])]
        if told != list(chain.wires.get(entry.sequence, [])):
            return Break(entry=entry, reason="its wire messages are not those that were kept")
    return None


def _digest(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
