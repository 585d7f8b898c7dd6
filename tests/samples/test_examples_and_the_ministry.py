import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.formats.cda import place_of, read_cda
from gateway.samples.broken import read_twins
from gateway.samples.examples import read_examples
from gateway.samples.maker import Maker
from gateway.validation.pack_folders import find_packs
from gateway.validation.packs import PackRunner
from tests.samples.counted_ids import CountedIds

pytestmark = pytest.mark.packs

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TEMPLATE = "1.2.643.5.1.13.13.14.34.9.6"
EXAMPLES = tuple(read_examples())
TWINS = read_twins()
# How the Ministry's validator names key and meaning where they are not ID and NAME.
COLUMNS = {
    "1.2.643.5.1.13.13.11.1379": ("CODE", "NAME"),
    "1.2.643.5.1.13.13.11.1522": ("RECID", "Name"),
    "1.2.643.5.1.13.13.11.1504": ("ID", "ADDRESS_TYPE"),
    "1.2.643.5.1.13.13.11.1551": ("ID", "S_NAME"),
    "1.2.643.5.1.13.13.11.1077": ("ID", "FULL_NAME"),
    "1.2.643.5.1.13.13.11.1474": ("CODE", "NAME"),
    "1.2.643.5.1.13.13.99.2.148": ("ID", "Name"),
    "1.2.643.5.1.13.13.99.2.206": ("CODE_FNS", "SUBJECT"),
    "1.2.643.5.1.13.13.99.2.315": ("ID", "S_NAME"),
    "1.2.643.5.1.13.13.99.2.322": ("CODE", "NAME"),
    "1.2.643.5.1.13.13.99.2.724": ("ID", "Name"),
    "1.2.643.5.1.13.13.99.2.726": ("ID", "Type"),
    "1.2.643.5.1.13.13.99.2.856": ("ID", "Name"),
}
NOT_PUBLISHED = {
    "1.2.643.5.1.13.13.11.1005",
    "1.2.643.5.1.13.13.11.1039",
    "1.2.643.5.1.13.13.99.2.611",
    "1.2.643.5.1.13.13.99.2.857",
    "1.2.643.5.1.13.13.99.2.991",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ministry(packs_folder: Path) -> AsyncIterator[PackRunner]:
    runner = PackRunner(find_packs([packs_folder]), limit=120.0)
    await runner.start()
    yield runner
    await runner.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", EXAMPLES)
async def test_every_example_passes_the_schema_and_all_1509_checks(
    ministry: PackRunner, name: str
) -> None:
    document = Maker().make(1, now=NOW, ids=CountedIds(), example=name)

    report = await ministry.check(document.content, TEMPLATE)

    assert (report.ran, report.checks) == ("ran", 1509)
    assert [(finding.rule, finding.where) for finding in report.findings] == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", TWINS)
async def test_every_broken_twin_fails_at_the_place_it_names(
    ministry: PackRunner, name: str
) -> None:
    twin = TWINS[name]
    document = Maker().make_broken(1, now=NOW, ids=CountedIds(), twin=twin)

    report = await ministry.check(document.content, TEMPLATE)

    found = {
        (finding.where, finding.official, finding.rule.startswith("121/xsd/") or finding.rule)
        for finding in report.findings
    }
    assert (twin.where, twin.official, f"121/{twin.check}" if twin.check else True) in found
    assert report.ran == ("ran" if twin.check else "not reached")


@pytest.mark.parametrize("name", EXAMPLES)
def test_codes_and_names_are_those_of_the_dictionaries(packs_folder: Path, name: str) -> None:
    document = read_cda(Maker().make(1, now=NOW, ids=CountedIds(), example=name).content)
    coded = document.tree.xpath("//*[@codeSystem]")
    assert isinstance(coded, list)
    wrong, unknown = [], set()

    for element in coded:
        assert not isinstance(element, (str, bytes, float, tuple))
        system, version = element.get("codeSystem", ""), element.get("codeSystemVersion", "")
        names = dictionary(packs_folder, system, version)
        if names is None:
            unknown.add(system)
        elif names.get(element.get("code", "")) != element.get("displayName"):
            wrong.append((place_of(element), element.get("code"), element.get("displayName")))

    assert wrong == []
    assert unknown <= NOT_PUBLISHED


def dictionary(folder: Path, system: str, version: str) -> dict[str, str] | None:
    found = list(folder.rglob(f"{system}_{version}_part1.json"))
    if not found:
        return None
    key, meaning = COLUMNS.get(system, ("ID", "NAME"))
    rows = json.loads(found[0].read_text(encoding="utf-8"))["list"]
    records = [{cell["column"]: cell["value"] for cell in row} for row in rows]
    return {record[key]: record[meaning] for record in records}
