"""What the Ministry's pack refuses, the first two tiers have refused before it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from lxml import etree

from gateway.findings import Severity, Tier, has_errors
from gateway.formats.cda import place_of, read_cda
from gateway.validation.pack_folders import find_packs
from gateway.validation.packs import PackRunner
from gateway.validation.validator import Validator
from tests.validation.conftest import TODAY

TEMPLATE = "1.2.643.5.1.13.13.14.34.9.6"
Damage = Callable[[etree._Element], None]

pytestmark = pytest.mark.packs


def take_away(element: etree._Element) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def double(element: etree._Element) -> None:
    element.addnext(etree.fromstring(etree.tostring(element, with_tail=False)))


def blank_attributes(element: etree._Element) -> None:
    for name in element.attrib:
        element.set(name, "")


def strip_attributes(element: etree._Element) -> None:
    element.attrib.clear()


def damaged(content: bytes, damage: Damage, every: int, start: int) -> Iterator[tuple[str, bytes]]:
    """Return the document once for every so-many-th element, with that element damaged."""
    elements = list(etree.fromstring(content).iter("*"))
    for number in range(start, len(elements), every):
        root = etree.fromstring(content)
        element = list(root.iter("*"))[number]
        place = place_of(element)
        damage(element)
        yield place, etree.tostring(root, encoding="utf-8", xml_declaration=True)


DAMAGES = (take_away, double, blank_attributes, strip_attributes)


async def test_no_refusal_of_the_pack_comes_as_a_surprise(
    validator: Validator, examples: Mapping[str, bytes], packs_folder: Path
) -> None:
    runner = PackRunner(find_packs([packs_folder]))
    await runner.start()
    refused, surprises = 0, []

    for start, damage in enumerate(DAMAGES, start=3):
        for place, content in damaged(examples["child-with-guardian"], damage, 79, start * 7):
            official = await runner.check(content, TEMPLATE)
            ours = validator.check(read_cda(content), today=TODAY)
            if has_errors(official.findings):
                refused += 1
                surprises += [] if has_errors(ours.findings) else [f"{damage.__name__} {place}"]

    await runner.close()
    assert refused > 20
    assert surprises == []


async def test_the_pack_agrees_that_the_bundled_referrals_are_good(
    examples: Mapping[str, bytes], packs_folder: Path
) -> None:
    runner = PackRunner(find_packs([packs_folder]))
    await runner.start()

    report = await runner.check(examples["adult-in-person"], TEMPLATE)

    await runner.close()
    assert report.ran == "ran"
    assert [one for one in report.findings if one.severity is Severity.ERROR] == []
    assert all(one.tier is Tier.PACK for one in report.findings)
