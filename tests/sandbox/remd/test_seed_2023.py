"""The scenario `seed-2023` has the shares that the year had."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.sandbox.program import discover
from gateway.sandbox.remd.opening import SCENARIOS
from gateway.sandbox.scenario import load_scenario

DOCUMENTS = 20_000


def test_seed_2023_has_the_shares_of_the_year() -> None:
    scenario = load_scenario("seed-2023", SCENARIOS)

    fell = Counter(scenario.choose(f"document-{n}").name for n in range(DOCUMENTS))

    silent = sum(count for name, count in fell.items() if name.startswith("silent"))
    failed = fell["failed"] + fell["failed-not-in-time"]
    assert fell["loaded"] / DOCUMENTS == pytest.approx(0.484, abs=0.01)
    assert failed / DOCUMENTS == pytest.approx(0.026, abs=0.005)
    assert silent / DOCUMENTS == pytest.approx(0.490, abs=0.01)
    assert fell["silent-lost"] >= 0.5 * silent
    assert fell["silent-inquiry"] >= 0.1 * silent
    assert fell["silent-late"] >= 0.05 * silent


def test_the_failed_of_seed_2023_are_mostly_not_in_time() -> None:
    rules = {rule.name: rule for rule in load_scenario("seed-2023", SCENARIOS).rules}

    failed = rules["failed"].share + rules["failed-not-in-time"].share

    assert failed == pytest.approx(0.026)
    assert rules["failed-not-in-time"].share / failed == pytest.approx(0.791)


def test_the_counterpart_shows_it_among_its_scenarios() -> None:
    found = {one.name: one for one in discover()}

    assert found["remd"].scenarios["seed-2023"] == load_scenario("seed-2023", SCENARIOS).title
