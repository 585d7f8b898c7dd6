"""The validator and the bundled referrals, built once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest

from gateway.formats.cda import CdaDocument, read_cda
from gateway.resources import MAPPINGS, PROFILES
from gateway.samples.maker import Maker
from gateway.validation.dictionaries import Dictionaries
from gateway.validation.validator import Report, Validator
from tests.samples.counted_ids import CountedIds

NOW = datetime(2025, 4, 10, 9, 30, tzinfo=UTC)
TODAY = date(2025, 4, 10)


@pytest.fixture(scope="session")
def validator() -> Validator:
    return Validator.load(PROFILES, Dictionaries.load(MAPPINGS / "terminology"))


@pytest.fixture(scope="session")
def examples() -> Mapping[str, bytes]:
    maker, ids = Maker(), CountedIds()
    return {
        name: maker.make(number, now=NOW, ids=ids, example=name).content
        for number, name in enumerate(maker.examples, start=1)
    }


@pytest.fixture(scope="session")
def reports(validator: Validator, examples: Mapping[str, bytes]) -> Mapping[str, Report]:
    return {
        name: validator.check(read_cda(content), today=TODAY) for name, content in examples.items()
    }


@pytest.fixture
def referral(examples: Mapping[str, bytes]) -> CdaDocument:
    return read_cda(examples["adult-in-person"])
