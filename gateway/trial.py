"""A whole trial on this machine: test PKI, sandbox, gateway and documents, nothing beforehand.

The demo, the journeys and the benches stand on it; it talks to loopback only.
"""

from __future__ import annotations

import io
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
from multidict import CIMultiDict

from gateway.app import Doors, Gateway, open_gateway
from gateway.doors import SystemClock, SystemIds
from gateway.ports import Ids
from gateway.samples.keys import write_keys
from gateway.samples.maker import Maker, SampleDocument
from gateway.samples.signing import GOST, PkiSigner
from gateway.sandbox.counterpart import Counterpart, SandboxAccount, Surroundings
from gateway.sandbox.program import Sandbox, deal_faults, discover
from gateway.settings import Loaded, load
from gateway.signatures.backends import open_backend
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What kind of trial it is to be."""

    folder: Path
    """Where all that it writes goes."""
    faults: str = ""
    """Name or file of a scenario of the sandbox; empty: none."""
    scale: float = 1.0
    """How many times shorter every wait is, on both sides."""
    packs: Sequence[Path] = ()
    pki: Path | None = None
    """A test PKI that is there already; else one is made in the folder."""
    lines: Sequence[str] = ()
    """TOML that the gateway's configuration begins with."""
    doors: Doors = field(default_factory=Doors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A gateway and its counterparts, running and wired to each other."""

    gateway: Gateway
    sandbox: Sandbox
    session: aiohttp.ClientSession
    maker: Maker
    gost_maker: Maker | None
    """None where no backend here can do GOST R 34.10-2012."""
    pki: Path
    port: int

    def make(self, number: int, *, now: datetime, ids: Ids) -> SampleDocument:
        """Return a document: each second one is signed under GOST, where this machine can."""
        signers = (self.maker, self.gost_maker or self.maker)
        return signers[number % 2].make(number, now=now, ids=ids)

    async def hand_over(self, document: SampleDocument) -> tuple[int, str]:
        """Post a document with its signatures; return the status and the exchange's id."""
        form = write_form(document)
        async with self.session.post(f"{self.gateway.url}/exchanges", data=form) as answer:
            location = answer.headers.get("Location", "")
            await answer.read()
            return answer.status, location.rpartition("/")[2]

    async def account(self) -> SandboxAccount:
        """Return the counterparts' own truth about every document."""
        accounts = [await one.account() for one in self.sandbox.counterparts.values()]
        documents = {uid: one for account in accounts for uid, one in account.documents.items()}
        return SandboxAccount(documents=documents, searches=sum(one.searches for one in accounts))


@asynccontextmanager
async def open_trial(wishes: Wishes) -> AsyncIterator[Trial]:
    """Start the counterparts, then a gateway that is pointed at them."""
    pki = wishes.pki or wishes.folder / "pki"
    clock = SystemClock()
    if wishes.pki is None:
        make_test_pki(read_declaration(), pki, now=clock.now())
    port = free_port()
    async with (
        Sandbox(open_counterparts(wishes, pki), clock=clock, host=LOOPBACK) as sandbox,
        open_gateway(
            configure(wishes, sandbox.configuration(), pki, port), wishes.doors
        ) as gateway,
        aiohttp.ClientSession() as session,
    ):
        backend = open_backend()
        gost = (pki / f"ru-clinic77-chair{GOST}.key.pem").exists()
        yield Trial(
            gateway=gateway,
            sandbox=sandbox,
            session=session,
            maker=Maker(sign=PkiSigner(pki, backend)),
            gost_maker=Maker(sign=PkiSigner(pki, backend, gost=True)) if gost else None,
            pki=pki,
            port=port,
        )


def open_counterparts(wishes: Wishes, pki: Path) -> list[Counterpart]:
    """Return every counterpart there is, with the faults asked for."""
    everybody = discover()
    faults = deal_faults(wishes.faults, everybody)
    return [
        found.open(
            Surroundings(
                clock=SystemClock(),
                ids=SystemIds(),
                settings={},
                pki=pki,
                time_scale=wishes.scale,
                faults=faults[found.name],
                store=wishes.folder / f"sandbox-{found.name}.sqlite",
            )
        )
        for found in everybody
    ]


def configure(wishes: Wishes, endpoints: str, pki: Path, port: int) -> Loaded:
    """Write the gateway's configuration into the folder and read it."""
    own = [
        *wishes.lines,
        f"packs = {json.dumps([str(one.absolute()) for one in wishes.packs])}",
        "[server]",
        f"port = {port}",
        "[store]",
        f"path = {json.dumps(str((wishes.folder / 'gateway.sqlite').absolute()))}",
        "[time]",
        f"scale = {wishes.scale}",
        write_keys(pki),
        endpoints.replace(f"{LOOPBACK}:8080", f"{LOOPBACK}:{port}"),
    ]
    file = wishes.folder / "mse-gateway.toml"
    file.write_text("\n".join(own), encoding="utf-8")
    return load(file, environ={})


def write_form(document: SampleDocument) -> aiohttp.MultipartWriter:
    """Return the body of `POST /exchanges`: the document and what its signers signed.

    The organisation's own signature is left to the gateway, which has the key.
    """
    form = aiohttp.MultipartWriter("form-data")
    part = form.append(io.BytesIO(document.content), _headers("application/xml"))
    part.set_content_disposition("form-data", name="document", filename="document.xml")
    for one in document.signatures:
        if one.role != "organization":
            headers = _headers("application/pkcs7-signature", role=one.role)
            part = form.append(io.BytesIO(one.content), headers)
            part.set_content_disposition("form-data", name="signature", filename="signer.p7s")
    return form


def _headers(content_type: str, *, role: str = "") -> CIMultiDict[str]:
    headers = CIMultiDict({"Content-Type": content_type})
    if role:
        headers["X-Role"] = role
    return headers


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
