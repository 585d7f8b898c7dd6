"""What a caller gets at once: the signed answer, or whatever the scenario puts in its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from lxml import etree

from gateway.sandbox.doors import Clock, Ids
from gateway.sandbox.listener import reset
from gateway.sandbox.remd.reception import Call
from gateway.sandbox.remd.settings import RemdSettings
from gateway.sandbox.remd.soap import (
    Headers,
    content_type,
    serialize,
    write_envelope,
    write_fault,
)
from gateway.sandbox.remd.wss import Signer
from gateway.sandbox.scenario import Answer

_PAGE = b"<html><body>Internal Server Error</body></html>"


@dataclass(frozen=True, slots=True)
class Answers:
    """Signs and says, or does not."""

    signer: Signer
    clock: Clock
    ids: Ids
    settings: RemdSettings

    async def say(
        self,
        request: web.Request,
        call: Call,
        answer: Answer,
        body: etree._Element,
        hold: timedelta,
    ) -> web.StreamResponse:
        """Answer as the scenario wants; `hold` is how long a silence lasts."""
        if answer is Answer.SILENCE:
            await self.pause(hold)
            return reset(request)
        if answer is Answer.RESET:
            return reset(request)
        if answer is Answer.HTTP_500:
            return _respond(_PAGE, "text/html", status=500)
        if answer is Answer.FAULT:
            return fault(call.version, "Внутренняя ошибка", sender_at_fault=False)
        return self.reply(call, body)

    def reply(self, call: Call, body: etree._Element) -> web.Response:
        """Answer as one should."""
        headers = Headers(
            message_id=self.ids.new(),
            action=f"{call.operation}Response",
            to=call.reply_to,
            relates_to=call.message_id,
            client_entity_id=call.client,
        )
        envelope = write_envelope(call.version, headers, body)
        self.signer.sign(envelope, now=self.clock.now())
        return _respond(serialize(envelope), content_type(call.version), status=200)

    async def pause(self, duration: timedelta) -> None:
        """Wait for a duration of the real system."""
        if duration:
            await self.clock.sleep_until(self.clock.now() + self.settings.scaled(duration))


def fault(version: str, reason: str, *, sender_at_fault: bool) -> web.Response:
    """Answer with a Fault; SOAP 1.1 §6.2 wants HTTP 500 for any."""
    octets = write_fault(version, reason, sender_at_fault=sender_at_fault)
    return _respond(octets, content_type(version), status=500)


def _respond(octets: bytes, kind: str, *, status: int) -> web.Response:
    return web.Response(body=octets, status=status, headers={"Content-Type": kind})
