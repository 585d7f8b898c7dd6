"""What РЭМД does after its synchronous answer: fetch, check, register, tell.

Every step is on disk before the next begins; a restart goes on where the step before ended.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.sandbox.doors import Clock, Ids, wait_for_bell
from gateway.sandbox.logbook import Logbook, transaction
from gateway.sandbox.remd.caller import Caller, FileNotGot
from gateway.sandbox.remd.checks import Examiner
from gateway.sandbox.remd.codes import say, say_already_registered
from gateway.sandbox.remd.metadata import Metadata, read_metadata
from gateway.sandbox.remd.records import Attempt, Stage
from gateway.sandbox.remd.registry import Registry
from gateway.sandbox.remd.result import write_result
from gateway.sandbox.remd.settings import RemdSettings
from gateway.sandbox.remd.soap import only_child
from gateway.sandbox.scenario import Becomes, Behaviour, ErrorItem, Form, Says, Scenario


class Work:
    """Gives each attempt what it is due."""

    def __init__(
        self,
        registry: Registry,
        log: Logbook,
        examiner: Examiner,
        scenario: Scenario,
        settings: RemdSettings,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._registry = registry
        self._log = log
        self._examiner = examiner
        self._scenario = scenario
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._bell = asyncio.Event()
        self._in_hand: set[str] = set()
        self._ends: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def ring(self) -> None:
        """Say that something may have become due."""
        self._bell.set()

    async def wait_for_end(self, message_id: str) -> None:
        """Return when all callbacks of an attempt have gone out."""
        await self._ends[message_id].wait()
        del self._ends[message_id]

    async def run(self, caller: Caller) -> None:
        """Do what falls due, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._bell.clear()
                room = self._settings.at_once - len(self._in_hand)
                due = self._registry.due(self._clock.now(), limit=room, without=self._in_hand)
                for attempt in due:
                    self._in_hand.add(attempt.message_id)
                    group.create_task(self._advance(attempt, caller))
                full = len(self._in_hand) >= self._settings.at_once
                next_due = None if full else self._registry.next_due(without=self._in_hand)
                await wait_for_bell(self._bell, self._clock, next_due)

    async def _advance(self, attempt: Attempt, caller: Caller) -> None:
        try:
            rule = self._scenario.rule(attempt.rule)
            behaviour = rule.behaviour(attempt.number)
            if attempt.stage is Stage.CHECK:
                after = await self._check(attempt, behaviour, caller)
            else:
                after = await self._tell(attempt, behaviour, caller)
            if after.stage is Stage.DONE and after.message_id in self._ends:
                self._ends[after.message_id].set()
        finally:
            self._in_hand.discard(attempt.message_id)
            self._bell.set()

    # --- the check -----------------------------------------------------------------------------

    async def _check(self, attempt: Attempt, behaviour: Behaviour, caller: Caller) -> Attempt:
        if behaviour.becomes is Becomes.REJECTED:
            return self._reject(attempt, behaviour.errors)
        metadata = read_metadata(only_child(attempt.request))
        organization = self._settings.organization(attempt.organization)
        if organization is None:  # it was taken out of the configuration meanwhile
            return self._reject(attempt, (say("INTERNAL_ERROR"),))
        now = self._clock.now()
        # Not in a thread: asn1crypto sets its classes up at their first use, and two threads that
        # do so at once read nonsense.
        examined = self._examiner.examine_signatures(metadata, organization, now=now)
        if examined.faults:
            return self._reject(attempt, examined.faults)
        try:
            file = await self._fetch(attempt, behaviour, caller)
        except FileNotGot as failure:
            return self._try_again(attempt, behaviour, failure.item)
        faults = await asyncio.to_thread(
            self._examiner.examine_file, file, metadata, examined.signatures
        )
        if faults:
            return self._reject(attempt, faults)
        return self._register(attempt, metadata, file)

    async def _fetch(self, attempt: Attempt, behaviour: Behaviour, caller: Caller) -> bytes:
        if behaviour.file_unreachable:
            raise FileNotGot(say("MIS_NOT_AVAILABLE"))
        self._note("file_requested", attempt)
        file = await caller.fetch_file(attempt)
        self._note("file_received", attempt, size=len(file))
        return file

    def _try_again(self, attempt: Attempt, behaviour: Behaviour, item: ErrorItem) -> Attempt:
        tries = attempt.tries + 1
        self._note("file_not_received", attempt, code=item.code, tries=tries)
        if tries >= self._settings.tries or behaviour.file_unreachable:
            return self._reject(attempt, (item,))
        due = self._after(self._settings.pause)
        return self._registry.save(replace(attempt, tries=tries, due=due))

    def _register(self, attempt: Attempt, metadata: Metadata, file: bytes) -> Attempt:
        with transaction(self._registry.store):
            known = self._registry.find_registration(attempt.local_uid)
            if known is not None and self._scenario.duplicate_guard:
                item = say_already_registered(metadata.local_uid, known.number)
                return self._reject(attempt, (item,))
            number = self._registry.register(attempt, metadata, file, self._clock.now())
            self._note("registered", attempt, number=number)
            return self._settle(replace(attempt, verdict="registered", number_given=number))

    def _reject(self, attempt: Attempt, errors: tuple[ErrorItem, ...]) -> Attempt:
        with transaction(self._registry.store):
            self._note("rejected", attempt, codes=" ".join(item.code for item in errors))
            return self._settle(replace(attempt, verdict="rejected", errors=errors))

    def _settle(self, attempt: Attempt) -> Attempt:
        """Write the verdict, with the first callback due or nothing more to do."""
        return self._go_on(replace(attempt, callback_index=-1))

    # --- the callbacks -------------------------------------------------------------------------

    async def _tell(self, attempt: Attempt, behaviour: Behaviour, caller: Caller) -> Attempt:
        plan = behaviour.callbacks[attempt.callback_index]
        if attempt.tries == 0 and not (plan.same_message_id and attempt.callback_message_id):
            # On disk before it goes out: after a restart the same callback goes out again.
            attempt = self._registry.save(replace(attempt, callback_message_id=self._ids.new()))
        errors = plan.errors if plan.says is Says.ERROR else attempt.errors
        registered = attempt.verdict == "registered" and plan.says is Says.TRUTH
        registration = self._registry.find_number(attempt.number_given) if registered else None
        body = write_result(attempt, registration, errors, plan.form)
        answer = await caller.tell(attempt, body, attempt.callback_message_id, plan.form)
        with transaction(self._registry.store):
            self._note(
                "callback",
                attempt,
                callback_message_id=attempt.callback_message_id,
                says="registered" if registered else "error",
                codes="" if registered else " ".join(item.code for item in errors),
                form=plan.form,
                acknowledged=answer.taken,
                http_status=answer.status,
                acknowledgement=answer.text,
            )
            if answer.taken or plan.form is not Form.WELL:
                return self._go_on(attempt)
            if attempt.tries + 1 >= self._settings.tries:
                return self._go_on(attempt)
            due = self._after(self._settings.pause)
            return self._registry.save(replace(attempt, tries=attempt.tries + 1, due=due))

    def _go_on(self, attempt: Attempt) -> Attempt:
        """Make the next callback due, or end the work."""
        callbacks = self._scenario.rule(attempt.rule).behaviour(attempt.number).callbacks
        index = attempt.callback_index + 1
        done = index >= len(callbacks)
        due = self._clock.now() if done else self._after(callbacks[index].delay)
        stage = Stage.DONE if done else Stage.CALLBACK
        return self._registry.save(
            replace(attempt, stage=stage, callback_index=index, tries=0, due=due)
        )

    def _after(self, duration: timedelta) -> datetime:
        return self._clock.now() + self._settings.scaled(duration)

    def _note(self, kind: str, attempt: Attempt, **facts: str | int | bool) -> None:
        self._log.write(
            kind,
            local_uid=attempt.local_uid,
            message_id=attempt.message_id,
            attempt=attempt.number,
            **facts,
        )
