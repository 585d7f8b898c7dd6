from pathlib import Path

import pytest

from gateway.exchange.machine import ANYWHERE, TABLE
from gateway.exchange.picture import draw, redraw

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_the_machine_as_it_is() -> None:
    readme = README.read_text(encoding="utf-8")

    assert redraw(readme) == readme, "run `make picture`"


def test_every_event_of_the_table_is_in_the_picture() -> None:
    picture = draw()

    wanted = {event.__name__ for _, event in TABLE} | {event.__name__ for event in ANYWHERE}

    assert not {name for name in wanted if name not in picture}


@pytest.mark.parametrize(
    "line",
    [
        "delivering: owes inquire",
        "  ─DeliveryBegan→ delivering",
        "      where a repeat is forbidden: parked\n      before its answer is due: itself",
        "  ─NotThere→ signed\n      with a rejection remembered: answered",
        "  ─Answered(rejected)→ answered\n      after a resend: awaiting",
        "  ─Resumed→ where it stood",
        "  ─GaveUp→ parked\n      answered, closed, parked: nothing changes",
    ],
)
def test_an_arrow_that_depends_on_something_says_on_what(line: str) -> None:
    assert line in draw()


def test_a_text_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="unpack"):
        redraw("no picture here")
