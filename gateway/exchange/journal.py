"""A chain of hashes an exchange: an entry that is changed, or a tail that is cut, shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

START = "0" * 64
"""The hash before the first entry of a chain."""

GATEWAY_CHAIN = "gateway"
"""The chain of what belongs to no exchange: 409s, unverified callbacks, acts of operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a journal; `facts` hold hashes and codes, never a patient's data."""

    chain: str
    """The exchange's id, or `GATEWAY_CHAIN`."""
    sequence: int
    """1 for the first entry; for an exchange the revision after the event."""
    at: datetime
    event: str
    facts: dict[str, Any]
    previous: str
    hash: str


def link(
    *, chain: str, sequence: int, at: datetime, event: str, facts: dict[str, Any], previous: str
) -> Entry:
    """Return the entry that follows `previous`, with its hash (SHA-256 over canonical JSON)."""
    body = json.dumps(
        [chain, sequence, at.isoformat(), event, facts, previous],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    digest = hashlib.sha256(body.encode()).hexdigest()
    return Entry(
        chain=chain,
        sequence=sequence,
        at=at,
        event=event,
        facts=facts,
        previous=previous,
        hash=digest,
    )


def first_break(entries: Iterable[Entry]) -> Entry | None:
    """Return the first entry of one chain that does not follow from those before it."""
    previous = START
    for sequence, entry in enumerate(entries, start=1):
        expected = link(
            chain=entry.chain,
            sequence=sequence,
            at=entry.at,
            event=entry.event,
            facts=entry.facts,
            previous=previous,
        )
        if expected != entry:
            return entry
        previous = entry.hash
    return None


def merkle_root(hashes: Sequence[str]) -> str:
    """Return the root of a Merkle tree over chain heads (RFC 6962 §2.1, SHA-256, hex)."""
    if not hashes:
        return hashlib.sha256(b"").hexdigest()
    if len(hashes) == 1:
        return hashlib.sha256(b"\x00" + bytes.fromhex(hashes[0])).hexdigest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    left, right = merkle_root(hashes[:split]), merkle_root(hashes[split:])
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()
