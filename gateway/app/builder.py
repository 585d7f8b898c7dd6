"""Puts the rooms together; the only place that knows everybody."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway import resources
from gateway.app.crypto import Crypto, open_crypto
from gateway.app.evidence import open_desk
from gateway.app.scale import check_scale
from gateway.app.work import Work
from gateway.doors import SystemChance, SystemClock, SystemIds, pass_by
from gateway.endpoints.discovery import Context, discover
from gateway.errors import SettingError
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Duty
from gateway.flow.acts import Acts
from gateway.flow.correspondence import Correspondence
from gateway.flow.delivery import Delivery
from gateway.flow.inquiry import Inquiry
from gateway.flow.intake import Intake
from gateway.flow.mapping import Description
from gateway.flow.notification import Courier, Notification, WebhookPostman, open_target
from gateway.flow.runner import Desk, Runner, Step
from gateway.flow.signature import EvidenceDesk, Signature
from gateway.flow.validation import Validation
from gateway.inbound.house import House
from gateway.inbound.senders import read_directory
from gateway.inbound.server import build_server
from gateway.inbound.tls import open_tls
from gateway.inbound.watch import Watch
from gateway.ports import CallbackDoor, Clock, Endpoint, Failpoint, Ledger, Log, Sealer
from gateway.settings import Settings, read_secret
from gateway.signatures.backends import SelfTest
from gateway.signatures.chain import load_trust
from gateway.signatures.sealing import load_seal, mark, patient_index
from gateway.signatures.verdict import Verdict
from gateway.store.sqlite import SqliteLedger
from gateway.telemetry.health import Condition, Health, stand
from gateway.telemetry.logs import open_log
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.observer import Chorus, Counting, Telling
from gateway.validation.dictionaries import Dictionaries
from gateway.validation.pack_folders import find_packs
from gateway.validation.packs import PackRunner
from gateway.validation.validator import Validator

MOSCOW = ZoneInfo("Europe/Moscow")
_WEBHOOK_PAUSE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that runs."""

    url: str
    ledger: Ledger
    endpoints: Mapping[str, Endpoint]
    self_test: SelfTest
    packs: int
    """How many authority packs are installed."""
    remarks: tuple[str, ...]
    """What whoever starts it should know: what is missing and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What a trial may open otherwise than a day at work does."""

    clock: Clock | None = None
    failpoint: Failpoint = pass_by
    log: Log = field(default_factory=open_log)
    traces: Sequence[aiohttp.TraceConfig] = ()
    """See every call out."""
    middlewares: Sequence[Middleware] = ()
    """See every call in."""


