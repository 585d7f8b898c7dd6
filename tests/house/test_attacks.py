"""Every attack that the documentation speaks of is really tried."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "gateway/signatures/ATTACKS.md").read_text(encoding="utf-8")
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]


def test_the_table_of_attacks_is_not_empty() -> None:
    assert len(ROWS) > 20


@pytest.mark.parametrize("row", ROWS)
def test_each_attack_has_the_test_that_its_row_names(row: str) -> None:
    _, _, _, tests, result, _ = (cell.strip() for cell in row.split("|"))

    named = re.findall(r"`([\w/.-]+\.py)::(\w+)`", tests)

    assert named, "no test is named"
    assert result
    for path, name in named:
        assert re.search(
            rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE
        ), name
