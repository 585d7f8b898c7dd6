"""Which dictionary versions are there, and what they know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import SettingError
from gateway.resources import MAPPINGS
from gateway.validation.dictionaries import Coded, Dictionaries

TERMINOLOGY = MAPPINGS / "terminology"
SEX = "1.2.643.5.1.13.13.11.1040"
SHIPPED = Dictionaries.load(TERMINOLOGY)


def coded(**attributes: str) -> etree._Element:
    element = etree.Element("code")
    for name, value in attributes.items():
        element.set(name, value)
    return element


def test_a_shipped_dictionary_knows_its_codes_and_names() -> None:
    ask = Coded(SHIPPED)
    good = coded(codeSystem=SEX, codeSystemVersion="2.1", code="1", displayName="Мужской")
    unlisted = coded(codeSystem=SEX, codeSystemVersion="2.1", code="9", displayName="Мужской")
    misnamed = coded(codeSystem=SEX, codeSystemVersion="2.1", code="2", displayName="Мужской")

    assert ask.unknown([good]) == []
    assert ask.unlisted([good, unlisted]) == [unlisted]
    assert ask.misnamed([good, misnamed]) == [misnamed]


def test_a_version_that_is_not_there_is_not_known_and_judges_nothing() -> None:
    ask = Coded(SHIPPED)
    other = coded(codeSystem=SEX, codeSystemVersion="9.9", code="9", displayName="?")

    assert ask.unknown([other]) == [other]
    assert ask.unlisted([other]) == ask.misnamed([other]) == ask.mistitled([other]) == []


def test_a_dictionary_known_by_title_alone_checks_the_title_alone() -> None:
    ask = Coded(SHIPPED)
    way = "1.2.643.5.1.13.13.99.2.991"
    latin = "Cпособ получения уведомления о проведении медико-социальной экспертизы"
    titled = coded(codeSystem=way, codeSystemVersion="1.1", code="1", codeSystemName=latin)
    cyrillic = coded(
        codeSystem=way, codeSystemVersion="1.1", code="1", codeSystemName="С" + latin[1:]
    )

    assert ask.unknown([titled]) == [titled]
    assert ask.mistitled([titled, cyrillic]) == [
        cyrillic
    ]  # the Ministry's title begins with a Latin C


def test_keys_are_those_the_ministry_checks_by() -> None:
    regions = SHIPPED.find("1.2.643.5.1.13.13.99.2.206", "6.5")
    sections = SHIPPED.find("1.2.643.5.1.13.13.11.1379", "3.19")
    secrecy = SHIPPED.find("1.2.643.5.1.13.13.99.2.285", "1.2")

    assert regions is not None
    assert regions.names is not None
    assert regions.names["77"] == {"г. Москва"}
    assert sections is not None
    assert sections.names is not None
    assert "SCOPORG" in sections.names
    assert secrecy is not None
    assert secrecy.names is not None
    assert set(secrecy.names) == {"1", "2", "3"}


def test_a_code_out_of_use_is_known_as_such() -> None:
    score = coded(codeSystem="1.2.643.5.1.13.13.99.2.148", codeSystemVersion="3.1", code="1")

    assert Coded(SHIPPED).retired([score]) == [score]


def test_a_pack_adds_what_is_too_large_to_ship(tmp_path: Path) -> None:
    rows = [
        [{"column": "MKB_CODE", "value": "I63.3"}, {"column": "MKB_NAME", "value": "Инфаркт"}],
        [{"column": "MKB_CODE", "value": "G80.0"}, {"column": "MKB_NAME", "value": None}],
    ]
    (tmp_path / "deep").mkdir()
    part = tmp_path / "deep" / "1.2.643.5.1.13.13.11.1005_2.24_part1.json"
    part.write_text(json.dumps({"list": rows}), encoding="utf-8")

    found = Dictionaries.load(TERMINOLOGY, [tmp_path]).find("1.2.643.5.1.13.13.11.1005", "2.24")

    assert found is not None
    assert found.names is not None
    assert found.names == {"I63.3": {"Инфаркт"}, "G80.0": frozenset()}


def test_a_pack_that_does_not_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.2.3_1.0_part1.json").write_text("{", encoding="utf-8")

    with pytest.raises(SettingError, match="does not read"):
        Dictionaries.load(TERMINOLOGY, [tmp_path])


@pytest.mark.packs
def test_what_ships_is_what_the_ministry_publishes(packs_folder: Path) -> None:
    published = Dictionaries.load(TERMINOLOGY, [packs_folder])

    for key, shipped in SHIPPED.versions.items():
        if shipped.names is not None:
            assert shipped == published.versions[key], key
