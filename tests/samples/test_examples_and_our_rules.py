from datetime import UTC, datetime

import pytest

from gateway.findings import has_errors
from gateway.formats.cda import read_cda
from gateway.resources import MAPPINGS, PROFILES
from gateway.samples.broken import read_twins
from gateway.samples.examples import read_examples
from gateway.samples.maker import Maker
from gateway.validation.dictionaries import Dictionaries
from gateway.validation.validator import Validator
from tests.samples.counted_ids import CountedIds

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TWINS = read_twins()


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator.load(PROFILES, Dictionaries.load(MAPPINGS / "terminology"))


@pytest.mark.parametrize("name", read_examples())
def test_no_rule_of_ours_speaks_against_an_example(validator: Validator, name: str) -> None:
    document = Maker().make(1, now=NOW, ids=CountedIds(), example=name)

    report = validator.check(read_cda(document.content), today=NOW.date())

    assert report.profile is not None
    assert [one for one in report.findings if one.severity != "information"] == []


@pytest.mark.parametrize("name", TWINS)
def test_a_broken_twin_is_refused_without_any_pack_too(validator: Validator, name: str) -> None:
    document = Maker().make_broken(1, now=NOW, ids=CountedIds(), twin=TWINS[name])

    report = validator.check(read_cda(document.content), today=NOW.date())

    assert has_errors(report.findings)
