"""One JSON object a line on stderr: event, exchange, endpoint, codes; never what a document says.

An exception is told by its type and its places in the code. Its text is left out: a parser or a
database likes to quote what it stumbled over.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from gateway.ports import Log


def _render_exception(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line.update(describe_exception(error))
    return line


_PROCESSORS = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _render_exception,
    structlog.processors.JSONRenderer(ensure_ascii=False),
)


def open_log(stream: TextIO | None = None, *, level: int = logging.INFO) -> Log:
    """Return the log that writes JSON lines to `stream` (stderr)."""
    log: Log = structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return log


def set_up_logs(stream: TextIO | None = None, *, level: int = logging.INFO) -> Log:
    """Make every `structlog.get_logger()` and every library write such lines; return the log."""
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    log = open_log(stream, level=level)
    join_foreign_logs(log)
    return log


def join_foreign_logs(log: Log, *, level: int = logging.WARNING) -> None:
    """Send what libraries log through `logging` to the same lines, without their words."""
    root = logging.getLogger()
    root.handlers[:] = [_Joined(log)]
    root.setLevel(level)


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Return an exception's type and places, and those of its causes; never its text."""
    chain: list[str] = []
    places: list[str] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 5:
        chain.append(f"{type(current).__module__}.{type(current).__qualname__}")
        frames = traceback.extract_tb(current.__traceback__)
        places += [f"{one.filename}:{one.lineno} {one.name}" for one in frames[-8:]]
        current = current.__cause__ or current.__context__
    return {"error": chain, "places": places}


class _Joined(logging.Handler):
    """Turns a record of a library into a line: who, where in its code, which exception."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record without its message, which may quote a request."""
        facts: dict[str, Any] = {
            "logger": record.name,
            "place": f"{record.pathname}:{record.lineno}",
            "severity": record.levelname.lower(),
        }
        if record.exc_info and record.exc_info[1]:
            facts["exc_info"] = record.exc_info[1]
        self._log.warning("Library", **facts)
