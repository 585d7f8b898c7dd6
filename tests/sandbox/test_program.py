"""The sandbox finds its counterparts by their folders, and starts with none as well."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp

from gateway import resources
from gateway.doors import SystemClock
from gateway.sandbox.program import Sandbox, discover

PACKAGE = Path(resources.__file__).parent


def test_every_folder_with_a_sandbox_toml_is_a_counterpart() -> None:
    found = {one.name: one for one in discover()}

    folders = {file.parent.name: file.parent for file in PACKAGE.glob("sandbox/*/sandbox.toml")}
    assert found.keys() == folders.keys()
    for name, one in found.items():
        assert one.scenarios.keys() == {file.stem for file in folders[name].glob("scenarios/*")}


def test_a_folder_without_counterparts_gives_none(tmp_path: Path) -> None:
    assert discover(tmp_path) == ()


async def test_sandbox_without_counterparts_serves_and_says_so() -> None:
    async with (
        Sandbox([], clock=SystemClock()) as sandbox,
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.base_url}/nobody") as response,
    ):
        text = await response.text()

    assert (response.status, text) == (404, "here are: no counterparts\n")


def test_nothing_outside_its_folder_names_a_counterpart() -> None:
    files = [*(PACKAGE / "sandbox").glob("*.py"), PACKAGE / "commands" / "sandbox.py"]
    names = [one.name for one in discover()]

    naming = [
        file.name
        for file in files
        for name in names
        if re.search(rf"sandbox\.{name}\b|[\"'/]{name}\b", file.read_text(encoding="utf-8"))
    ]

    assert naming == []
