"""A made PKI, a referral with its signatures, and an endpoint before a scripted registry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.doors import SystemIds
from gateway.endpoints.discovery import Context, discover
from gateway.endpoints.remd.adapter import RemdEndpoint
from gateway.endpoints.remd.door import RemdDoor
from gateway.ports import Consignment, SignerCms
from gateway.samples.maker import Maker
from gateway.signatures.backends import open_backend
from gateway.signatures.cades import sign_detached
from gateway.signatures.chain import load_trust
from gateway.signatures.declaration import read_declaration
from gateway.signatures.keys import KeyFiles, KeyRing, Role, SigningKey, load_key
from gateway.signatures.testpki import make_test_pki
from gateway.signatures.verdict import Verdict
from tests.endpoints.remd.registry import (
    CLINIC,
    ENTITY,
    NOON,
    OUR_ADDRESS,
    HandClock,
    Registry,
    consign,
)

_NAMES = (
    "ru-clinic77-organization",
    "ru-clinic77-chair",
    "ru-clinic77-member-1",
    "ru-clinic77-transport",
    "remd-partner",
    "stranger-partner",
)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    declared = replace(read_declaration().only(*_NAMES), gost=False)
    make_test_pki(declared, folder, now=NOON)
    return folder


Keys = Callable[..., SigningKey]


@pytest.fixture(scope="session")
def key(pki: Path) -> Keys:
    def load(name: str, role: Role = Role.TRANSPORT) -> SigningKey:
        files = KeyFiles(CLINIC, role, pki / f"{name}.key.pem", pki / f"{name}.cert.pem")
        return load_key(files, open_backend())

    return load


@pytest.fixture(scope="session")
def document() -> bytes:
    return Maker().make(7, now=NOON, ids=SystemIds(), example="adult-in-person").content


@dataclass
class House:
    """Our side of the line, and the other side's script."""

    registry: Registry
    endpoint: RemdEndpoint
    door: RemdDoor
    consignment: Consignment
    clock: HandClock
    checks: list[tuple[str, Verdict]]
    """Every check of a signature that the house told of."""


@pytest.fixture
async def build(pki: Path, key: Keys, document: bytes) -> AsyncIterator[Callable[..., House]]:
    """Return a builder of houses; what it is given goes into `[endpoints.remd]`."""
    registry = Registry(key("remd-partner"))
    checks: list[tuple[str, Verdict]] = []
    application = web.Application(client_max_size=2**26)
    application.router.add_post("/{tail:.*}", registry.serve)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:
        registry.url = str(server.make_url("/port/emdr"))
        clock = HandClock()
        context = Context(
            session=session,
            keys=KeyRing([key("ru-clinic77-transport")]),
            clock=clock,
            ids=SystemIds(),
            load_trust=load_trust,
            heard=lambda kind, verdict: checks.append((kind, verdict)),
        )

        def make(**changes: object) -> House:
            table: dict[str, object] = {
                "url": registry.url,
                "callback_url": OUR_ADDRESS,
                "organizations": {CLINIC: {"client_entity_id": ENTITY}},
                "partner": {"certificate_files": [str(pki / "remd-partner.cert.pem")]},
                **changes,
            }
            built = discover()["remd"].build(table, context)
            assert isinstance(built.endpoint, RemdEndpoint)
            assert isinstance(built.door, RemdDoor)
            form, _ = built.endpoint.describe(document)
            return House(
                registry,
                built.endpoint,
                built.door,
                consign(document, dict(form), _signatures(document, key)),
                clock,
                checks,
            )

        yield make


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()


def _signatures(document: bytes, key: Keys) -> tuple[SignerCms, ...]:
    makers = {"organization": "ru-clinic77-organization", "14": "ru-clinic77-chair"}
    makers["16"] = "ru-clinic77-member-1"
    return tuple(
        SignerCms(role=role, content=sign_detached(document, key(name), NOON))
        for role, name in makers.items()
    )
