"""Where an exchange can stand, and what is owed to it there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """The standing of an exchange."""

    RECEIVED = "received"
    VALIDATED = "validated"
    MAPPED = "mapped"
    AWAITING_SIGNATURE = "awaiting_signature"
    SIGNED = "signed"
    DELIVERING = "delivering"
    AWAITING = "awaiting"
    ANSWERED = "answered"
    CLOSED = "closed"
    PARKED = "parked"
    """Gave up: a person must look. Waiting is never called parked."""


class Outcome(StrEnum):
    """The one end of a document."""

    REGISTERED = "registered"
    REJECTED = "rejected"
    """By the recipient."""
    REFUSED = "refused"
    """By us: we will not carry it."""
    CANCELLED = "cancelled"
    """By the sender, before the first delivery."""


class Duty(StrEnum):
    """What is owed to an exchange next."""

    VALIDATE = "validate"
    MAP = "map"
    SIGN = "sign"
    DELIVER = "deliver"
    INQUIRE = "inquire"
    NOTIFY = "notify"


DUTIES: Mapping[State, Duty | None] = MappingProxyType(
    {
        State.RECEIVED: Duty.VALIDATE,
        State.VALIDATED: Duty.MAP,
        State.MAPPED: Duty.SIGN,
        State.AWAITING_SIGNATURE: Duty.SIGN,
        State.SIGNED: Duty.DELIVER,
        # Never a blind second delivery: whoever dies in the middle of one asks first.
        State.DELIVERING: Duty.INQUIRE,
        State.AWAITING: Duty.INQUIRE,
        State.ANSWERED: Duty.NOTIFY,
        State.CLOSED: None,
        State.PARKED: None,
    }
)
"""The duty of each state. Recovery after a crash is the same reading as a normal day."""