class Builder:
    """Puts the rooms together, from the ground up."""

    def __init__(self, settings: Settings, doors: Doors, stack: AsyncExitStack) -> None:
        self.settings = settings
        self.doors = doors
        self.stack = stack
        self.remarks: list[str] = []
        check_scale(settings)
        self.clock = doors.clock or SystemClock()
        self.ids = SystemIds()
        self.chance = SystemChance()
        self.metrics = Metrics(_documents(settings))
        self.watch = Watch()
        self.observer = Chorus([Counting(self.metrics), Telling(doors.log), self.watch])

    async def build(self) -> Gateway:
        """Return the running gateway."""
        crypto = open_crypto(self.settings)
        self.remarks += crypto.remarks
        for family, backend in crypto.self_test.families.items():
            self.metrics.backend(family=family, backend=backend)
        for key in crypto.keys:
            self.metrics.certificate(
                role=key.role.value, key_id=key.key_id, not_after=key.not_after
            )
        ledger = await self._open_ledger(crypto)
        session = await self.stack.enter_async_context(
            aiohttp.ClientSession(trace_configs=list(self.doors.traces))
        )
        evidence = await open_desk(
            self.settings.trust,
            crypto.backend,
            session,
            self.stack,
            metrics=self.metrics,
            log=self.doors.log,
        )
        if self.settings.trust.directory is None:
            self.remarks.append(
                "no [trust] directory: no signature can be verified, exchanges wait"
            )
        endpoints, callback_doors = self._build_endpoints(crypto, session)
        validator, packs = await self._open_validation()
        desk = Desk(
            ledger=ledger,
            clock=self.clock,
            chance=self.chance,
            observer=self.observer,
            terms={name: one.terms for name, one in endpoints.items()},
            failpoint=self.doors.failpoint,
        )
        intake = Intake(
            desk=desk,
            endpoints=endpoints,
            validator=validator,
            ids=self.ids,
            patient_index=lambda snils: patient_index(crypto.index_key, snils).hex(),
            local_date=self._today,
        )
        postman = self._open_postman(session)
        await self._start_work(desk, crypto, evidence, endpoints, packs, postman)
        house = House(
            ledger=ledger,
            intake=intake,
            acts=Acts(desk=desk),
            correspondence=Correspondence(desk=desk),
            doors=callback_doors,
            directory=read_directory(self.settings),
            metrics=self.metrics,
            health=self._health(ledger, crypto, endpoints, packs),
            clock=self.clock,
            ids=self.ids,
            log=self.doors.log,
            settings=self.settings.server,
            watch=self.watch,
        )
        url = await self._serve(house)
        return Gateway(
            url=url,
            ledger=ledger,
            endpoints=endpoints,
            self_test=crypto.self_test,
            packs=len(packs.packs),
            remarks=tuple(self.remarks),
        )

    async def _open_ledger(self, crypto: Crypto) -> Ledger:
        store = self.settings.store
        sealer: Sealer | None = None
        if store.key_file is not None:
            sealer = load_seal([store.key_file], secrets.token_bytes)
        else:
            self.remarks.append("no store.key_file: bodies are compressed, not encrypted")
        ledger = SqliteLedger(
            store.path,
            webhooks=frozenset(name for name, one in self.settings.senders.items() if one.webhook),
            sealer=sealer,
            sign=lambda content: mark(crypto.index_key, content),
            check=lambda content, signature: mark(crypto.index_key, content) == signature,
            failpoint=self.doors.failpoint,
            committed=self.metrics.committed,
        )
        await ledger.open()
        self.stack.push_async_callback(ledger.close)
        return ledger

    def _build_endpoints(
        self, crypto: Crypto, session: aiohttp.ClientSession
    ) -> tuple[dict[str, Endpoint], dict[str, CallbackDoor]]:
        context = Context(
            session=session,
            keys=crypto.keys,
            clock=self.clock,
            ids=self.ids,
            load_trust=lambda folder: load_trust(folder, backend=crypto.backend),
            heard=self._count_signature,
            scale=self.settings.time.scale,
        )
        kinds = discover()
        endpoints: dict[str, Endpoint] = {}
        callback_doors: dict[str, CallbackDoor] = {}
        for name, table in self.settings.endpoints.items():
            if name not in kinds:
                known = ", ".join(sorted(kinds)) or "none"
                raise SettingError(
                    f"there is no endpoint {name}; there are: {known}", where=f"endpoints.{name}"
                )
            built = kinds[name].build(table, context)
            endpoints[name] = built.endpoint
            if built.door is not None:
                callback_doors[name] = built.door
        if not endpoints:
            self.remarks.append("no [endpoints]: documents are checked, none can be delivered")
        return endpoints, callback_doors

    async def _open_validation(self) -> tuple[Validator, PackRunner]:
        folders = self.settings.packs
        dictionaries = Dictionaries.load(resources.MAPPINGS / "terminology", folders)
        validator = Validator.load(resources.PROFILES, dictionaries)
        packs = PackRunner(
            find_packs(folders),
            workers=self.settings.validation.workers,
            limit=self.settings.validation.seconds_per_document,
        )
        await packs.start()
        self.stack.push_async_callback(packs.close)
        if not packs.packs:
            self.remarks.append("no authority pack: tier 3 is left to the recipient")
        return validator, packs

    def _open_postman(self, session: aiohttp.ClientSession) -> WebhookPostman:
        targets = {
            name: open_target(one.webhook, _webhook_secret(name, one.webhook_secret_file))
            for name, one in self.settings.senders.items()
            if one.webhook
        }
        return WebhookPostman(
            targets=targets,
            session=session,
            clock=self.clock,
            pause=_WEBHOOK_PAUSE / self.settings.time.scale,
        )

    async def _start_work(
        self,
        desk: Desk,
        crypto: Crypto,
        evidence: EvidenceDesk,
        endpoints: Mapping[str, Endpoint],
        packs: PackRunner,
        postman: WebhookPostman,
    ) -> None:
        ledger, clock = desk.ledger, self.clock
        signature = Signature(
            ledger=ledger,
            endpoints=endpoints,
            keys=crypto.keys,
            desk=evidence,
            clock=clock,
            terms=desk.terms,
            heard=self._count_signature,
        )
        steps: dict[Duty, Step] = {
            Duty.VALIDATE: Validation(ledger=ledger, packs=packs),
            Duty.MAP: Description(ledger=ledger, endpoints=endpoints),
            Duty.SIGN: signature,
            Duty.DELIVER: Delivery(ledger=ledger, endpoints=endpoints, clock=clock),
            Duty.INQUIRE: Inquiry(ledger=ledger, endpoints=endpoints, clock=clock),
            Duty.NOTIFY: Notification(
                ledger=ledger, postman=postman, clock=clock, terms=desk.terms
            ),
        }
        scale = self.settings.time.scale
        courier = Courier(
            ledger=ledger,
            postman=postman,
            clock=clock,
            chance=self.chance,
            terms=Terms().shortened(scale),
        )
        runner = Runner(desk=desk, steps=steps, log=self.doors.log)
        work = Work(runner=runner, courier=courier, ledger=ledger, clock=clock, log=self.doors.log)
        await self.stack.enter_async_context(work.running())

    def _count_signature(self, kind: str, verdict: Verdict) -> None:
        self.metrics.container_checked(kind, verdict)

    def _today(self) -> date:
        return self.clock.now().astimezone(MOSCOW).date()

    def _health(
        self, ledger: Ledger, crypto: Crypto, endpoints: Mapping[str, Endpoint], packs: PackRunner
    ) -> Health:
        missing = ", ".join(check.name for check in crypto.self_test.missing)
        signatures = Condition(
            ready=True,
            text=f"no backend for {missing}" if missing else "every algorithm has a backend",
            facts={
                "backend": crypto.self_test.backend,
                "families": dict(crypto.self_test.families),
            },
        )
        names = ", ".join(sorted(endpoints)) or "none"
        return Health(
            {
                "ledger": partial(_ask_ledger, ledger),
                "signatures": stand(signatures),
                "endpoints": stand(Condition(ready=True, text=names, vital=False)),
                "packs": stand(Condition(ready=True, text=str(len(packs.packs)), vital=False)),
            }
        )

    async def _serve(self, house: House) -> str:
        app = build_server(house)
        app.middlewares.extend(self.doors.middlewares)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self.stack.push_async_callback(runner.cleanup)
        server = self.settings.server
        tls = open_tls(server)
        site = web.TCPSite(runner, server.host, server.port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            raise SettingError(f"cannot listen: {error.strerror}", where="server.port") from error
        port = runner.addresses[0][1]
        host = f"[{server.host}]" if ":" in server.host else server.host
        return f"{'https' if tls else 'http'}://{host}:{port}"


async def _ask_ledger(ledger: Ledger) -> Condition:
    """Write what changes nothing: whoever cannot is not ready."""
    await ledger.settle_webhook(0, due=None)  # no inbox entry has this id
    return Condition(ready=True, text="the ledger takes writes")


def _documents(settings: Settings) -> dict[str, frozenset[str]]:
    kinds = discover()
    return {name: kinds[name].documents for name in settings.endpoints if name in kinds}


def _webhook_secret(sender: str, file: Path | None) -> str:
    where = f"senders.{sender}.webhook_secret_file"
    if file is None:
        raise SettingError("a webhook wants a secret that signs it", where=where)
    return read_secret(file, where)
