"""A scenario is data: who falls under which rule, and what a document comes to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gateway.errors import SettingError
from gateway.sandbox.remd.opening import SCENARIOS
from gateway.sandbox.scenario import (
    Becomes,
    Behaviour,
    Rule,
    Scenario,
    Where,
    foresee,
    list_scenarios,
    load_scenario,
)

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


def test_a_document_falls_under_the_same_rule_however_its_id_is_written() -> None:
    scenario = load_scenario("seed-2023", SCENARIOS)

    assert scenario.choose("ABCD-01") is scenario.choose("abcd-01")


def test_another_seed_deals_other_documents() -> None:
    rules = (Rule(name="half", share=0.5),)
    one, other = (Scenario(name="x", title="", seed=seed, rules=rules) for seed in (1, 2))

    uids = [f"document-{n}" for n in range(100)]

    assert [one.choose(uid).name for uid in uids] != [other.choose(uid).name for uid in uids]


def test_a_rule_may_be_for_named_documents_only() -> None:
    rules = (Rule(name="this", where=Where(local_uids=("A-1",))),)
    scenario = Scenario(name="x", title="", rules=rules)

    assert scenario.choose("a-1").name == "this"
    assert scenario.choose("a-2").name == "as-it-should"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(name="x"), "registered"),
        (Rule(name="x", does=Behaviour(becomes=Becomes.REJECTED)), "rejected"),
        (Rule(name="x", does=Behaviour(becomes=Becomes.DROPPED)), "none"),
        (
            Rule(name="x", first_attempt_only=True, does=Behaviour(becomes=Becomes.DROPPED)),
            "registered",
        ),
        (
            Rule(name="x", first_attempt_only=True, does=Behaviour(becomes=Becomes.REJECTED)),
            "registered",
        ),
    ],
)
def test_what_a_faultless_document_comes_to_is_foreseen(rule: Rule, expected: str) -> None:
    assert foresee(rule) == expected


@pytest.mark.parametrize("name", list_scenarios(SCENARIOS))
def test_every_shipped_scenario_can_be_read_and_says_what_it_does(name: str) -> None:
    scenario = load_scenario(name, SCENARIOS)

    assert scenario.name == name
    assert scenario.title


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (
            'title = "x"\n[[rules]]\nname = "a"\nshare = 0.7\n[[rules]]\nname = "b"\nshare = 0.4',
            "sc",
        ),
        ('title = "x"\nseeed = 1', "seeed"),
        ('title = "x"\n[[rules]]\nname = "a"\n[rules.does]\nanswer = "nothing"', "answer"),
        ("title = ", "sc"),
    ],
)
def test_a_wrong_scenario_is_refused_by_the_key_that_is_wrong(
    tmp_path: Path, text: str, where: str
) -> None:
    file = tmp_path / "sc.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingError) as caught:
        load_scenario(str(file), SCENARIOS)

    assert where in caught.value.where


def test_an_unknown_scenario_is_refused_with_the_names_of_the_known(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="seed-2023"):
        load_scenario("no-such", SCENARIOS)
