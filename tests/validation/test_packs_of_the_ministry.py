import csv
from pathlib import Path

import pytest

from gateway.validation.pack_folders import find_packs
from gateway.validation.packs import PackRunner
from gateway.validation.schematron import transpile
from tests.validation.pack_made_here import HL7, TEMPLATE, document

pytestmark = pytest.mark.packs


async def test_the_pack_of_088u_is_found_by_its_template_and_compiles(packs_folder: Path) -> None:
    runner = PackRunner(find_packs([packs_folder]))
    await runner.start()

    report = await runner.check(document(""), TEMPLATE)

    await runner.close()
    # 1,482 asserts and 27 reports; 169 patterns.
    assert (report.pack, report.checks, report.ran) == ("121", 1509, "not reached")


def test_checks_are_numbered_as_the_flat_list_has_them(packs_folder: Path) -> None:
    (pack,) = find_packs([packs_folder])
    with (pack.schematron.parent / "121_rules.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))

    book = transpile(pack.schematron.read_bytes(), default_namespace=HL7)

    assert [check.text for check in book.checks.values()] == [
        " ".join(row["message"].split()) for row in rows
    ]
    assert sorted(book.checks) == list(range(1, 1510))
