"""The truth about every document, read from the registry and the log."""

from __future__ import annotations

from collections import Counter, defaultdict

from gateway.sandbox.counterpart import (
    AttemptAccount,
    DocumentAccount,
    RegistrationAccount,
    SandboxAccount,
)
from gateway.sandbox.logbook import Logbook
from gateway.sandbox.remd.records import Attempt, Registration, Stage
from gateway.sandbox.remd.registry import Registry
from gateway.sandbox.scenario import Scenario, foresee


def give_account(registry: Registry, log: Logbook, scenario: Scenario) -> SandboxAccount:
    """Return all that is known, by document."""
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    registrations: dict[str, list[Registration]] = defaultdict(list)
    for attempt in registry.attempts():
        attempts[attempt.local_uid].append(attempt)
    for registration in registry.registrations():
        registrations[registration.local_uid].append(registration)
    callbacks = log.entries(kind="callback")
    sent = Counter(entry.local_uid for entry in callbacks)
    taken = Counter(entry.local_uid for entry in callbacks if entry.facts["acknowledged"])
    return SandboxAccount(
        documents={
            uid: DocumentAccount(
                local_uid=uid,
                expected=foresee(scenario.rule(brought[0].rule)),
                standing=_stand(brought, registrations[uid]),
                registrations=tuple(map(_tell_registration, registrations[uid])),
                attempts=tuple(map(_tell_attempt, brought)),
                callbacks_sent=sent[uid],
                callbacks_acknowledged=taken[uid],
            )
            for uid, brought in attempts.items()
        },
        searches=len(log.entries(kind="search")),
    )


def _stand(attempts: list[Attempt], registrations: list[Registration]) -> str:
    if registrations:
        return "registered"
    busy = any(one.stage in (Stage.CHECK, Stage.HELD) for one in attempts)
    return "rejected" if attempts[-1].verdict == "rejected" and not busy else "open"


def _tell_registration(registration: Registration) -> RegistrationAccount:
    return RegistrationAccount(
        number=registration.number,
        at=registration.at,
        message_id=registration.message_id,
        document_sha256=registration.document_sha256,
    )


def _tell_attempt(attempt: Attempt) -> AttemptAccount:
    return AttemptAccount(
        message_id=attempt.message_id,
        number=attempt.number,
        at=attempt.at,
        rule=attempt.rule,
        answered=attempt.answered,
        answered_at=attempt.answered_at,
        verdict=attempt.verdict,
        codes=tuple(item.code for item in attempt.errors),
    )
