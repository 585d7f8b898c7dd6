from pathlib import Path

import pytest

from gateway.validation.pack_folders import find_packs
from gateway.validation.packs import PackRunner
from tests.validation.pack_made_here import TEMPLATE, document

pytestmark = pytest.mark.packs


async def test_the_pack_of_088u_is_found_by_its_template_and_compiles(packs_folder: Path) -> None:
    runner = PackRunner(find_packs([packs_folder]))
    await runner.start()

    report = await runner.check(document(""), TEMPLATE)

    await runner.close()
    # 1,482 asserts and 27 reports; 169 patterns.
    assert (report.pack, report.checks, report.ran) == ("121", 1509, "not reached")
