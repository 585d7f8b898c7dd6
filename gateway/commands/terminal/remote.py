"""Speaks to a running gateway over its own HTTP interface."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from gateway.commands.terminal.words import Complaint, Exit

Parameters = Mapping[str, str]
_SECONDS = 60
_NO_HTTP = "is no address like http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the gateway answered."""

    status: int
    body: bytes = field(repr=False)
    location: str = ""

    @property
    def content(self) -> Any:
        """The answer as JSON. Raises Complaint when it is none: that is no gateway."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            text = f"the answer ({self.status}) is no JSON; is this a gateway?"
            raise Complaint(text, Exit.GATEWAY_AT_FAULT) from error

    @property
    def exit(self) -> Exit:
        """Whose fault the status is."""
        if self.status < 400:
            return Exit.DONE
        if self.status in {401, 404, 405}:
            return Exit.USAGE
        return Exit.DOCUMENTS_AT_FAULT if self.status < 500 else Exit.GATEWAY_AT_FAULT

    def sentences(self) -> Sequence[str]:
        """Return what an OperationOutcome says, one sentence an issue."""
        return [_read_issue(one) for one in self.content.get("issue", [])]


@dataclass(frozen=True, slots=True)
class Remote:
    """A running gateway."""

    session: aiohttp.ClientSession
    url: str

    async def exchange(self, exchange_id: str) -> dict[str, Any]:
        """Return one exchange. Raises Complaint, as all of these."""
        return await self._get(f"/exchanges/{exchange_id}")

    async def timeline(self, exchange_id: str) -> dict[str, Any]:
        """Return its timeline."""
        return await self._get(f"/exchanges/{exchange_id}/timeline")

    async def search(self, parameters: Parameters, *, most: int) -> list[dict[str, Any]]:
        """Return exchanges, newest first, page by page up to `most`."""
        found: list[dict[str, Any]] = []
        path = "/exchanges"
        asked: Parameters = {**parameters, "limit": str(min(most, 1000))}
        while path and len(found) < most:
            page = await self._get(path, asked)
            found += page["exchanges"]
            path, asked = page.get("next", ""), {}
        return found[:most]

    async def report(self, parameters: Parameters) -> dict[str, Any]:
        """Return the outcome table."""
        return await self._get("/report", parameters)

    async def call(
        self,
        method: str,
        path: str,
        *,
        parameters: Parameters | None = None,
        body: aiohttp.MultipartWriter | io.BytesIO | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Make one request. Raises Complaint when nobody answers."""
        try:
            async with self.session.request(
                method, f"{self.url}{path}", params=parameters, data=body, headers=headers
            ) as answer:
                location = answer.headers.get("Location", "")
                return Reply(answer.status, await answer.read(), location)
        except aiohttp.InvalidURL as error:
            raise Complaint(f"{self.url} {_NO_HTTP}", Exit.USAGE) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"no answer from {self.url}: {str(error) or type(error).__name__}"
            raise Complaint(text, Exit.GATEWAY_AT_FAULT) from error

    async def _get(self, path: str, parameters: Parameters | None = None) -> dict[str, Any]:
        reply = await self.call("GET", path, parameters=parameters)
        if reply.exit is not Exit.DONE:
            raise Complaint("\n".join(reply.sentences()), reply.exit)
        content: dict[str, Any] = reply.content
        return content


@asynccontextmanager
async def open_remote(
    url: str, token_file: Path | None, lang: str, *, seconds: float = 0
) -> AsyncIterator[Remote]:
    """Speak to a gateway as the owner of a token; `seconds` it may take beyond the usual."""
    headers = {"Accept-Language": lang, "User-Agent": "mse-gateway"}
    if token_file is not None:
        headers["Authorization"] = f"Bearer {_read_token(token_file)}"
    timeout = aiohttp.ClientTimeout(total=_SECONDS + seconds)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Remote(session, url.rstrip("/"))


def _read_token(file: Path) -> str:
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Complaint(f"{file} holds no token: {error}", Exit.USAGE) from error
    if not token.isprintable() or not token:
        raise Complaint(f"{file} holds no token", Exit.USAGE)
    return token


def _read_issue(issue: Mapping[str, Any]) -> str:
    """Return an issue as a line: how bad, which rule, what, where, and who mends it."""
    details = issue.get("details", {})
    rule = next((f" {one['code']}" for one in details.get("coding", ())), "")
    where = "".join(f" at {one}" for one in issue.get("location", ()))
    known = issue.get("diagnostics")
    more = f" [{known}]" if known else ""
    mender = next(
        (
            f" (mended by: {one['valueCode']})"
            for one in issue.get("extension", ())
            if one.get("url") == "urn:mse-gateway:mender"
        ),
        "",
    )
    return f"{issue.get('severity')}{rule}: {details.get('text', '')}{where}{more}{mender}"
