"""A revoked signer is found before РЭМД finds him, and a silent authority refuses nobody."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.doors import SystemClock
from gateway.settings import AuthoritySettings, TrustSettings
from gateway.signatures.backends import open_backend
from gateway.signatures.keys import KeyFiles, Role, SigningKey, load_key
from tests.journeys.house import House, open_house, operator, sender
from tests.signatures.ocsp.answering import GOOD, Answer, revoked
from tests.transports.evidence.conftest import nonce_in, serial_in

LINES = (*sender("clinic"), operator("chief"))


@dataclass
class Authority:
    """Answers about every certificate it is asked about, or not at all."""

    pki: Path
    status: bytes = GOOD
    up: bool = True
    asked: int = 0

    def key(self, name: str) -> SigningKey:
        files = KeyFiles(
            "", Role.ORGANIZATION, self.pki / f"{name}.key.pem", self.pki / f"{name}.cert.pem"
        )
        return load_key(files, open_backend())

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if not self.up:
            return web.Response(status=503)
        body, now = await request.read(), SystemClock().now()
        issuing = self.key("ru-issuing")
        said = Answer(
            responder=issuing,
            certificate=replace(issuing.certificate, serial=serial_in(body)),
            issuer=issuing.certificate,
            status=self.status,
            this_update=now - timedelta(seconds=1),
            produced_at=now,
            nonce=nonce_in(body),
        )
        return web.Response(body=said.der())


@asynccontextmanager
async def opened(tmp_path: Path, pki: Path, authority: Authority) -> AsyncIterator[House]:
    """Open a house whose folder holds no list of the issuing authority: it must be asked."""
    folder = tmp_path / "trust"
    shutil.copytree(pki / "trust", folder)
    for crl in folder.glob("ru-issuing*.crl.pem"):
        crl.unlink()
    app = web.Application()
    app.router.add_post("/ocsp", authority.answer)
    async with TestServer(app) as server:
        named = AuthoritySettings(
            certificate_sha256=authority.key("ru-issuing").certificate.sha256,
            ocsp=(str(server.make_url("/ocsp")),),
        )

        def trust(settings: TrustSettings) -> TrustSettings:
            return replace(
                settings, directory=folder, pause=timedelta(0), authorities={"issuing": named}
            )

        async with open_house(tmp_path, pki, lines=LINES, trust=trust) as house:
            yield house


async def timeline(house: House, exchange_id: str) -> list[dict[str, Any]]:
    reply = await house.call("GET", f"/exchanges/{exchange_id}/timeline", token="clinic")
    events: list[dict[str, Any]] = reply.json["events"]
    return events


def of_signatures(exchange: dict[str, Any]) -> list[str]:
    return [one["rule"] for one in exchange["findings"] if one["rule"].startswith("signature/")]


@pytest.fixture
def authority(pki: Path) -> Authority:
    return Authority(pki)


async def test_revoked_signer_is_refused_before_the_registry_sees_the_document(
    tmp_path: Path, pki: Path, authority: Authority
) -> None:
    authority.status = revoked(SystemClock().now() - timedelta(days=1), 1)
    async with opened(tmp_path, pki, authority) as house:
        reply = await house.hand_over(house.make("adult-in-person"), token="clinic")
        after = await house.becomes(
            reply.exchange, lambda one: one["outcome"] == "refused", token="clinic"
        )
        events = await timeline(house, reply.exchange)
        account = await house.trial.account()

    assert {one["rule"] for one in after["findings"]} == {"signature/revoked"}
    assert {one["where"] for one in after["findings"]} == {"signature[14]"}
    assert "DeliveryBegan" not in {one["event"] for one in events}
    (refused,) = (one for one in events if one["event"] == "Refused")
    assert refused["facts"]["checks"][0]["verdict"] == "revoked"
    assert not account.documents


async def test_silent_authority_makes_the_document_wait_until_it_answers(
    tmp_path: Path, pki: Path, authority: Authority
) -> None:
    authority.up = False
    async with opened(tmp_path, pki, authority) as house:
        reply = await house.hand_over(house.make("adult-in-person"), token="clinic")
        waiting = await house.becomes(
            reply.exchange, lambda one: bool(of_signatures(one)), token="clinic"
        )
        authority.up = True
        after = await house.becomes(
            reply.exchange, lambda one: one["outcome"] is not None, token="clinic"
        )

    assert waiting["state"] == "mapped"
    assert waiting["due"]
    assert of_signatures(waiting) == ["signature/revocation-unknown"]
    assert after["outcome"] == "registered"
    assert of_signatures(after) == []


@asynccontextmanager
async def beside_the_sandbox(tmp_path: Path, pki: Path, faults: str = "") -> AsyncIterator[House]:
    """Open a house without any list in its folder: the sandbox's authorities must be asked."""
    folder = tmp_path / "trust"
    shutil.copytree(pki / "trust", folder)
    for crl in folder.glob("*.crl.pem"):
        crl.unlink()

    def trust(settings: TrustSettings) -> TrustSettings:
        return replace(settings, directory=folder)

    async with open_house(tmp_path, pki, lines=LINES, faults=faults, trust=trust) as house:
        yield house


async def test_authorities_of_the_sandbox_are_asked_and_believed(tmp_path: Path, pki: Path) -> None:
    async with beside_the_sandbox(tmp_path, pki) as house:
        reply = await house.hand_over(house.make("adult-in-person"), token="clinic")
        after = await house.becomes(
            reply.exchange, lambda one: one["outcome"] is not None, token="clinic"
        )

    assert after["outcome"] == "registered"
    assert of_signatures(after) == []


async def test_what_the_sandbox_says_of_a_signer_keeps_the_document_here(
    tmp_path: Path, pki: Path
) -> None:
    async with beside_the_sandbox(tmp_path, pki, "ocsp-revoked") as house:
        reply = await house.hand_over(house.make("adult-in-person"), token="clinic")
        after = await house.becomes(
            reply.exchange, lambda one: one["outcome"] is not None, token="clinic"
        )
        account = await house.trial.account()

    assert after["outcome"] == "refused"
    assert not account.documents


async def test_silent_authorities_of_the_sandbox_make_the_document_wait(
    tmp_path: Path, pki: Path
) -> None:
    async with beside_the_sandbox(tmp_path, pki, "authorities-down") as house:
        reply = await house.hand_over(house.make("adult-in-person"), token="clinic")
        waiting = await house.becomes(
            reply.exchange, lambda one: bool(of_signatures(one)), token="clinic"
        )
        account = await house.trial.account()

    assert waiting["state"] == "mapped"
    assert of_signatures(waiting) == ["signature/revocation-unknown"]
    assert not account.documents


@pytest.mark.parametrize("faults", ["ocsp-wrong-responder", "ocsp-another-certificate"])
async def test_answer_that_cannot_be_believed_is_made_up_for_by_a_list(
    tmp_path: Path, pki: Path, faults: str
) -> None:
    async with beside_the_sandbox(tmp_path, pki, faults) as house:
        reply = await house.hand_over(house.make("adult-in-person"), token="clinic")
        after = await house.becomes(
            reply.exchange, lambda one: one["outcome"] is not None, token="clinic"
        )
        asked = await house.trial.session.get(f"{house.trial.sandbox.base_url}/pki/log")
        log = await asked.text()

    assert after["outcome"] == "registered"
    assert "ocsp" in log
    assert "crl" in log
