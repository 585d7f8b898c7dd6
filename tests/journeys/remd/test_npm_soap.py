"""A SOAP client that others wrote settles an exchange, and settles nothing when it is not РЭМД."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.doors import SystemClock, SystemIds
from gateway.exchange.record import Exchange
from gateway.exchange.states import Outcome, State
from gateway.trial import Trial, Wishes, open_trial

FOREIGN = Path(__file__).parents[2] / "foreign"
NUMBER = "121.77.26.11.000000001"
DROPPED = """
title = "Every document is taken and forgotten"
[[rules]]
name = "dropped"
share = 1.0
[rules.does]
becomes = "dropped"
"""


@dataclass
class Stage:
    """A document that waits for an answer which the sandbox never gives."""

    trial: Trial
    node: str
    exchange: Exchange

    async def call(self, signer: str = "", **more: Any) -> dict[str, Any]:
        """Let npm soap send the result; `signer` names the certificate that signs."""
        order: dict[str, Any] = {
            "wsdl": f"{self.trial.gateway.url}/soap/remd?wsdl",
            "endpoint": f"{self.trial.gateway.url}/soap/remd",
            "operation": "sendRegisterDocumentResult",
            "message": {
                "relatesToMessage": self.exchange.attempts[-1].message_id,
                "status": "success",
                "localUid": self.exchange.identity.local_uid,
                "registryItem": {"emdrId": NUMBER, "registrationDate": "2026-11-25T12:00:00Z"},
            },
            **more,
        }
        if signer:
            pki = self.trial.pki
            order["key"] = (pki / f"{signer}.key.pem").read_text()
            order["certificate"] = (pki / f"{signer}.cert.pem").read_text()
        process = await asyncio.create_subprocess_exec(
            self.node,
            "send_result.js",
            cwd=FOREIGN,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(json.dumps(order).encode()), 60)
        answer: dict[str, Any] = json.loads(out)
        return answer

    async def post(self, envelope: str) -> tuple[int, str]:
        """Post an envelope as it stands."""
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        url = f"{self.trial.gateway.url}/soap/remd"
        async with self.trial.session.post(url, data=envelope.encode(), headers=headers) as answer:
            return answer.status, await answer.text()

    async def now(self) -> Exchange:
        found = await self.trial.gateway.ledger.get(self.exchange.id)
        assert found is not None
        return found

    async def counted(self, kind: str) -> float:
        """Return a count of `mse_gateway_answers_total`."""
        async with self.trial.session.get(f"{self.trial.gateway.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        wanted = [line for line in lines if line.startswith("mse_gateway_answers_total")]
        return sum(float(line.split()[-1]) for line in wanted if f'kind="{kind}"' in line)


@pytest.fixture
async def stage(tmp_path: Path, foreign: Callable[[str], str]) -> AsyncIterator[Stage]:
    node = foreign("node")
    if not (FOREIGN / "node_modules" / "soap").is_dir():
        foreign("npm soap (npm ci in tests/foreign)")
    scenario = tmp_path / "dropped.toml"
    scenario.write_text(DROPPED, encoding="utf-8")
    async with open_trial(Wishes(folder=tmp_path, faults=str(scenario))) as trial:
        document = trial.maker.make(1, now=SystemClock().now(), ids=SystemIds())
        status, exchange_id = await trial.hand_over(document)
        assert status == 202
        async with asyncio.timeout(30):
            while True:
                exchange = await trial.gateway.ledger.get(exchange_id)
                if exchange is not None and exchange.state is State.AWAITING:
                    break
                await asyncio.sleep(0.05)
        yield Stage(trial, node, exchange)


@pytest.mark.foreign
async def test_the_pinned_partner_settles_the_exchange(stage: Stage) -> None:
    report = await stage.call("remd-partner")

    after = await stage.now()
    assert "fault" not in report, report
    assert (after.outcome, after.number) == (Outcome.REGISTERED, NUMBER)


@pytest.mark.foreign
@pytest.mark.parametrize("signer", ["", "stranger-partner"])
async def test_whoever_is_not_the_partner_gets_a_fault_and_changes_nothing(
    stage: Stage, signer: str
) -> None:
    report = await stage.call(signer)

    assert "fault" in report, report
    assert (await stage.now()).outcome is None
    assert await stage.counted("unverified") == 1


@pytest.mark.foreign
async def test_a_second_body_beside_the_signed_one_gets_a_fault(stage: Stage) -> None:
    signed = (await stage.call("remd-partner", endpoint="http://127.0.0.1:9/nobody"))["sent"]
    end = signed.rindex("</soap:Envelope>")
    evil = '<soap:Body><registerDocumentResult xmlns="urn:evil"/></soap:Body>'

    status, text = await stage.post(signed[:end] + evil + signed[end:])

    assert status == 500
    assert "Fault" in text
    assert (await stage.now()).outcome is None


@pytest.mark.foreign
async def test_a_replayed_envelope_is_refused(stage: Stage) -> None:
    report = await stage.call("remd-partner")
    settled = await stage.now()
    assert settled.outcome is Outcome.REGISTERED

    status, text = await stage.post(report["sent"])

    assert status == 500
    assert "Fault" in text
    assert (await stage.now()).outcome is Outcome.REGISTERED
    assert await stage.counted("doubled") == 1
    timeline = await stage.trial.gateway.ledger.timeline(settled.id)
    assert [one.event for one in timeline].count("Answered") == 1
