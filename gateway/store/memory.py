"""The ledger's twin in memory: the same promises, proven by the same tests, without a disk.

It is longer than other rooms because the protocol it keeps is one thing.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.errors import HouseError, Overtaken
from gateway.exchange.decision import Decision
from gateway.exchange.events import Event, Wire
from gateway.exchange.journal import GATEWAY_CHAIN, START, Entry, link
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.states import State
from gateway.ports import (
    Birth,
    Idempotency,
    InboxEntry,
    JournalReport,
    Query,
    Replayed,
    ReportRow,
    Standing,
    StoredCallback,
    Stray,
    TimelineEntry,
)
from gateway.store import facts, fairness, guard, outcomes, proof
from gateway.store.codec import micros, without_bodies
from gateway.store.notices import notice_bodies


class MemoryLedger:
    """A `Ledger` that forgets when the process ends; `close` and `open` are a restart."""

    def __init__(
        self,
        *,
        webhooks: frozenset[str] = frozenset(),
        sign: proof.Sign | None = None,
        check: proof.Check | None = None,
    ) -> None:
        """`webhooks` name the senders that are owed a webhook with each inbox entry."""
        self._webhooks = webhooks
        self._sign = sign
        self._check = check
        self._exchanges: dict[str, Exchange] = {}
        self._journal: dict[str, list[Entry]] = {}
        self._payloads: dict[str, dict[str, bytes]] = {}
        self._wires: dict[tuple[str, int], tuple[Wire, ...]] = {}
        self._inbox: list[InboxEntry] = []
        self._callbacks: list[StoredCallback] = []
        self._strays: list[Stray] = []
        self._idempotency: dict[tuple[str, str], Idempotency] = {}
        self._checkpoints: list[proof.Checkpoint] = []
        self._hand: set[str] = set()
        self._bell = asyncio.Event()

    async def open(self) -> None:
        """Let go of what an earlier run had in hand."""
        self._hand.clear()

    async def close(self) -> None:
        """Do nothing: nothing is queued."""

    # --- writing ------------------------------------------------------------------------------

    async def create(self, birth: Birth) -> Exchange:
        """Write a new exchange; see `Ledger.create`."""
        self._refuse_second_use(birth.idempotency)
        if birth.exchange.id in self._exchanges:
            raise HouseError("an exchange with this id exists already")
        guard.admit(birth, self._exchanges.values())
        guard.check_sequence(birth)
        born = without_bodies(replace(birth.exchange, revision=1))
        self._exchanges[born.id] = born
        told = facts.facts_of_birth(born, birth.received)
        self._append(born.id, born.received_at, birth.received, told)
        for decision in birth.decisions:
            self._apply(decision, None)
        if birth.idempotency is not None:
            self._idempotency[birth.idempotency.sender, birth.idempotency.key] = birth.idempotency
        self._bell.set()
        return self._exchanges[born.id]

    async def save(self, decision: Decision, *, callback: StoredCallback | None = None) -> Exchange:
        """Write a decision; see `Ledger.save`."""
        if callback is not None:
            self._refuse_replay(callback)
        before = self._exchanges.get(decision.before.id)
        if before is None or before.revision != decision.before.revision:
            raise Overtaken("somebody else has written this exchange since it was read")
        self._apply(decision, callback)
        if callback is not None:
            self._callbacks.append(callback)
        self._bell.set()
        return self._exchanges[decision.after.id]

    def _apply(self, decision: Decision, callback: StoredCallback | None) -> None:
        self._exchanges[decision.after.id] = without_bodies(decision.after)
        told = facts.facts_of_decision(decision, callback)
        self._append(decision.after.id, decision.at, decision.event, told)
        for child in decision.children:
            born = replace(child, revision=1)
            self._exchanges[child.id] = born
            opening = facts.facts_of_opening(born)
            self._chain(child.id, decision.at, facts.OPENED, opening)
        self._tell(decision)

    def _append(self, exchange_id: str, at: datetime, event: Event, told: dict[str, Any]) -> None:
        entry = self._chain(exchange_id, at, facts.event_name(event), told)
        self._wires[exchange_id, entry.sequence] = event.wire
        kept = self._payloads.setdefault(exchange_id, {})
        kept.update({payload.name: payload.content for payload in event.keeps})

    def _chain(self, chain: str, at: datetime, event: str, told: dict[str, Any]) -> Entry:
        entries = self._journal.setdefault(chain, [])
        entry = link(
            chain=chain,
            sequence=len(entries) + 1,
            at=at.astimezone(UTC),
            event=event,
            facts=told,
            previous=entries[-1].hash if entries else START,
        )
        entries.append(entry)
        return entry

    def _tell(self, decision: Decision) -> None:
        sender = decision.after.identity.sender
        for notice, body in zip(decision.notices, notice_bodies(decision), strict=True):
            number = len(self._inbox) + 1
            entry = InboxEntry(
                id=number,
                sender=sender,
                exchange=notice.exchange,
                kind=notice.kind,
                at=notice.at,
                body={"id": number, **body},
                webhook_due=notice.at if sender in self._webhooks else None,
            )
            self._inbox.append(entry)

    def _refuse_second_use(self, used: Idempotency | None) -> None:
        if used is not None and (used.sender, used.key) in self._idempotency:
            raise Overtaken("this Idempotency-Key was used a moment ago")

    def _refuse_replay(self, callback: StoredCallback) -> None:
        known = {(one.endpoint, one.partner, one.message_id) for one in self._callbacks}
        mark = (callback.endpoint, callback.partner, callback.message_id)
        if callback.message_id and mark in known:
            raise Replayed("this MessageID of this partner was seen before")

    async def keep_callback(self, callback: StoredCallback) -> None:
        """Keep a verified callback that matches no exchange. Raises Replayed."""
        self._refuse_replay(callback)
        self._callbacks.append(callback)

    async def keep_stray(self, stray: Stray) -> None:
        """Keep what is allowed of a call that could not be verified."""
        self._strays.append(stray)

    async def note(self, *, at: datetime, event: str, facts: Mapping[str, Any]) -> None:
        """Write an entry into the journal of what belongs to no exchange."""
        self._chain(GATEWAY_CHAIN, at, event, orjson.loads(orjson.dumps(dict(facts))))

    async def settle_webhook(self, entry_id: int, *, due: datetime | None) -> None:
        """Set when the webhook is tried again; every call counts as a try."""
        for place, entry in enumerate(self._inbox):
            if entry.id == entry_id:
                tries = entry.webhook_tries + 1
                self._inbox[place] = replace(entry, webhook_due=due, webhook_tries=tries)

    # --- claiming -----------------------------------------------------------------------------

    async def claim(self, *, now: datetime, limit: int) -> Sequence[Exchange]:
        """Return due exchanges; see `Ledger.claim` and `fairness.choose`."""
        due = (
            fairness.Waiting(one.id, one.identity.sender, one.priority, micros(one.due))
            for one in self._unclaimed()
            if one.due is not None and one.due <= now
        )
        chosen = fairness.choose(due, limit)
        self._hand.update(chosen)
        return [self._exchanges[one] for one in chosen]

    async def release(self, exchange_id: str) -> None:
        """Let others claim it again."""
        self._hand.discard(exchange_id)
        self._bell.set()

    async def wait_for_due(self, *, now: datetime) -> datetime | None:
        """Return when the next unclaimed exchange falls due, `now` when one is due already."""
        moments = [one.due for one in self._unclaimed() if one.due is not None]
        return max(now, min(moments)) if moments else None

    async def wait_for_bell(self) -> None:
        """Return when something was written or released since the last return."""
        await self._bell.wait()
        self._bell.clear()

    def _unclaimed(self) -> Iterable[Exchange]:
        return (
            one
            for one in self._exchanges.values()
            if one.id not in self._hand and fairness.is_claimable(one)
        )

    # --- reading ------------------------------------------------------------------------------

    async def get(self, exchange_id: str) -> Exchange | None:
        """Return one exchange."""
        return self._exchanges.get(exchange_id)

    async def find_document(self, local_uid: str) -> Sequence[Exchange]:
        """Return all exchanges of a document id, newest first; the id in any case."""
        wanted = local_uid.lower()
        return self._newest(lambda one: one.identity.local_uid.lower() == wanted)

    async def find_twins(self, identity: Identity) -> Sequence[Exchange]:
        """Return open or registered exchanges that would make this one a «дубль»."""
        return self._newest(
            lambda one: guard.stands_in_the_way(one) and guard.is_twin(identity, one.identity)
        )

    async def find_set(self, organization: str, set_id: str) -> Sequence[Exchange]:
        """Return all exchanges of a document set, newest first."""
        wanted = (organization, set_id)
        return self._newest(
            lambda one: set_id != "" and (one.identity.organization, one.identity.set_id) == wanted
        )

    async def find_held(self, exchange_id: str) -> Sequence[Exchange]:
        """Return the exchanges that this one holds, newest first."""
        return self._newest(lambda one: one.held_by != "" and one.held_by == exchange_id)

    async def find_freed(self) -> Sequence[Exchange]:
        """Return the exchanges still held though their holder has an outcome, newest first."""
        settled = {one.id for one in self._exchanges.values() if one.outcome is not None}
        return self._newest(lambda one: one.held_by in settled)

    async def find_attempt(self, message_id: str) -> Exchange | None:
        """Return the exchange that made an attempt, by its normalised MessageID."""
        found = self._newest(
            lambda one: any(attempt.message_id == message_id for attempt in one.attempts)
        )
        return found[0] if found else None

    async def find_number(self, endpoint: str, number: str) -> Exchange | None:
        """Return the exchange that was registered under a number."""
        found = self._newest(lambda one: (one.identity.endpoint, one.number) == (endpoint, number))
        return found[0] if found and number else None

    async def payload(self, exchange_id: str, name: str) -> bytes | None:
        """Return the bytes kept under a name."""
        return self._payloads.get(exchange_id, {}).get(name)

    async def payload_names(self, exchange_id: str) -> Sequence[str]:
        """Return the names under which bytes are kept, sorted."""
        return sorted(self._payloads.get(exchange_id, {}))

    async def timeline(self, exchange_id: str) -> Sequence[TimelineEntry]:
        """Return every event and message of an exchange, oldest first."""
        if exchange_id not in self._exchanges:
            return []
        return [
            TimelineEntry(
                sequence=entry.sequence,
                at=entry.at,
                event=entry.event,
                state=facts.state_in(entry.facts),
                facts=entry.facts,
                wire=self._wires.get((exchange_id, entry.sequence), ()),
            )
            for entry in self._journal[exchange_id]
        ]

    async def search(self, query: Query) -> Sequence[Exchange]:
        """Return a page of exchanges, newest first."""
        found = self._newest(lambda one: _matches(one, query))
        page = [one for one in found if not query.after or one.id < query.after]
        return page[: query.limit]

    async def inbox(self, sender: str, *, after: int, limit: int) -> Sequence[InboxEntry]:
        """Return entries of a sender's inbox, oldest first."""
        found = [one for one in self._inbox if one.sender == sender and one.id > after]
        return found[:limit]

    async def due_webhooks(self, *, now: datetime, limit: int) -> Sequence[InboxEntry]:
        """Return entries whose webhook is due, oldest first."""
        owed = (
            one
            for one in self._inbox
            if one.webhook_due
            and one.webhook_due <= now
            and self._exchanges[one.exchange].state is not State.ANSWERED
        )
        return list(owed)[:limit]

    async def owed_webhooks(self, exchange_id: str) -> Sequence[InboxEntry]:
        """Return the entries of one exchange whose webhook is still owed, oldest first."""
        return [one for one in self._inbox if one.exchange == exchange_id and one.webhook_due]

    async def remember(self, used: Idempotency) -> None:
        """Keep what an Idempotency-Key was used for. Raises Overtaken when it was used already."""
        self._refuse_second_use(used)
        self._idempotency[used.sender, used.key] = used

    async def recall(self, sender: str, key: str) -> Idempotency | None:
        """Return what an Idempotency-Key was used for."""
        return self._idempotency.get((sender, key))

    def _newest(self, wanted: Callable[[Exchange], bool]) -> list[Exchange]:
        found = [one for one in self._exchanges.values() if wanted(one)]
        return sorted(found, key=lambda one: one.id, reverse=True)

    # --- counting -----------------------------------------------------------------------------

    async def standing(self) -> Standing:
        """Return how many exchanges are not closed, by endpoint and state."""
        everything = self._exchanges.values()
        unfinished = [one for one in everything if one.state is not State.CLOSED]
        oldest: dict[str, datetime] = {}
        for one in filter(outcomes.is_unanswered, unfinished):
            since, endpoint = one.first_sent_at, one.identity.endpoint
            if since is not None:
                oldest[endpoint] = min(since, oldest.get(endpoint, since))
        counted = Counter((one.identity.endpoint, one.state) for one in unfinished)
        return Standing(open=dict(counted), oldest_awaiting=oldest)

    async def report(
        self, query: Query, *, by: Sequence[str], now: datetime
    ) -> Sequence[ReportRow]:
        """Return the outcome table; children are no documents and do not count."""
        outcomes.check_dimensions(by)
        lines: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for one in self._exchanges.values():
            if not one.part_of and _matches(one, query):
                line = lines[tuple(_dimension(one, name) for name in by)]
                line.update(["documents", *outcomes.column_of(one, now=now)])
                line["not_registered_in_time"] += self._late_answers(one.id)
        return [
            ReportRow(by=dict(zip(by, key, strict=True)), **lines[key]) for key in sorted(lines)
        ]

    def _late_answers(self, exchange_id: str) -> int:
        return sum(
            entry.event == "TurnedAway" and entry.facts.get("in_time") is False
            for entry in self._journal[exchange_id]
        )

    # --- proving ------------------------------------------------------------------------------

    async def checkpoint(self, *, now: datetime) -> None:
        """Seal the heads of all chains that grew since the last checkpoint; none if none did."""
        sealed = {head.chain: head for one in self._checkpoints for head in one.heads}
        heads = [
            proof.Head(chain=chain, sequence=len(entries), hash=entries[-1].hash)
            for chain, entries in self._journal.items()
        ]
        grown = [head for head in heads if sealed.get(head.chain) != head]
        if grown:
            number = len(self._checkpoints) + 1
            previous = proof.follows(self._checkpoints)
            self._checkpoints.append(
                proof.seal(number=number, at=now, heads=grown, previous=previous, sign=self._sign)
            )

    async def verify_journal(self) -> JournalReport:
        """Check every chain and checkpoint."""
        found = self._broken_chain()
        sealed = proof.Inspection(self._hash_at, self._check).read(self._checkpoints)
        return JournalReport(
            chains=len(self._journal),
            entries=sum(map(len, self._journal.values())),
            checkpoints=sealed.checkpoints,
            unsigned=sealed.unsigned,
            broken=found.entry if found else None,
            reason=found.reason if found else sealed.reason,
        )

    def _broken_chain(self) -> proof.Break | None:
        for chain in sorted(self._journal):
            found = proof.inspect_chain(self._vouched(chain))
            if found is not None:
                return found
        return None

    def _vouched(self, chain: str) -> proof.Chain:
        exchange = self._exchanges.get(chain)
        kept = self._payloads.get(chain, {})
        entries = self._journal[chain]
        return proof.Chain(
            entries=entries,
            revision=exchange.revision if exchange else None,
            state=exchange.state.value if exchange else "",
            payloads={name: facts.sha256(content) for name, content in kept.items()},
            wires={
                entry.sequence: [
                    facts.sha256(wire.body) for wire in self._wires.get((chain, entry.sequence), ())
                ]
                for entry in entries
            },
        )

    def _hash_at(self, head: proof.Head) -> str | None:
        entries = self._journal.get(head.chain, [])
        return entries[head.sequence - 1].hash if len(entries) >= head.sequence else None


def _dimension(exchange: Exchange, name: str) -> str:
    identity = exchange.identity
    values = {
        "endpoint": identity.endpoint,
        "document": identity.profile,
        "organization": identity.organization,
    }
    return values[name]


def _matches(exchange: Exchange, query: Query) -> bool:
    """Tell whether an exchange is meant; the page (`after`, `limit`) is not looked at."""
    identity = exchange.identity
    equal = (
        (query.sender, identity.sender),
        (query.endpoint, identity.endpoint),
        (query.organization, identity.organization),
        (query.local_uid.lower(), identity.local_uid.lower()),
        (query.set_id, identity.set_id),
        (query.number, exchange.number),
        (query.patient, identity.patient),
    )
    due, received = exchange.due, exchange.received_at
    return (
        all(wanted in ("", there) for wanted, there in equal)
        and (not query.states or exchange.state in query.states)
        and (not query.outcomes or exchange.outcome in query.outcomes)
        and (query.due_before is None or (due is not None and due < query.due_before))
        and (query.received_from is None or received >= query.received_from)
        and (query.received_to is None or received < query.received_to)
    )
