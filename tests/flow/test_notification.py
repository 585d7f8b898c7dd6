"""The sender is told, once, by a webhook that it can verify."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from gateway.errors import SettingError
from gateway.exchange import events as e
from gateway.exchange.record import Exchange
from gateway.exchange.schedule import Terms
from gateway.exchange.states import Duty, State
from gateway.flow.notification import Courier, Notification, WebhookPostman, open_target
from gateway.store.memory import MemoryLedger
from tests.flow.conftest import EvenChance, HandClock, Listener, World, exchange

PAUSE = timedelta(seconds=15)
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


@dataclass
class Receiver:
    """A sender's own web server."""

    status: int = 200
    heard: list[tuple[dict[str, str], str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, await request.text()))
        return web.Response(status=self.status)

    @property
    def kinds(self) -> list[str]:
        return [json.loads(body)["kind"] for _, body in self.heard]


@dataclass
class Post:
    world: World
    receiver: Receiver
    postman: WebhookPostman

    @property
    def step(self) -> Notification:
        world = self.world
        return Notification(ledger=world.ledger, postman=self.postman, clock=world.clock, terms={})

    @property
    def courier(self) -> Courier:
        world = self.world
        return Courier(
            ledger=world.ledger,
            postman=self.postman,
            clock=world.clock,
            chance=EvenChance(),
            terms=Terms(),
        )


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    ledger = MemoryLedger(webhooks=frozenset({"mis"}))
    # The receiver's library compares the time stamp with its own clock.
    clock = HandClock(moment=datetime.now(UTC))  # noqa: TID251 - the judge knows real time only
    async with TestServer(app) as server, ClientSession() as session:
        target = open_target(str(server.make_url("/hook")), SECRET)
        postman = WebhookPostman(targets={"mis": target}, session=session, clock=clock, pause=PAUSE)
        world = World(ledger=ledger, clock=clock, observer=Listener())
        yield Post(world, receiver, postman)


async def answered(world: World, number: int = 1) -> Exchange:
    one = await world.put(exchange(number))
    for event in (
        e.Validated(),
        e.Mapped(),
        e.Signed(),
        e.DeliveryBegan(message_id=f"m{number}", envelope_sha256="0"),
        e.Accepted(),
        e.Answered(registered=True, source=e.Source.INQUIRY, number="119"),
    ):
        one = await world.desk.write(one, event)
    return one


async def test_what_is_owed_is_posted_in_order_and_closes_the_exchange(post: Post) -> None:
    one = await answered(post.world)

    after = await post.world.walk(one, {Duty.NOTIFY: post.step})

    assert after.state is State.CLOSED
    assert post.receiver.kinds == ["handed-over", "registered"]


async def test_the_receiver_can_verify_the_entry_with_its_own_library(post: Post) -> None:
    await post.world.walk(await answered(post.world), {Duty.NOTIFY: post.step})

    headers, body = post.receiver.heard[-1]
    entry = Webhook(SECRET).verify(body, headers)

    assert entry["number"] == "119"


async def test_a_webhook_that_fails_is_tried_again_later(post: Post) -> None:
    post.receiver.status = 503
    one = await answered(post.world)

    after = await post.world.walk(one, {Duty.NOTIFY: post.step})

    assert (after.state, after.tries) == (State.ANSWERED, 1)
    event = post.world.observer.heard[-1].event
    assert isinstance(event, e.Unavailable)
    assert event.reason == "the webhook answered 503"


async def test_a_webhook_that_never_answers_does_not_park_the_exchange(post: Post) -> None:
    post.receiver.status = 503
    one = await answered(post.world)
    waiting = await post.world.walk(one, {Duty.NOTIFY: post.step})
    post.world.clock.pass_(Terms().webhook_within)

    after = await post.world.walk(waiting, {Duty.NOTIFY: post.step})

    assert after.state is State.CLOSED
    assert not await post.world.ledger.owed_webhooks(one.id)
    assert len(await post.world.ledger.inbox("mis", after=0, limit=9)) == 2


async def test_the_courier_posts_what_an_exchange_under_way_has_to_tell(post: Post) -> None:
    one = await post.world.put(exchange())
    for event in (
        e.Validated(),
        e.Mapped(),
        e.Signed(),
        e.DeliveryBegan(message_id="m1", envelope_sha256="0"),
        e.Accepted(),
    ):
        one = await post.world.desk.write(one, event)

    assert await post.courier.round() == 1
    assert await post.courier.round() == 0
    assert post.receiver.kinds == ["handed-over"]


async def test_the_courier_leaves_verdicts_to_the_exchange_that_owes_them(post: Post) -> None:
    await answered(post.world)

    assert await post.courier.round() == 0


async def test_the_courier_tries_again_by_back_off(post: Post) -> None:
    post.receiver.status = 500
    one = await post.world.put(exchange())
    await post.world.desk.write(one, e.Cancelled(by="sender mis"))
    closed = await post.world.ledger.get(one.id)
    assert closed is not None
    await post.world.desk.write(closed, e.Notified())

    assert await post.courier.round() == 1
    assert await post.courier.round() == 0
    post.world.clock.pass_(timedelta(hours=1))
    assert await post.courier.round() == 1


async def test_a_webhook_that_has_just_failed_is_left_alone_for_a_while(post: Post) -> None:
    post.receiver.status = 500
    await post.world.walk(await answered(post.world), {Duty.NOTIFY: post.step})
    one = await answered(post.world, 2)

    after = await post.world.walk(one, {Duty.NOTIFY: post.step})

    assert after.state is State.ANSWERED
    assert len(post.receiver.heard) == 1


@pytest.mark.parametrize("secret", ["", "whsec_not base64!"])
def test_a_secret_that_signs_nothing_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(SettingError):
        open_target("http://127.0.0.1/hook", secret)
