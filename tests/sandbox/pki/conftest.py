"""The authorities of a test PKI made for the run, and openssl to ask them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.doors import SystemClock, SystemIds
from gateway.sandbox.counterpart import Surroundings
from gateway.sandbox.pki.opening import open_counterpart
from gateway.sandbox.program import Sandbox
from gateway.signatures.algorithms import GOST_256
from gateway.signatures.backends import open_backend
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

ENGINE = """
openssl_conf = whole
[whole]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
[req]
"""
CERTIFICATES = (
    *("ru-clinic77-chair", "ru-clinic77-organization", "ru-ocsp", "ru-tsa"),
    *("ru-revoked", "ru-superseded", "ru-on-hold", "ru-released", "ru-revoked-today"),
    *("ru-tsa-without-purpose", "kz-clinic-chair", "kz-revoked", "kz-ocsp", "kz-tsa"),
)

Ask = Callable[..., Awaitable[str]]
Open = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authorities")
    make_test_pki(read_declaration().only(*CERTIFICATES), folder, now=SystemClock().now())
    return folder


@pytest.fixture
def authorities(pki: Path) -> Open:
    """Return what serves the authorities while entered, and gives the address below which."""

    @asynccontextmanager
    async def serve(faults: str = "", time_scale: float = 1.0) -> AsyncIterator[str]:
        surroundings = Surroundings(
            clock=SystemClock(), ids=SystemIds(), pki=pki, faults=faults, time_scale=time_scale
        )
        counterpart = open_counterpart(replace(surroundings))
        async with Sandbox([counterpart], clock=SystemClock()) as sandbox:
            yield f"{sandbox.base_url}/{counterpart.name}"

    return serve


@pytest.fixture(scope="session")
def ask(foreign: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Return what runs a foreign program, with the GOST engine where it is installed."""
    foreign("openssl")
    configuration = tmp_path_factory.mktemp("openssl") / "openssl.cnf"
    configuration.write_text(ENGINE if open_backend().supports(GOST_256) else "")

    async def run(*order: object) -> str:
        program = await asyncio.create_subprocess_exec(
            *map(str, order),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"OPENSSL_CONF": str(configuration), "PATH": "/usr/bin:/bin"},
        )
        told, _ = await program.communicate()
        return told.decode("utf-8", "replace")

    return run
