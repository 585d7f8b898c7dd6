"""Opens the desk that knows whose word counts and asks authorities about revocation."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp

from gateway.ports import Log
from gateway.settings import TrustSettings
from gateway.signatures.backends import Backend
from gateway.signatures.chain import Trust, load_trust
from gateway.telemetry.metrics import Metrics
from gateway.transports.evidence import (
    Authority,
    DeskTerms,
    Fetcher,
    RevocationDesk,
    TrustFolder,
    open_guarded_session,
)


async def open_desk(
    settings: TrustSettings,
    backend: Backend,
    session: aiohttp.ClientSession,
    stack: AsyncExitStack,
    *,
    metrics: Metrics,
    log: Log,
) -> RevocationDesk:
    """Return the desk as `[trust]` wants it; raise SettingError for a folder it cannot read."""
    folder = TrustFolder(
        settings.directory, partial(_load, settings, backend), every=settings.reload_every, log=log
    )
    return RevocationDesk(
        folder,
        await _open_fetcher(settings, session, stack),
        chance=secrets.token_bytes,
        terms=DeskTerms(
            ask_again=settings.ask_again,
            lists_again=settings.lists_again,
            pause=settings.pause,
            largest_answer=settings.largest_answer_kib * 2**10,
            largest_list=settings.largest_list_mib * 2**20,
        ),
        authorities={
            one.certificate_sha256.lower(): Authority(one.ocsp, one.lists, one.deltas)
            for one in settings.authorities.values()
        },
        fetched=metrics.evidence_fetched,
        aged=metrics.evidence_aged,
    )


def _load(settings: TrustSettings, backend: Backend, folder: Path) -> Trust:
    trust = load_trust(folder, backend=backend, revocation_required=settings.revocation_required)
    return replace(trust, answer_age=settings.answer_age)


async def _open_fetcher(
    settings: TrustSettings, session: aiohttp.ClientSession, stack: AsyncExitStack
) -> Fetcher | None:
    if not settings.fetch or settings.directory is None:
        return None
    return Fetcher(
        plain=session,
        guarded=await stack.enter_async_context(open_guarded_session()),
        allow_hosts=frozenset(host.lower() for host in settings.allow_hosts),
        within=settings.fetch_within,
    )
