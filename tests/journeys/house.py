"""A gateway and its counterparts over real HTTP, with all it logs kept to be looked through."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from gateway.app import Doors, open_gateway
from gateway.doors import SystemClock, SystemIds
from gateway.formats.cda import read_cda
from gateway.ports import Query
from gateway.samples.maker import Maker, SampleDocument
from gateway.samples.signing import PkiSigner
from gateway.sandbox.program import Sandbox
from gateway.settings import TrustSettings
from gateway.signatures.backends import open_backend
from gateway.telemetry.logs import open_log
from gateway.trial import (
    LOOPBACK,
    Trial,
    Wishes,
    configure,
    free_port,
    open_counterparts,
    write_form,
)

T = TypeVar("T")
Signed = Iterable[tuple[str, bytes]]
XML = {"Content-Type": "application/xml"}
MENDER = "urn:mse-gateway:mender"
_LONGEST = 30
_numbers = iter(range(1, 999_999))


@dataclass(frozen=True)
class Reply:
    """What came back over the wire."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def exchange(self) -> str:
        return self.headers.get("Location", "").rpartition("/")[2]

    @property
    def issues(self) -> list[dict[str, Any]]:
        content = self.json
        assert content["resourceType"] == "OperationOutcome", content
        issues: list[dict[str, Any]] = content["issue"]
        return issues

    def errors(self) -> list[dict[str, Any]]:
        """Return the errors, each of which must name its place and its mender."""
        errors = [one for one in self.issues if one["severity"] in {"error", "fatal"}]
        assert errors, self.text
        for one in errors:
            menders = [each["valueCode"] for each in one["extension"] if each["url"] == MENDER]
            assert menders, one
            assert all(menders), one
            assert one.get("location"), one
            assert all(one["location"]), one
            assert one["details"]["text"], one
        return errors

    def rules(self) -> set[str]:
        return {
            coding["code"] for one in self.issues for coding in one["details"].get("coding", ())
        }


