"""Which documents may not be accepted twice: the same id, and the «дубль» under another id.

An exchange stands in the way while its outcome is unknown (a parked one too: it may yet have
been registered) or registered; one that was rejected, refused or cancelled does not. Children
carry the document of their parent and never stand in its way.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import Overtaken
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.states import Outcome
from gateway.ports import Birth, IdentityTaken


def stands_in_the_way(exchange: Exchange) -> bool:
    """Tell whether the exchange is open or registered, and nobody's child."""
    return exchange.outcome in {None, Outcome.REGISTERED} and not exchange.part_of


def is_same_document(one: Identity, other: Identity) -> bool:
    """Tell whether both name one document id, in any case; naming none is no id."""
    return one.local_uid != "" and one.local_uid.lower() == other.local_uid.lower()


def can_have_twins(identity: Identity) -> bool:
    """Tell whether all is known by which a «дубль» is recognised (decision 19)."""
    return all(marks(identity))


def is_twin(one: Identity, other: Identity) -> bool:
    """Tell whether both are the same paper under two ids; a new version of a set is not."""
    same_set = one.set_id != "" and one.set_id == other.set_id
    return (
        can_have_twins(one)
        and marks(one) == marks(other)
        and not same_set
        and not is_same_document(one, other)
    )


def admit(birth: Birth, others: Iterable[Exchange]) -> None:
    """Let a new exchange in beside those that share its id or its marks.

    Raises IdentityTaken with the exchanges in its way, newest first.
    """
    identity = birth.exchange.identity
    blocking = sorted(
        (one for one in others if stands_in_the_way(one)), key=lambda one: one.id, reverse=True
    )
    same = tuple(one for one in blocking if is_same_document(identity, one.identity))
    if same:
        raise IdentityTaken("a document with this id is under way or registered", exchanges=same)
    twins = tuple(one for one in blocking if is_twin(identity, one.identity))
    if twins and not birth.confirmed_new:
        raise IdentityTaken(
            "the same paper is under way or registered under another document id",
            exchanges=twins,
        )


def check_sequence(birth: Birth) -> None:
    """Let a birth through whose decisions follow one another from revision 1 on.

    Raises Overtaken: whoever decided has read something else.
    """
    for revision, decision in enumerate(birth.decisions, start=1):
        if decision.before.revision != revision or decision.after.id != birth.exchange.id:
            raise Overtaken("a decision of a birth does not follow from the one before")


def marks(identity: Identity) -> tuple[str, str, str, str]:
    """Return by what a «дубль» is recognised: organisation, kind, patient, protocol number."""
    return (identity.organization, identity.kind, identity.patient, identity.protocol_number)
