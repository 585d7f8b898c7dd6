from datetime import UTC, datetime

import pytest

from gateway.errors import HouseError
from gateway.samples.template import Template

NOW = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


def stamped(source: str, **words: str) -> str:
    return Template(source, name="sample").stamp(words, NOW).decode()


def test_words_are_filled_and_escaped() -> None:
    assert (
        stamped('<a b="{{x}}">{{x}}</a>', x='<&"') == '<a b="&lt;&amp;&quot;">&lt;&amp;&quot;</a>'
    )


def test_days_count_back_from_the_day_in_moscow() -> None:
    # 22:30 UTC is already the second of March there.
    assert stamped("{{now}} {{day-0}} {{date-2}} {{year-90}} {{day+30}}") == (
        "202603020130+0300 20260302 28.02.2026 2025 20260401"
    )


def test_a_declared_block_is_written_out() -> None:
    source = (
        "<?mse-repeat 4?>[{{each}} {{each-day 10 2}} {{each-date 10 2}} {{each-of a b}}]<?mse-end?>"
    )

    assert stamped(source) == (
        "[1 20260220 20.02.2026 a][2 20260220 20.02.2026 b]"
        "[3 20260221 21.02.2026 a][4 20260221 21.02.2026 b]"
    )


def test_the_note_of_the_template_is_left_out_and_other_comments_stay() -> None:
    source = '<?xml version="1.0"?>\n<!-- {{what}} -->\n<a/><!-- kept -->'

    assert stamped(source) == '<?xml version="1.0"?>\n<a/><!-- kept -->'


def test_a_place_left_open_is_named() -> None:
    with pytest.raises(HouseError, match=r"sample lacks patient\.snils"):
        stamped("{{patient.snils}}")
