from datetime import UTC, datetime

import pytest
from lxml import etree

from gateway.errors import HouseError
from gateway.formats.cda import place_of, read_cda
from gateway.samples.broken import Twin, break_document, read_twins
from gateway.samples.examples import read_examples
from gateway.samples.maker import Maker
from tests.samples.counted_ids import CountedIds

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TWINS = read_twins()


def canonical(content: bytes) -> bytes:
    return etree.tostring(etree.fromstring(content), method="c14n")


def places(tree: etree._ElementTree) -> set[str]:
    return {place_of(element) for element in tree.iter(etree.Element)}


def test_every_example_has_a_broken_twin() -> None:
    assert {twin.example for twin in TWINS.values()} == read_examples().keys()


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_differs_from_its_example_and_its_place_is_in_it(name: str) -> None:
    twin = TWINS[name]
    whole = Maker().make(1, now=NOW, ids=CountedIds(), example=twin.example)

    broken = Maker().make_broken(1, now=NOW, ids=CountedIds(), twin=twin)

    assert broken.expected == "refused"
    assert canonical(broken.content) != canonical(whole.content)
    assert twin.where in places(read_cda(broken.content).tree)


def test_a_broken_twin_is_signed_as_it_stands() -> None:
    def sign(certificate: str, content: bytes, when: datetime) -> bytes:
        return content

    twin = TWINS["no-form-of-examination"]

    broken = Maker(sign=sign).make_broken(1, now=NOW, ids=CountedIds(), twin=twin)

    assert [one.content for one in broken.signatures] == [broken.content] * 2


def test_a_change_that_finds_no_place_or_two_is_refused() -> None:
    content = Maker().make(1, now=NOW, ids=CountedIds()).content

    for path in ("//h:nowhere", "//h:section"):
        with pytest.raises(HouseError, match="not one place"):
            break_document(content, Twin("x", "x", "x", {"remove": path}, "", 0, ""))
