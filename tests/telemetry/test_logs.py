"""One JSON object a line, and never what a document says."""

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import structlog

from gateway.exchange import events as e
from gateway.exchange.decision import decide
from gateway.exchange.record import Exchange, Identity
from gateway.exchange.states import State
from gateway.ports import Log
from gateway.telemetry.logs import join_foreign_logs, open_log, set_up_logs
from gateway.telemetry.observer import Telling

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "Иванов Пётр, СНИЛС 112-233-445 95"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> Log:
    return open_log(stream)


@pytest.fixture
def _root_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def awaiting() -> Exchange:
    identity = Identity(
        endpoint="remd",
        profile="ru-088u",
        kind="121",
        local_uid=SECRET,
        sender="mis",
        organization="1.2",
        document_sha256="0" * 64,
        patient=SECRET,
    )
    return Exchange(id="x", identity=identity, received_at=NOON, state=State.AWAITING)


def test_an_event_is_one_line_with_codes_and_states(stream: io.StringIO, log: Log) -> None:
    event = e.TurnedAway(codes=("RATE_LIMIT",), text=SECRET)

    Telling(log).advanced(decide(awaiting(), event, now=NOON))

    (line,) = lines(stream)
    assert line["event"] == "TurnedAway"
    assert (line["exchange"], line["endpoint"], line["state"]) == ("x", "remd", "awaiting")
    assert line["codes"] == ["RATE_LIMIT"]
    assert line["duty"] == "inquire"


@pytest.mark.parametrize(
    "event",
    [
        e.TurnedAway(text=SECRET),
        e.Unavailable(reason=SECRET),
        e.GaveUp(reason=SECRET),
        e.InquiryWanted(reason=SECRET),
        e.Answered(registered=True, source=e.Source.CALLBACK, number=SECRET),
        e.StillPending(
            reason=SECRET, wire=(e.Wire(direction="in", name="x", body=SECRET.encode()),)
        ),
    ],
)
def test_no_word_of_anybody_else_reaches_a_line(
    stream: io.StringIO, log: Log, event: e.Event
) -> None:
    Telling(log).advanced(decide(awaiting(), event, now=NOON))

    assert "Иванов" not in stream.getvalue()
    assert "112-233" not in stream.getvalue()


def test_a_parked_exchange_is_a_warning(stream: io.StringIO, log: Log) -> None:
    Telling(log).advanced(decide(awaiting(), e.GaveUp(reason="age"), now=NOON))

    assert lines(stream)[0]["level"] == "warning"


def test_an_exception_is_told_by_type_and_place_and_not_by_its_text(
    stream: io.StringIO, log: Log
) -> None:
    try:
        int(SECRET)
    except ValueError as error:
        log.error("Broke", exc_info=error)  # noqa: TRY400 - its text is what must not be told

    (line,) = lines(stream)
    assert line["error"] == ["builtins.ValueError"]
    assert "test_logs.py" in line["places"][0]
    assert "Иванов" not in stream.getvalue()


@pytest.mark.usefixtures("_root_restored")
def test_what_a_library_logs_is_told_without_its_words(stream: io.StringIO, log: Log) -> None:
    join_foreign_logs(log)

    try:
        int(SECRET)
    except ValueError:
        logging.getLogger("some.package").exception("cannot read %s", SECRET)

    (line,) = lines(stream)
    assert (line["logger"], line["severity"]) == ("some.package", "error")
    assert line["error"] == ["builtins.ValueError"]
    assert "Иванов" not in stream.getvalue()


@pytest.mark.usefixtures("_root_restored")
def test_every_room_writes_the_same_lines(stream: io.StringIO) -> None:
    set_up_logs(stream)

    try:
        int(SECRET)
    except ValueError:
        structlog.get_logger("gateway.flow").exception("a step broke", exchange="x")

    (line,) = lines(stream)
    assert (line["event"], line["exchange"], line["level"]) == ("a step broke", "x", "error")
    assert line["error"] == ["builtins.ValueError"]
    assert "Иванов" not in stream.getvalue()
