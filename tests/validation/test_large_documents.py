"""A large document costs what its size costs, and two at once do not disturb each other."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import etree

from gateway.findings import Finding
from gateway.formats.cda import HL7, place_of, read_cda
from gateway.formats.xml import elements_of
from gateway.validation.validator import Validator
from tests.validation.conftest import TODAY

MEGABYTE = 2**20
_ACT = "h:component/h:structuredBody/h:component/h:section[h:code/@code='SCOPORG']/h:entry/h:act"
_DIAGNOSES = "h:component/h:structuredBody/h:component/h:section[h:code/@code='DGN']/h:entry/h:act"
_PATIENT = "h:recordTarget/h:patientRole"
REPEATED = {
    "referral dates": f"{_ACT}/h:entryRelationship[h:observation/h:code/@code='4062']",
    "protocols": f"{_ACT}/h:entryRelationship[h:observation/h:code/@code='4059']",
    "diagnoses": f"{_DIAGNOSES}/h:entryRelationship",
    "patient's numbers": f"{_PATIENT}/h:id[@root='1.2.643.100.3']",
    "organisation's numbers": f"{_PATIENT}/h:providerOrganization/h:id",
    "templates": "h:templateId",
    "the commission": "h:documentationOf/h:serviceEvent/h:performer",
}


def grown(content: bytes, path: str, size: int) -> bytes:
    """Return the document with one of its elements repeated up to `size` bytes."""
    tree = read_cda(content).tree
    element = elements_of(tree.getroot().xpath(path, namespaces={"h": HL7}))[0]
    parent = element.getparent()
    assert parent is not None
    probe = copy.deepcopy(element)
    parent.insert(0, probe)
    each = len(etree.tostring(tree, encoding="utf-8")) - len(content)
    parent.remove(probe)
    place = parent.index(element)
    more = max((size - len(content)) // max(each, 40), 1)
    parent[place:place] = [copy.deepcopy(element) for _ in range(more)]
    return etree.tostring(tree, encoding="utf-8")


def cost(validator: Validator, content: bytes) -> float:
    """Return the processor time of one check with all that comes before it."""
    began = time.thread_time()
    validator.check(read_cda(content), today=TODAY)
    return time.thread_time() - began


@pytest.mark.parametrize("what", ["protocols", "patient's numbers", "templates"])
def test_eight_times_the_entries_cost_about_eight_times_as_much(
    what: str, validator: Validator, examples: Mapping[str, bytes]
) -> None:
    small, large = (
        grown(examples["adult-in-person"], REPEATED[what], size)
        for size in (MEGABYTE // 2, 4 * MEGABYTE)
    )

    ratio = cost(validator, large) / min(cost(validator, small) for _ in range(2))

    assert ratio < 4 * len(large) / len(small)  # what grows with the square is at 8


def test_eight_megabytes_cost_about_eight_times_one(
    validator: Validator, examples: Mapping[str, bytes]
) -> None:
    path = REPEATED["referral dates"]
    small, large = (grown(examples["adult-in-person"], path, n * MEGABYTE) for n in (1, 8))

    ratio = cost(validator, large) / min(cost(validator, small) for _ in range(2))

    assert len(large) > 7 * MEGABYTE
    assert ratio < 3 * len(large) / len(small)


def test_documents_checked_side_by_side_are_told_what_they_are_told_alone(
    validator: Validator, examples: Mapping[str, bytes]
) -> None:
    damaged = [
        grown(content, path, MEGABYTE // 4).replace(b'value="2', b'value="3', number * 5)
        for number, (content, path) in enumerate(zip(examples.values(), PATHS, strict=False), 1)
    ]

    def check(content: bytes) -> tuple[Finding, ...]:
        return validator.check(read_cda(content), today=TODAY).findings

    alone = [check(content) for content in damaged]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(check, damaged * 3))

    assert len({len(findings) for findings in alone}) > 1
    assert together == alone * 3


PATHS = [REPEATED[what] for what in ("referral dates", "diagnoses", "the commission", "templates")]


def test_a_place_is_the_same_whether_siblings_are_counted_once_or_each_time(
    examples: Mapping[str, bytes],
) -> None:
    document = read_cda(grown(examples["adult-in-person"], "h:templateId", MEGABYTE // 4))

    places = [one.where for one in document.header.templates]

    assert len(places) > 100
    assert places[-1] == f"/ClinicalDocument/templateId[{len(places)}]/@root"
    last = list(document.tree.getroot().iterchildren(f"{{{HL7}}}templateId"))[-1]
    assert place_of(last, "root") == places[-1]
