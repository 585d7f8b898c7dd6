"""Endpoints are found by their folders; one that is deleted is missed by nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.endpoints.discovery import EndpointKind, discover
from gateway.errors import SettingError
from gateway.exchange.schedule import Repeat, Terms

FOLDER = Path(__file__).parents[2] / "gateway"
ARCHIVE = """
title = "An archive that nobody has"
transport = "none"
documents = ["letter"]

[kinds]
letter = "7"

[terms]
repeat = "forbidden"
delivery_within = "2m"
answer_within = "1h"
inquiry = { base = "5m", cap = "6h" }
delivery = { base = "30s", cap = "1h" }
resend = { base = "1m", cap = "6h" }
maximum_age = "10d"
maximum_attempts = 12
"""


def test_every_folder_with_its_file_is_an_endpoint() -> None:
    found = discover()

    assert found.keys() == {file.parent.name for file in FOLDER.glob("endpoints/*/endpoint.toml")}
    for kind in found.values():
        assert kind.kinds.keys() == kind.documents


@pytest.mark.parametrize("name", list(discover()))
def test_every_endpoint_has_the_same_five_files(name: str) -> None:
    folder = FOLDER / "endpoints" / name

    for file in ("endpoint.toml", "adapter.py", "envelope.py", "faults.py", "README.md"):
        assert (folder / file).is_file()


@pytest.mark.parametrize("name", list(discover()))
def test_nothing_outside_its_folders_imports_an_endpoint(name: str) -> None:
    own = {FOLDER / "endpoints" / name, FOLDER / "sandbox" / name}
    for file in FOLDER.rglob("*.py"):
        if not own & set(file.parents):
            assert f"endpoints.{name}" not in file.read_text(encoding="utf-8"), file


def test_no_folder_no_endpoint(tmp_path: Path) -> None:
    assert discover(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [("title = ", "cannot be read"), ('titel = "x"', "did you mean title")],
)
def test_endpoint_with_a_slip_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "endpoint.toml").write_text(text)

    with pytest.raises(SettingError, match=told):
        discover(tmp_path)


@pytest.fixture
def kind(tmp_path: Path) -> EndpointKind:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "endpoint.toml").write_text(ARCHIVE, encoding="utf-8")
    return discover(tmp_path)["archive"]


def test_operator_may_change_a_term_and_keeps_the_others(kind: EndpointKind) -> None:
    terms = kind.terms({"answer_within": "30m"})

    assert terms.answer_within == timedelta(minutes=30)
    assert terms.repeat is Repeat.FORBIDDEN
    assert terms.maximum_age == timedelta(days=10)
    assert kind.terms({}, scale=60).maximum_age == timedelta(hours=4)
    assert isinstance(terms, Terms)


def test_term_that_is_none_is_refused_with_its_full_key(kind: EndpointKind) -> None:
    with pytest.raises(SettingError, match=r"endpoints\.archive\.terms\.answer_withn"):
        kind.terms({"answer_withn": "30m"})
