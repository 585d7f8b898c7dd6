"""Hand documents to a running gateway, with the signatures their signers made."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from aiohttp import MultipartWriter

from gateway.commands.terminal.remote import Remote, Reply, open_remote
from gateway.commands.terminal.source import end
from gateway.commands.terminal.tables import paint, print_json
from gateway.commands.terminal.words import (
    DEFAULT_URL,
    Complaint,
    Exit,
    json_option,
    lang_option,
    to_option,
    token_option,
)

Headers = Mapping[str, str]
CONTENT_TYPES = {
    ".json": "application/json",
    ".hl7": "application/hl7-v2",
}
"""By the file's ending; everything else is XML."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One document and what the gateway said."""

    file: str
    reply: Reply

    @property
    def exit(self) -> Exit:
        """Whose fault it is that the document does not go on, if it does not."""
        if self.reply.exit is Exit.USAGE and self.reply.status != 401:
            return Exit.GATEWAY_AT_FAULT
        if self.reply.exit is not Exit.DONE:
            return self.reply.exit
        content = self.reply.content
        if content["state"] == "parked":
            return Exit.GATEWAY_AT_FAULT
        refused = content["outcome"] in {"rejected", "refused", "cancelled"}
        return Exit.DOCUMENTS_AT_FAULT if refused else Exit.DONE

    def as_json(self) -> dict[str, Any]:
        """Return what a program reads."""
        content, taken = self.reply.content, self.reply.exit is Exit.DONE
        exchange = self.reply.location.rpartition("/")[2] or content.get("id", "")
        shown: dict[str, Any] = {
            "file": self.file,
            "status": self.reply.status,
            "exchange": exchange,
            "location": self.reply.location,
            "state": content.get("state"),
            "outcome": content.get("outcome"),
            "number": content.get("number", ""),
            "findings": content.get("findings", []),
        }
        return shown if taken else {**shown, "issues": content.get("issue", [])}

    def lines(self) -> Sequence[str]:
        """Return what a person reads."""
        content = self.reply.content
        if self.reply.exit is not Exit.DONE:
            place = f"  {self.reply.location}" if self.reply.location else ""
            head = f"{self.file}  {paint('refused')} ({self.reply.status}){place}"
            return [head, *(f"  {one}" for one in self.reply.sentences())]
        standing = content["outcome"] or content["state"]
        number = f" {content['number']}" if content["number"] else ""
        return [f"{self.file}  {paint(standing)}{number}  {self.reply.location}"]


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE…",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--signature",
    "signatures",
    multiple=True,
    metavar="FILE:ROLE",
    help="Detached CMS of a signer and its role (НСИ 99.2.368); wants one document.",
)
@to_option
@token_option
@click.option(
    "--wait", type=click.IntRange(0, 300), metavar="SECONDS", help="Wait for the outcome."
)
@json_option
@lang_option
def command(
    files: tuple[Path, ...],
    signatures: tuple[str, ...],
    url: str | None,
    token_file: Path | None,
    wait: int | None,
    *,
    as_json: bool,
    lang: str,
) -> None:
    """Send documents to a running gateway and say what became of each.

    Exit code 1 means that a document was refused or rejected, 3 that the gateway failed.

    Example: mse-gateway send referral.xml --signature chair.p7s:14 --wait 60
    """
    if signatures and len(files) != 1:
        raise click.UsageError("--signature wants exactly one document")
    parts = [_read_signature(one) for one in signatures]
    work = _send_all(files, parts, url or DEFAULT_URL, token_file, wait, lang)
    try:
        sent = asyncio.run(work)
        _show(sent, as_json=as_json)
        worst = max(one.exit for one in sent)
    except Complaint as complaint:
        end(complaint)
    sys.exit(worst)


def _show(sent: Sequence[Sent], *, as_json: bool) -> None:
    if as_json:
        print_json([one.as_json() for one in sent])
    else:
        click.echo("\n".join(line for one in sent for line in one.lines()))


def _read_signature(text: str) -> tuple[bytes, str]:
    name, colon, role = text.rpartition(":")
    if not colon or not role:
        raise click.UsageError(f"{text} is not of the form FILE:ROLE")
    try:
        return Path(name).read_bytes(), role
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read: {error.strerror}") from error


async def _send_all(
    files: Sequence[Path],
    signatures: Sequence[tuple[bytes, str]],
    url: str,
    token_file: Path | None,
    wait: int | None,
    lang: str,
) -> list[Sent]:
    """Send one after the other; a bar shows how far it is where a person looks on."""
    sent: list[Sent] = []
    watched = len(files) > 1 and sys.stderr.isatty()
    async with open_remote(url, token_file, lang, seconds=wait or 0) as remote:
        with click.progressbar(files, file=sys.stderr, hidden=not watched) as bar:
            for file in bar:
                reply = await _send(remote, file, signatures, wait)
                sent.append(Sent(str(file), reply))
    return sent


async def _send(
    remote: Remote, file: Path, signatures: Sequence[tuple[bytes, str]], wait: int | None
) -> Reply:
    headers = {} if wait is None else {"Prefer": f"wait={wait}"}
    content_type = CONTENT_TYPES.get(file.suffix.lower(), "application/xml")
    content = io.BytesIO(await asyncio.to_thread(file.read_bytes))
    if not signatures:
        headers["Content-Type"] = content_type
        return await remote.call("POST", "/exchanges", body=content, headers=headers)
    form = MultipartWriter("form-data")
    _append(form, "document", content, {"Content-Type": content_type})
    for cms, role in signatures:
        part = {"Content-Type": "application/pkcs7-signature", "X-Role": role}
        _append(form, "signature", io.BytesIO(cms), part)
    return await remote.call("POST", "/exchanges", body=form, headers=headers)


def _append(form: MultipartWriter, name: str, content: io.BytesIO, headers: Headers) -> None:
    part = form.append(content, headers)
    part.set_content_disposition("form-data", name=name, filename=name)
