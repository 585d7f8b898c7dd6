"""All that one event brings about, to be written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gateway.exchange import events as e
from gateway.exchange.machine import advance
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.schedule import Terms
from gateway.exchange.states import State
from gateway.findings import Finding


class NoticeKind(StrEnum):
    """What a sender can be told."""

    HANDED_OVER = "handed-over"
    """The recipient took the document: the citizen can be told that it is on its way."""
    REGISTERED = "registered"
    REJECTED = "rejected"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One entry of a sender's inbox."""

    exchange: str
    kind: NoticeKind
    at: datetime
    number: str = ""
    codes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    corrects: bool = False
    """The sender was told another verdict before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A child that an event opens: an exchange of its own endpoint, clock and outcome."""

    purpose: str
    """Distinguishes the children of one event: `lookup-gbdfl`, `notice-epgu`."""
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An event, what it made of the exchange, who is told and what it opened."""

    before: Exchange
    event: e.Event
    after: Exchange
    at: datetime
    notices: tuple[Notice, ...] = ()
    children: tuple[Exchange, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the event meant anything where the exchange stood."""
        return replace(self.after, revision=self.before.revision) != self.before


def decide(
    exchange: Exchange,
    event: e.Event,
    *,
    now: datetime,
    terms: Terms | None = None,
    chance: float = 0.5,
    openings: tuple[Opening, ...] = (),
) -> Decision:
    """Return what the event brings about; nothing is written yet."""
    after = advance(exchange, event, now=now, terms=terms, chance=chance)
    decision = Decision(before=exchange, event=event, after=after, at=now)
    if not decision.changed:
        return decision
    return replace(
        decision,
        notices=_notices(decision),
        children=tuple(_child(decision, opening) for opening in openings),
    )


def _notices(decision: Decision) -> tuple[Notice, ...]:
    before, after = decision.before, decision.after
    if after.outcome is not None and after.outcome is not before.outcome:
        return (_verdict(decision),)
    return (_notice(decision, NoticeKind.HANDED_OVER),) if _is_handed_over(decision) else ()


def _is_handed_over(decision: Decision) -> bool:
    """Tell whether the recipient has it now: it said so, or it fetches the file already.

    A resend is no news for the citizen.
    """
    moved = decision.before.state is State.DELIVERING and decision.after.state is State.AWAITING
    taken = isinstance(decision.event, e.Accepted | e.StillPending)
    return moved and taken and decision.after.attempt == 0


def _verdict(decision: Decision) -> Notice:
    assert decision.after.outcome is not None
    notice = _notice(decision, NoticeKind(decision.after.outcome.value))
    return replace(notice, corrects=decision.before.outcome is not None)


def _notice(decision: Decision, kind: NoticeKind) -> Notice:
    event = decision.event
    settled = decision.before.rejection if isinstance(event, e.NotThere) else event
    codes = settled.codes if isinstance(settled, e.Answered) else ()
    return Notice(
        exchange=decision.after.id,
        kind=kind,
        at=decision.at,
        number=decision.after.number,
        codes=codes,
        findings=decision.after.findings,
    )


def _child(decision: Decision, opening: Opening) -> Exchange:
    """Return the child; its id follows from its parent's event, so none opens twice."""
    return Exchange(
        id=f"{decision.after.id}.{decision.after.revision}.{opening.purpose}",
        identity=opening.identity,
        received_at=decision.at,
        due=decision.at,
        part_of=decision.after.id,
        priority=decision.after.priority,
    )
