"""Which counterpart a wish to misbehave is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingError
from gateway.sandbox.dealing import deal

KNOWN = {"registry": {"silent": "No answer", "slow": "Late"}, "authority": {"stale": "Old"}}


def test_each_name_goes_to_whom_it_belongs() -> None:
    assert deal("silent, stale", KNOWN) == {"registry": "silent", "authority": "stale"}
    assert deal("stale", KNOWN) == {"registry": "", "authority": "stale"}
    assert deal("", KNOWN) == {"registry": "", "authority": ""}


@pytest.mark.parametrize(
    ("text", "owners"),
    [
        ('title = "x"', ["registry"]),
        ('counterpart = "authority"', ["authority"]),
        ('counterpart = "registry"', ["registry"]),
    ],
)
def test_a_file_goes_to_whom_it_names(tmp_path: Path, text: str, owners: list[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")

    dealt = deal(str(file), KNOWN, only_named=["authority"])

    assert [name for name, given in dealt.items() if given == str(file)] == owners


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("silent,slow", "one way at a time"),
        ("nothing", "no such scenario; known: silent, slow, stale"),
        ("broken.toml", "no TOML"),
        ("stray.toml", "no counterpart 'nobody'"),
    ],
)
def test_what_is_for_nobody_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.toml").write_text("[")
    (tmp_path / "stray.toml").write_text('counterpart = "nobody"')

    with pytest.raises(SettingError, match=said):
        deal(faults, KNOWN)
