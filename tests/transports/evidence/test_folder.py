"""The folder of authorities is read anew when it changes, and never lost by a bad file."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import SettingError
from gateway.signatures.chain import load_trust
from gateway.transports.evidence import TrustFolder
from gateway.transports.evidence.cache import Slots
from tests.signatures.conftest import NOON

MINUTE = timedelta(minutes=1)


@dataclass
class Told:
    lines: list[str] = field(default_factory=list)

    def info(self, event: str, /, **facts: object) -> None:
        self.lines.append(event)

    def warning(self, event: str, /, **facts: object) -> None:
        self.lines.append(event)

    def error(self, event: str, /, **facts: object) -> None:
        self.lines.append(event)


@pytest.fixture
def folder(pki: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "trust"
    copy.mkdir()
    shutil.copy(pki / "trust" / "ru-root.cert.pem", copy)
    return copy


async def test_authority_that_is_put_into_the_folder_counts_without_a_restart(
    folder: Path, pki: Path
) -> None:
    told = Told()
    trusted = TrustFolder(folder, load_trust, every=MINUTE, log=told)
    first = await trusted.trust(NOON)
    shutil.copy(pki / "trust" / "ru-issuing.cert.pem", folder)

    early = await trusted.trust(NOON + MINUTE - timedelta(seconds=1))
    late = await trusted.trust(NOON + MINUTE)
    still = await trusted.trust(NOON + 2 * MINUTE)

    assert early is first
    assert (len(first.intermediates), len(late.intermediates)) == (0, 1)
    assert still is late
    assert told.lines == ["TrustReloaded"]


async def test_file_that_cannot_be_read_leaves_the_trust_as_it_was(folder: Path) -> None:
    told = Told()
    trusted = TrustFolder(folder, load_trust, every=MINUTE, log=told)
    first = await trusted.trust(NOON)
    (folder / "broken.cer").write_bytes(b"junk")

    assert await trusted.trust(NOON + MINUTE) is first
    (folder / "broken.cer").unlink()
    os.utime(folder / "ru-root.cert.pem", (1, 1))
    after = await trusted.trust(NOON + 2 * MINUTE)

    assert after is not first
    assert told.lines == ["TrustNotReloaded", "TrustReloaded"]


async def test_folder_that_is_gone_leaves_the_trust_as_it_was(folder: Path) -> None:
    told = Told()
    trusted = TrustFolder(folder, load_trust, every=MINUTE, log=told)
    first = await trusted.trust(NOON)
    shutil.rmtree(folder)

    assert await trusted.trust(NOON + MINUTE) is first
    assert told.lines == ["TrustNotReloaded"]


async def test_without_a_folder_nobody_is_trusted() -> None:
    trusted = TrustFolder(None, load_trust, every=MINUTE, log=Told())

    assert (await trusted.trust(NOON)).roots == ()


def test_folder_that_cannot_be_read_at_the_start_stops_it(tmp_path: Path) -> None:
    with pytest.raises(SettingError):
        TrustFolder(tmp_path / "nowhere", load_trust, every=MINUTE, log=Told())


def test_slots_that_were_not_used_for_long_go() -> None:
    slots: Slots[str] = Slots(2)
    first, second = slots.of("a"), slots.of("b")

    assert slots.of("a") is first
    slots.of("c")

    assert slots.of("a") is first
    assert slots.of("b") is not second
