"""The demo: nothing beforehand, one command, every document to its outcome."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest


def demo(*options: str) -> tuple[int, dict[str, Any]]:
    """Run the command as a newcomer does, without an authority's pack."""
    environ = {key: value for key, value in os.environ.items() if "MSE_GATEWAY" not in key}  # noqa: TID251 - a child's environment
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--json", *options],
        capture_output=True,
        timeout=280,
        env=environ,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def told() -> tuple[int, dict[str, Any]]:
    return demo()


def test_every_bundled_referral_is_registered_with_its_number(
    told: tuple[int, dict[str, Any]],
) -> None:
    code, answer = told

    assert code == 0
    assert len(answer["documents"]) >= 8
    for one in answer["documents"]:
        assert one["outcome"] == one["expected"] == "registered"
        assert re.fullmatch(r"121\.\d\d\.\d\d\.\d\d\.\d{9}", one["number"])
        assert one["corridor"] == "ru-088u"
        assert one["codes"] == []
    assert len({one["number"] for one in answer["documents"]}) == len(answer["documents"])


def test_the_answer_holds_what_the_contract_names(told: tuple[int, dict[str, Any]]) -> None:
    _, answer = told

    assert answer["outcomes"]["registered"] == len(answer["documents"])
    assert [answer[name] for name in ("unknown", "lost", "registered_twice", "resent")] == [0] * 4
    assert answer["inquiries"] == 0
    assert answer["tiers"] == {"structure": "ran", "rules": "ran", "pack": "not installed"}


def test_each_journey_is_told_step_by_step(told: tuple[int, dict[str, Any]]) -> None:
    _, answer = told

    for one in answer["documents"]:
        events = [step["event"] for step in one["steps"]]
        assert events[:4] == ["Received", "Validated", "Mapped", "Signed"]
        assert events[4] == "DeliveryBegan"
        assert events[-2:] == ["Answered", "Notified"]
        assert [step["at"] for step in one["steps"]] == sorted(step["at"] for step in one["steps"])


@pytest.mark.slow
def test_through_the_silence_of_2023_every_outcome_is_known() -> None:
    code, answer = demo("--faults", "seed-2023", "--documents", "60")

    assert code == 0
    assert (answer["unknown"], answer["lost"], answer["registered_twice"]) == (0, 0, 0)
    assert answer["resent"] > 0
    assert answer["inquiries"] > 0


def test_an_unknown_fault_is_a_clear_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--faults", "earthquake"],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert b"earthquake" in done.stderr
    assert b"Traceback" not in done.stderr