@dataclass
class House:
    """The trial, the log of its gateway, and what its callers have sent."""

    trial: Trial
    lines: io.StringIO
    texts: list[str] = field(default_factory=list)
    """Everything that was answered to a fault."""

    @property
    def url(self) -> str:
        return self.trial.gateway.url

    def make(self, example: str | None = None) -> SampleDocument:
        """Return a document of a patient that nobody else in this run has."""
        return self.trial.maker.make(
            next(_numbers), now=SystemClock().now(), ids=SystemIds(), example=example
        )

    async def call(self, method: str, path: str, *, token: str = "", **more: Any) -> Reply:
        """Call the gateway."""
        headers = dict(more.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        session = self.trial.session
        async with session.request(method, self.url + path, headers=headers, **more) as answer:
            reply = Reply(answer.status, dict(answer.headers), await answer.text())
        if reply.status >= 400:
            self.texts.append(reply.text)
        return reply

    async def post(self, content: bytes, **more: Any) -> Reply:
        """Post bytes as a document."""
        headers = {**XML, **more.pop("headers", {})}
        return await self.call(
            "POST", "/exchanges", data=io.BytesIO(content), headers=headers, **more
        )

    async def hand_over(
        self, document: SampleDocument, path: str = "", *, more_signatures: Signed = (), **more: Any
    ) -> Reply:
        """Post a document with its signers' signatures, and perhaps others: (role, CMS) each."""
        form = write_form(document)
        for role, cms in more_signatures:
            headers = {"Content-Type": "application/pkcs7-signature", "X-Role": role}
            part = form.append(io.BytesIO(cms), headers)
            part.set_content_disposition("form-data", name="signature", filename="more.p7s")
        return await self.call("POST", f"/exchanges{path}", data=form, **more)

    def sign(self, certificate: str, content: bytes) -> bytes:
        """Return a detached CMS by a key of the test PKI."""
        return PkiSigner(self.trial.pki, open_backend())(certificate, content, SystemClock().now())

    async def exchange(self, exchange_id: str, **more: Any) -> dict[str, Any]:
        reply = await self.call("GET", f"/exchanges/{exchange_id}", **more)
        assert reply.status == 200, reply.text
        found: dict[str, Any] = reply.json
        return found

    async def becomes(
        self, exchange_id: str, wanted: Callable[[dict[str, Any]], bool], **more: Any
    ) -> dict[str, Any]:
        """Return the exchange as soon as it stands as wanted."""

        async def look() -> dict[str, Any] | None:
            found = await self.exchange(exchange_id, **more)
            return found if wanted(found) else None

        return await patiently(look)

    async def count(self) -> int:
        """Return how many exchanges there are."""
        ledger, now = self.trial.gateway.ledger, SystemClock().now()
        return sum(one.documents for one in await ledger.report(Query(), by=(), now=now))

    async def holds(self) -> bool:
        """Tell whether the journal is whole."""
        await self.trial.gateway.ledger.checkpoint(now=SystemClock().now())
        report = await self.trial.gateway.ledger.verify_journal()
        assert not report.reason, report
        return True

    async def says_nothing_of(self, *documents: bytes) -> bool:
        """Tell whether no log line, metric or answer to a fault names the patients."""
        metrics = await self.call("GET", "/metrics")
        told = "\n".join([self.lines.getvalue(), metrics.text, *self.texts])
        assert "Request" in told
        for secret in {one for content in documents for one in secrets_of(content)}:
            assert secret not in told
            assert json.dumps(secret).strip('"') not in told
        return True


def secrets_of(content: bytes) -> set[str]:
    """Return СНИЛС (as written, and digits only) and family name of a whole document's patient."""
    patient = read_cda(content).tree.getroot().find("{*}recordTarget/{*}patientRole")
    assert patient is not None
    family = patient.findtext("{*}patient/{*}name/{*}family") or ""
    snils = str(read_cda(content).header.patient.snils or "")
    assert family
    assert snils
    return {family, snils, re.sub(r"\D", "", snils)}


async def patiently(look: Callable[[], Awaitable[T | None]]) -> T:
    """Return what `look` finds, as soon as it finds something."""
    async with asyncio.timeout(_LONGEST):
        while True:
            if (found := await look()) is not None:
                return found
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_house(
    folder: Path,
    pki: Path,
    *,
    lines: Iterable[str] = (),
    without_keys: Iterable[str] = (),
    faults: str = "",
    trust: Callable[[TrustSettings], TrustSettings] = lambda settings: settings,
) -> AsyncIterator[House]:
    """Open a gateway beside the sandbox; `without_keys` names keys that it is not given.

    `trust` changes whom it trusts and asks.
    """
    log = io.StringIO()
    wishes = Wishes(
        folder=folder,
        pki=pki,
        scale=100.0,
        faults=faults,
        lines=tuple(lines),
        doors=Doors(log=open_log(log)),
    )
    port = free_port()
    async with Sandbox(
        open_counterparts(wishes, pki), clock=SystemClock(), host=LOOPBACK
    ) as sandbox:
        loaded = configure(wishes, sandbox.configuration(), pki, port)
        keys = {name: one for name, one in loaded.settings.keys.items() if name not in without_keys}
        settings = replace(loaded.settings, keys=keys, trust=trust(loaded.settings.trust))
        loaded = replace(loaded, settings=settings)
        async with (
            open_gateway(loaded, wishes.doors) as gateway,
            aiohttp.ClientSession() as session,
        ):
            trial = Trial(
                gateway=gateway,
                sandbox=sandbox,
                session=session,
                maker=Maker(sign=PkiSigner(pki, open_backend())),
                gost_maker=None,
                pki=pki,
                port=port,
            )
            yield House(trial, log)


def sender(name: str, **settings: Any) -> list[str]:
    """Return `[senders.NAME]` whose token is its name."""
    values = {"token_sha256": digest(name), **settings}
    return [f"senders.{name}.{key} = {json.dumps(value)}" for key, value in values.items()]


def operator(name: str) -> str:
    """Return `[operators.NAME]` whose token is its name."""
    return f'operators.{name}.token_sha256 = "{digest(name)}"'


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
