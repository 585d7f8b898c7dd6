"""The sandbox РЭМД: takes documents, answers at once, and has the rest done behind."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from gateway.sandbox.counterpart import SandboxAccount
from gateway.sandbox.doors import Clock, Ids
from gateway.sandbox.logbook import Logbook, open_store, transaction
from gateway.sandbox.remd.accounts import give_account
from gateway.sandbox.remd.answers import Answers, fault
from gateway.sandbox.remd.caller import Caller
from gateway.sandbox.remd.checks import Examiner
from gateway.sandbox.remd.codes import say
from gateway.sandbox.remd.configuration import write_configuration
from gateway.sandbox.remd.inquiries import Inquiries
from gateway.sandbox.remd.metadata import WSDL, find_faults, read_metadata
from gateway.sandbox.remd.reception import Call, Reception, Refused, write_response
from gateway.sandbox.remd.records import Attempt, Stage
from gateway.sandbox.remd.registry import Registry
from gateway.sandbox.remd.settings import OrganizationSettings, RemdSettings, read_bytes
from gateway.sandbox.remd.trust import Trust, unarmor
from gateway.sandbox.remd.work import Work
from gateway.sandbox.remd.wss import Signer, Verifier
from gateway.sandbox.scenario import (
    NO_FAULTS,
    Answer,
    Becomes,
    Behaviour,
    ErrorItem,
    Scenario,
    foresee,
)
from gateway.signatures.backends import open_backend

NAME = Path(__file__).parent.name
_REGISTERED = "RegisterDocumentResponse"


class Remd:
    """One registry with its scenario."""

    name = NAME

    def __init__(
        self,
        settings: RemdSettings,
        *,
        clock: Clock,
        ids: Ids,
        scenario: Scenario = NO_FAULTS,
        store: Path | None = None,
    ) -> None:
        backend = open_backend()
        trust = Trust(settings.trust, backend)
        connection = open_store(store)
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._scenario = scenario
        self.restart = replace(
            scenario.restart, down_for=settings.scaled(scenario.restart.down_for)
        )
        self.registry = Registry(connection)
        self.log = Logbook(connection, self.name, clock)
        self._verifier = Verifier(trust, backend, skew=settings.skew)
        self._reception = Reception(settings, self._verifier, self.registry)
        key = backend.load_private(read_bytes(settings.key_file, "remd.key_file"))
        certificate = read_bytes(settings.certificate_file, "remd.certificate_file")
        self._signer = Signer(key, unarmor(certificate)[0], backend)
        self._answers = Answers(self._signer, clock, ids, settings)
        self._inquiries = Inquiries(self.registry, self.log, settings, scenario, self._answers)
        self._work = Work(
            self.registry, self.log, Examiner(trust, backend), scenario, settings, clock, ids
        )

    # --- what every counterpart can do ---------------------------------------------------------

    def turns_away(self, number: int) -> bool:
        """Tell whether the request of this number is reset before it is read."""
        connections = self._scenario.connections
        if number <= connections.reset_first:
            return True
        return self._scenario.draw("connection", number) < connections.reset_share

    async def work(self) -> None:
        """Do what is due, for ever."""
        connector = aiohttp.TCPConnector(force_close=True)  # a МИС may have restarted meanwhile
        async with aiohttp.ClientSession(connector=connector) as session:
            patience = self._settings.patience
            await self._work.run(
                Caller(session, self._signer, self._verifier, self._clock, self._ids, patience)
            )

    async def account(self) -> SandboxAccount:
        """Return the truth about every document."""
        return give_account(self.registry, self.log, self._scenario)

    def expect(self, local_uid: str, *, kind: str = "", organization: str = "") -> str:
        """Return what the scenario foresees for a faultless document."""
        return foresee(self._scenario.choose(local_uid, kind=kind, organization=organization))

    def note(self, kind: str, *, number: int = 0) -> None:
        """Write into the log what the listener did."""
        self.log.write(kind, number=number)

    def export(self, out: TextIO) -> None:
        """Write the log as JSON lines."""
        self.log.export(out)

    def configuration(self, url: str) -> str:
        """Return the TOML that points a gateway here."""
        return write_configuration(self._settings, url)

    def close(self) -> None:
        """Let the store go."""
        self.registry.store.close()

    # --- the wire ------------------------------------------------------------------------------

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one HTTP request."""
        if request.method == "GET":
            return self._show(request)
        if request.method != "POST":
            return web.Response(status=405)
        octets = await request.read()
        now = self._clock.now()
        try:
            with transaction(self.registry.store):
                call = self._reception.admit(
                    octets, request.headers.get("Content-Type", ""), now=now
                )
        except Refused as refusal:
            self.log.write("fault", reason=refusal.text, size=len(octets))
            return fault(refusal.version, refusal.text, sender_at_fault=True)
        self.log.write(
            "request",
            message_id=call.message_id,
            operation=call.operation,
            client=call.client,
            size=len(octets),
        )
        if call.operation == "registerDocument":
            return await self._register(request, call)
        return await self._inquiries.answer(request, call)

    def _show(self, request: web.Request) -> web.StreamResponse:
        """Give the WSDL and its schemas, the log, or the account."""
        place = request.path.removeprefix(f"/{self.name}").strip("/")
        if "wsdl" in request.rel_url.query:
            raise web.HTTPFound(f"/{self.name}/service.wsdl")
        if place == "log":
            lines = "".join(entry.as_json() + "\n" for entry in self.log.entries())
            return web.Response(text=lines, content_type="application/x-ndjson")
        if place == "account":
            account = give_account(self.registry, self.log, self._scenario)
            return web.Response(text=account.as_json(), content_type="application/json")
        known = {path.name: path for path in WSDL.iterdir() if path.suffix in (".wsdl", ".xsd")}
        if place in known:
            return web.Response(body=known[place].read_bytes(), content_type="text/xml")
        return web.Response(status=404, text="POST SOAP here; GET ?wsdl, log, account\n")

    # --- registerDocument ----------------------------------------------------------------------

    async def _register(self, request: web.Request, call: Call) -> web.StreamResponse:
        organization, faults = self._judge(call)
        if faults or organization is None:
            self.log.write(
                "answer",
                message_id=call.message_id,
                answered=Answer.ERROR,
                codes=" ".join(item.code for item in faults),
            )
            return self._answers.reply(call, write_response(_REGISTERED, faults))
        callback = organization.callback or call.reply_to
        attempt, behaviour = self._take(call, callback)
        if behaviour.becomes is not Becomes.DROPPED:
            self._work.ring()
        if behaviour.answer_after_callback:
            await self._wait_for_callback(attempt.message_id)
        await self._answers.pause(behaviour.answer_delay)
        self._note_answer(attempt, behaviour)
        body = write_response(
            _REGISTERED, behaviour.answer_errors if behaviour.answer is Answer.ERROR else ()
        )
        return await self._answers.say(request, call, behaviour.answer, body, behaviour.hold)

    def _judge(self, call: Call) -> tuple[OrganizationSettings | None, tuple[ErrorItem, ...]]:
        """Do the coarse check that is answered at once."""
        if not call.organizations:
            return None, (say("NO_RMIS"),)
        faults = find_faults(call.request)
        if faults:
            return None, faults
        oid = read_metadata(call.request).organization
        organization = next((one for one in call.organizations if one.oid == oid), None)
        if organization is None:
            text = f"Организация [{oid}] не привязана к РМИС [{call.client}]"
            return None, (say("VALIDATION_ERROR", text),)
        if not organization.callback and not _is_loopback(call.reply_to):
            return None, (say("VALIDATION_ERROR", "ReplyTo"),)
        return organization, ()

    def _take(self, call: Call, callback: str) -> tuple[Attempt, Behaviour]:
        metadata = read_metadata(call.request)
        rule = self._scenario.choose(
            metadata.local_uid, kind=metadata.kind, organization=metadata.organization
        )
        number = self.registry.count_attempts(metadata.local_uid) + 1
        behaviour = rule.behaviour(number)
        now = self._clock.now()
        spread = behaviour.spread * self._scenario.draw("spread", metadata.local_uid)
        attempt = Attempt(
            message_id=call.message_id,
            local_uid=metadata.local_uid,
            number=number,
            organization=metadata.organization,
            kind=metadata.kind,
            patient=self.registry.hide(metadata.patient.snils),
            request=b"" if behaviour.becomes is Becomes.DROPPED else call.body,
            version=call.version,
            client=call.client,
            callback=callback,
            at=now,
            rule=rule.name,
            stage=_first_stage(behaviour),
            due=now + self._settings.scaled(behaviour.delay + spread),
            unanswered=behaviour.inquiries_unanswered,
        )
        with transaction(self.registry.store):
            self.registry.add_attempt(attempt)
            self.log.write(
                "attempt",
                local_uid=attempt.local_uid,
                message_id=attempt.message_id,
                attempt=number,
                rule=rule.name,
                organization=attempt.organization,
                document_kind=attempt.kind,
            )
        return attempt, behaviour

    def _note_answer(self, attempt: Attempt, behaviour: Behaviour) -> None:
        with transaction(self.registry.store):
            self.registry.note_answer(attempt.message_id, behaviour.answer, self._clock.now())
            self.log.write(
                "answer",
                local_uid=attempt.local_uid,
                message_id=attempt.message_id,
                attempt=attempt.number,
                answered=behaviour.answer,
                codes=" ".join(item.code for item in behaviour.answer_errors),
            )

    async def _wait_for_callback(self, message_id: str) -> None:
        patience = self._settings.patience.total_seconds()
        try:
            async with asyncio.timeout(patience):
                await self._work.wait_for_end(message_id)
        except TimeoutError:
            self.log.write("answer_before_callback", message_id=message_id)


def _first_stage(behaviour: Behaviour) -> Stage:
    if behaviour.becomes is Becomes.DROPPED:
        return Stage.DONE
    return Stage.HELD if behaviour.after_next_attempt else Stage.CHECK


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
