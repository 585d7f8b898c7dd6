"""Every rule stays silent on every bundled referral and speaks on its own broken one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gateway.findings import Severity
from gateway.formats.cda import CdaDocument
from gateway.resources import MAPPINGS, PROFILES
from gateway.validation.dictionaries import Dictionaries
from gateway.validation.rules import Rule
from gateway.validation.validator import Report, Validator
from tests.validation.conftest import TODAY
from tests.validation.mutations import mutate

VALIDATOR = Validator.load(PROFILES, Dictionaries.load(MAPPINGS / "terminology"))
PROFILES_OF = {rule.id: profile for profile in VALIDATOR.profiles for rule in profile.rules}
RULES = [rule for profile in VALIDATOR.profiles for rule in profile.rules]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_rule_speaks_where_its_broken_example_says(rule: Rule, referral: CdaDocument) -> None:
    place = mutate(referral.tree, rule.broken)
    seen = PROFILES_OF[rule.id].see(referral.tree, TODAY)

    found = [finding.where for finding in rule.check(seen)]

    assert place in found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_rule_is_silent_on_every_bundled_referral(
    rule: Rule, reports: Mapping[str, Report]
) -> None:
    for name, report in reports.items():
        found = [one.where for one in report.findings if one.rule == rule.id]
        assert not found or rule.severity is Severity.INFORMATION, name


def test_no_text_of_a_rule_repeats_another() -> None:
    for lang in ("ru", "en"):
        assert all(rule.texts[lang].strip() for rule in RULES)
    assert len({rule.id for rule in RULES}) == len(RULES) >= 150


def test_the_bundled_referrals_have_no_finding_but_missing_dictionaries(
    reports: Mapping[str, Report],
) -> None:
    rules = {finding.rule for report in reports.values() for finding in report.findings}

    assert rules == {"code.known-dictionary"}
