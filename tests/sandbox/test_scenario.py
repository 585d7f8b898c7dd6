"""A scenario is data: who falls under which rule, and what a document comes to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gateway import sandbox
from gateway.errors import SettingError
from gateway.sandbox.program import discover
from gateway.sandbox.scenario import (
    Becomes,
    Behaviour,
    Rule,
    Scenario,
    Where,
    foresee,
    load_scenario,
)

DOCUMENTS = 5_000
SHIPPED = [
    Path(sandbox.__file__).parent / one.name / "scenarios" / f"{name}.toml"
    for one in discover()
    if not one.only_named  # those look different, and are tried beside their counterpart
    for name in one.scenarios
]


def test_a_document_falls_under_the_same_rule_however_its_id_is_written() -> None:
    rules = tuple(Rule(name=f"rule-{n}", share=0.1) for n in range(10))
    scenario = Scenario(name="x", title="", rules=rules)

    assert scenario.choose("ABCD-01") is scenario.choose("abcd-01")


def test_each_rule_gets_its_share_of_the_documents() -> None:
    rules = (Rule(name="most", share=0.6), Rule(name="some", share=0.3))
    scenario = Scenario(name="x", title="", rules=rules)

    fell = Counter(scenario.choose(f"document-{n}").name for n in range(DOCUMENTS))

    assert fell["most"] / DOCUMENTS == pytest.approx(0.6, abs=0.02)
    assert fell["some"] / DOCUMENTS == pytest.approx(0.3, abs=0.02)
    assert fell["as-it-should"] / DOCUMENTS == pytest.approx(0.1, abs=0.02)


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


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_scenario_can_be_read_and_says_what_it_does(file: Path) -> None:
    scenario = load_scenario(file.stem, file.parent)

    assert scenario.name == file.stem
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
        load_scenario(str(file), tmp_path / "none")

    assert where in caught.value.where


def test_an_unknown_scenario_is_refused_with_the_names_of_the_known(tmp_path: Path) -> None:
    for name in ("silent", "slow"):
        (tmp_path / f"{name}.toml").write_text('title = "x"', encoding="utf-8")

    with pytest.raises(SettingError, match="silent, slow"):
        load_scenario("no-such", tmp_path)
