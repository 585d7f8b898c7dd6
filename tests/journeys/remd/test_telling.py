"""What the sender is told: how it stands, every message, the inbox, a webhook that is retried."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from standardwebhooks import Webhook

from tests.journeys.house import House, open_house, operator, patiently, sender

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0cw=="
CORRECTED = """
title = "Told of an error, registered all the same"
[[rules]]
name = "error-then-success"
share = 1.0
[rules.does]
callbacks = [
  { says = "error", errors = [{ code = "VALIDATION_ERROR", message = "no" }] },
  { says = "truth", delay = "60s" },
]
"""


@dataclass
class Listener:
    """A sender's webhook, which is down for its first calls."""

    down_for: int = 0
    url: str = ""
    calls: list[tuple[Mapping[str, str], str]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.text()))
        self.down_for -= 1
        return web.Response(status=503 if self.down_for >= 0 else 204)

    def of(self, exchange_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Return id and entry of every call about an exchange, each with a signature that holds."""
        heard = []
        for headers, text in self.calls:
            entry = Webhook(SECRET).verify(
                text, {name.lower(): value for name, value in headers.items()}
            )
            if entry["exchange"] == exchange_id:
                names = {name.lower(): value for name, value in headers.items()}
                heard.append((names["webhook-id"], entry))
        return heard


@asynccontextmanager
async def open_listener() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.router.add_post("/hook", listener.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        yield listener
    finally:
        await runner.cleanup()


@dataclass
class Scene:
    """A house, and the webhook of its sender `hooked`."""

    house: House
    listener: Listener


@asynccontextmanager
async def open_scene(pki: Path, folder: Path, faults: str = "") -> AsyncIterator[Scene]:
    secret = folder / "webhook-secret"
    secret.write_text(SECRET, encoding="ascii")
    async with open_listener() as listener:
        lines = (
            *sender("plain"),
            *sender("hooked", webhook=listener.url, webhook_secret_file=str(secret)),
            operator("chief"),
        )
        async with open_house(folder, pki, lines=lines, faults=faults) as house:
            yield Scene(house, listener)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(pki: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with open_scene(pki, tmp_path_factory.mktemp("telling")) as scene:
        yield scene


async def inbox_of(house: House, exchange_id: str, token: str) -> list[dict[str, Any]]:
    reply = await house.call("GET", "/inbox?limit=1000", token=token)
    return [one for one in reply.json["entries"] if one["exchange"] == exchange_id]


def closed(one: dict[str, Any]) -> bool:
    return bool(one["state"] == "closed")


async def test_an_exchange_says_how_it_stands_and_shows_every_message(scene: Scene) -> None:
    house, document = scene.house, scene.house.make("adult-in-person")

    reply = await house.hand_over(document, token="plain")
    exchange = await house.becomes(reply.exchange, closed, token="plain")
    path = f"/exchanges/{reply.exchange}"
    timeline = (await house.call("GET", f"{path}/timeline", token="plain")).json
    messages = [one for event in timeline["events"] for one in event["messages"]]
    names = {(one["direction"], one["name"]) for one in messages}

    assert (exchange["outcome"], exchange["local_uid"]) == ("registered", document.local_uid)
    assert exchange["number"]
    assert exchange["duty"] is None
    assert timeline["events"][0]["event"] == "Received"
    assert {"Validated", "Mapped", "Signed", "DeliveryBegan", "Answered", "Notified"} <= {
        one["event"] for one in timeline["events"]
    }
    assert ("in", "sendRegisterDocumentResult") in names
    assert ("in", "getDocumentFile") in names
    assert any(direction == "out" for direction, _ in names), names
    for one in messages:
        body = await house.call("GET", one["body"], token="plain")
        assert hashlib.sha256(body.text.encode()).hexdigest() == one["sha256"]
    document_back = await house.call("GET", f"{path}/document", token="plain")
    assert document_back.text.encode() == document.content


async def test_the_inbox_tells_that_it_was_handed_over_and_what_came_of_it(scene: Scene) -> None:
    house = scene.house

    reply = await house.hand_over(house.make("adult-in-person"), token="plain")
    exchange = await house.becomes(reply.exchange, closed, token="plain")
    entries = await inbox_of(house, reply.exchange, "plain")

    assert [one["kind"] for one in entries] == ["handed-over", "registered"]
    assert [one["number"] for one in entries] == ["", exchange["number"]]
    assert not any(one["corrects"] for one in entries)
    after = await house.call("GET", f"/inbox?after={entries[0]['id']}", token="plain")
    assert entries[1]["id"] == next(
        one["id"] for one in after.json["entries"] if one["exchange"] == reply.exchange
    )


async def test_waiting_for_the_outcome_brings_it_in_one_answer(scene: Scene) -> None:
    house = scene.house

    reply = await house.hand_over(
        house.make("adult-in-person"), token="plain", headers={"Prefer": "wait=25"}
    )

    assert reply.status == 200
    assert reply.json["outcome"] == "registered"
    assert reply.headers["Preference-Applied"] == "wait=25"


async def test_a_webhook_is_signed_and_carries_what_the_inbox_holds(scene: Scene) -> None:
    house = scene.house

    reply = await house.hand_over(house.make("adult-in-person"), token="hooked")
    await house.becomes(reply.exchange, closed, token="hooked")
    heard = await heard_of(scene, reply.exchange, 2)
    entries = await inbox_of(house, reply.exchange, "hooked")

    by_id = {f"msg_{one['id']}": one for one in entries}
    assert {name for name, _ in heard} == set(by_id)
    for name, entry in heard:
        for key in ("exchange", "kind", "number", "local_uid", "corrects"):
            assert entry[key] == by_id[name][key], key
    assert await house.holds()


async def test_a_webhook_that_was_down_is_told_again_under_the_same_id(scene: Scene) -> None:
    house = scene.house
    scene.listener.down_for = 2

    reply = await house.hand_over(house.make("adult-in-person"), token="hooked")
    exchange = await house.becomes(reply.exchange, closed, token="hooked")
    heard = await heard_of(scene, reply.exchange, 3)

    assert exchange["outcome"] == "registered"
    assert len({name for name, _ in heard}) < len(heard)
    assert "registered" in {entry["kind"] for _, entry in heard}
    assert await house.holds()


async def heard_of(scene: Scene, exchange_id: str, least: int) -> list[tuple[str, dict[str, Any]]]:
    async def look() -> list[tuple[str, dict[str, Any]]] | None:
        heard = scene.listener.of(exchange_id)
        return heard if len(heard) >= least else None

    return await patiently(look)


async def test_what_is_told_names_no_patient(scene: Scene) -> None:
    house, document = scene.house, scene.house.make("child-with-guardian")

    reply = await house.hand_over(document, token="hooked")
    await house.becomes(reply.exchange, closed, token="hooked")
    house.texts += [text for _, text in scene.listener.calls]
    house.texts.append(json.dumps(await inbox_of(house, reply.exchange, "hooked")))
    house.texts.append(
        (await house.call("GET", f"/exchanges/{reply.exchange}/timeline", token="hooked")).text
    )

    assert await house.says_nothing_of(document.content)


async def test_a_verdict_that_turns_out_wrong_is_corrected(pki: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "corrected.toml"
    scenario.write_text(CORRECTED, encoding="utf-8")
    async with open_scene(pki, tmp_path, faults=str(scenario)) as scene:
        house = scene.house

        reply = await house.hand_over(house.make("adult-in-person"), token="hooked")
        kinds = await kinds_of(house, reply.exchange, lambda kinds: "registered" in kinds)
        entries = await inbox_of(house, reply.exchange, "hooked")
        exchange = await house.becomes(reply.exchange, closed, token="hooked")

        assert kinds == ["handed-over", "rejected", "registered"]
        assert [one["corrects"] for one in entries] == [False, False, True]
        assert exchange["outcome"] == "registered"
        heard = await heard_of(scene, reply.exchange, 3)
        assert {entry["kind"] for _, entry in heard} == set(kinds)
        assert await house.holds()


async def kinds_of(
    house: House, exchange_id: str, wanted: Callable[[list[str]], bool]
) -> list[str]:
    async def look() -> list[str] | None:
        kinds = [one["kind"] for one in await inbox_of(house, exchange_id, "hooked")]
        return kinds if wanted(kinds) else None

    return await patiently(look)
