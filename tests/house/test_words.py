"""The house rules that no linter knows."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BANNED = ("utils", "helpers", "common", "manager", "handler", "process", "data", "info")


def test_no_file_is_named_after_nothing() -> None:
    names = {path.stem for path in (ROOT / "gateway").rglob("*.py")}

    assert not names & set(BANNED)


@pytest.mark.parametrize("path", sorted((ROOT / "gateway").rglob("*.py")), ids=str)
def test_every_door_has_a_sign(path: Path) -> None:
    source = path.read_text(encoding="utf-8")

    assert not source or source.startswith(('"""', "#!")), f"{path} has no first docstring line"
