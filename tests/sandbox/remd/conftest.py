"""A test PKI made for the run, and what every conversation with the sandbox РЭМД begins with."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gateway.doors import SystemClock, SystemIds
from gateway.sandbox.remd.opening import SCENARIOS, RemdSandbox
from gateway.sandbox.remd.settings import OrganizationSettings, RemdSettings
from gateway.sandbox.remd.wss import Signer
from gateway.sandbox.scenario import NO_FAULTS, Scenario, load_scenario
from gateway.signatures.backends import open_backend
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki
from tests.sandbox.remd.containers import make_container, read_hand
from tests.sandbox.remd.mis import Answer, Mis
from tests.sandbox.remd.papers import Paper, make_paper

CLIENT = "17c74e63-dc38-438d-a27a-a1aa063ee7b8"
OTHER_CLIENT = "27c74e63-dc38-438d-a27a-a1aa063ee7b8"
CLINIC = "1.2.643.5.1.13.13.12.2.77.8481"
HOSPITAL = "1.2.643.5.1.13.13.12.2.16.9016"
CERTIFICATES = (
    "ru-clinic77-chair",
    "ru-clinic77-member-1",
    "ru-clinic77-organization",
    "ru-clinic77-transport",
    "ru-hospital16-organization",
    "ru-hospital16-transport",
    "remd-partner",
    "gateway-transport",
    "stranger-partner",
    "ru-expired",
    "ru-revoked",
    "ru-wrong-usage",
)
CLOCK = SystemClock()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("remd-pki")
    make_test_pki(read_declaration().only(*CERTIFICATES), folder, now=CLOCK.now())
    return folder


@pytest.fixture
def settings(pki: Path) -> RemdSettings:
    organizations = read_declaration().organizations
    clients = {"clinic77": CLIENT, "hospital16": OTHER_CLIENT}
    return RemdSettings(
        trust=pki / "trust",
        key_file=pki / "remd-partner.key.pem",
        certificate_file=pki / "remd-partner.cert.pem",
        organizations={
            name: OrganizationSettings(
                oid=organizations[name].oid,
                ogrn=organizations[name].ogrn,
                name=organizations[name].name,
                client_entity_id=client,
            )
            for name, client in clients.items()
        },
        time_scale=3600.0,
        patience=timedelta(seconds=5),
    )


@dataclass
class Conversation:
    """A sandbox, a МИС that talks to it, and papers to talk about."""

    sandbox: RemdSandbox
    mis: Mis
    pki: Path
    scenario: Scenario
    settings: RemdSettings

    @asynccontextmanager
    async def reopen(self, scenario: Scenario, store: Path) -> AsyncIterator[RemdSandbox]:
        """Stop the sandbox and start another over the same store; the МИС stays."""
        await self.sandbox.__aexit__(None, None, None)
        self.sandbox = RemdSandbox(
            self.settings, clock=CLOCK, ids=SystemIds(), scenario=scenario, store=store
        )
        async with self.sandbox:
            self.mis.url = self.sandbox.url
            yield self.sandbox

    def seal(self, certificate: str, content: bytes) -> bytes:
        return make_container(content, read_hand(self.pki, certificate), at=CLOCK.now())

    def signer(self, certificate: str) -> Signer:
        hand = read_hand(self.pki, certificate)
        return Signer(open_backend().load_private(hand.key), hand.certificate, open_backend())

    def paper(self, rule: str = "", number: int = 1) -> Paper:
        """Make a paper that falls under the rule; `number` tells papers apart."""
        uids = (str(uuid.UUID(int=number * 2**96 + count)) for count in itertools.count(1))
        uid = next(uid for uid in uids if rule in ("", self.scenario.choose(uid).name))
        return make_paper(number, uid, CLOCK.now() - timedelta(minutes=1), self.seal)

    async def bring(self, paper: Paper, *, message_id: str = "") -> Answer:
        """Have a paper registered."""
        self.mis.files[paper.local_uid.lower()] = paper.content
        return await self.mis.send("registerDocument", paper.request(), message_id=message_id)

    async def kinds(self, kind: str) -> list[str]:
        """Return the localUids of the log's entries of one kind."""
        return [entry.local_uid for entry in self.sandbox.remd.log.entries(kind=kind)]


Talk = Callable[..., AbstractAsyncContextManager[Conversation]]


@pytest.fixture
def talk(settings: RemdSettings, pki: Path) -> Talk:
    """Return what opens a conversation, under a shipped scenario by its name or one of the test."""

    @asynccontextmanager
    async def open_conversation(
        faults: str | Scenario = NO_FAULTS, *, store: Path | None = None, **changes: object
    ) -> AsyncIterator[Conversation]:
        scenario = load_scenario(faults, SCENARIOS) if isinstance(faults, str) else faults
        hand = read_hand(pki, "ru-clinic77-transport")
        backend = open_backend()
        signer = Signer(backend.load_private(hand.key), hand.certificate, backend)
        async with aiohttp.ClientSession() as session:
            mis = Mis(signer, CLIENT, session)
            runner = await _serve(mis)
            changed = replace(settings, **changes)  # type: ignore[arg-type] # fields by name
            sandbox = RemdSandbox(
                changed, clock=CLOCK, ids=SystemIds(), scenario=scenario, store=store
            )
            try:
                async with sandbox:
                    mis.url = sandbox.url
                    yield Conversation(sandbox, mis, pki, scenario, changed)
            finally:
                await runner.cleanup()

    return open_conversation


async def _serve(mis: Mis) -> web.AppRunner:
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/soap/remd", mis.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    mis.callback = f"http://127.0.0.1:{runner.addresses[0][1]}/soap/remd"
    return runner
