"""One POST: never a second one once a byte may have gone out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from gateway.transports.http import Answer, Leg, Lost, NeverLeft

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
Listen = Callable[[bytes], Awaitable[tuple[str, list[bytes]]]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Return a listener that answers a request with raw bytes and remembers what it got."""
    async with asyncio.TaskGroup() as group:
        servers: list[asyncio.Server] = []

        async def start(reply: bytes) -> tuple[str, list[bytes]]:
            got: list[bytes] = []

            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                got.append(await reader.read(4096))
                writer.write(reply)
                writer.close()

            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            servers.append(server)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", got

        yield start
        for server in servers:
            server.close()
            group.create_task(server.wait_closed())


@pytest.fixture
async def leg() -> AsyncIterator[Leg]:
    async with aiohttp.ClientSession() as session:
        yield Leg(session=session, pause=timedelta(milliseconds=1))


async def test_answer_comes_back_whole(leg: Leg, listen: Listen) -> None:
    url, got = await listen(b"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\n\r\nhi")

    answer = await leg.post(url, b"body", {"SOAPAction": '"x"'})

    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers["x-one"]) == (200, b"hi", "1")
    assert b"body" in got[0]
    assert b"Accept-Encoding: identity" in got[0]


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 200,
    ],
    ids=["reset", "cut", "nonsense", "large"],
)
async def test_what_breaks_after_the_first_byte_is_lost_and_sent_once(
    leg: Leg,
    listen: Listen,
    reply: bytes,
) -> None:
    url, got = await listen(reply)

    assert isinstance(await leg.post(url, b"body", {}), Lost)
    assert len(got) == 1


async def test_large_answer_is_cut_off(listen: Listen) -> None:
    url, _ = await listen(b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + b"x" * 200)
    async with aiohttp.ClientSession() as session:
        answer = await Leg(session=session, largest_answer=100).post(url, b"", {})

    assert isinstance(answer, Lost)
    assert "100 bytes" in answer.reason


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://nowhere.invalid/"])
async def test_no_connection_proves_that_nothing_left(leg: Leg, url: str) -> None:
    assert isinstance(await leg.post(url, b"body", {}), NeverLeft)


async def test_failed_handshake_proves_that_nothing_left(leg: Leg, listen: Listen) -> None:
    url, got = await listen(b"no TLS here")

    answer = await leg.post(url.replace("http:", "https:"), b"secret body", {})

    assert isinstance(answer, NeverLeft)
    assert all(b"secret" not in one for one in got)


async def test_redirect_is_an_answer_and_is_not_followed(leg: Leg, listen: Listen) -> None:
    url, _ = await listen(
        b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    )

    answer = await leg.post(url, b"body", {})

    assert isinstance(answer, Answer)
    assert answer.status == 307


async def test_url_that_is_none_is_not_a_proof(leg: Leg) -> None:
    assert isinstance(await leg.post("nowhere", b"", {}), Lost)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Wed, 25 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Wed, 25 Nov 2026 11:00:00 GMT", timedelta()),
        ("99999999999", timedelta(hours=6)),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str, wait: timedelta | None) -> None:
    assert Answer(429, {"retry-after": text}, b"").retry_after(NOON) == wait
