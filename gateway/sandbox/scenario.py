"""How the sandbox misbehaves: data, chosen for each document by a seeded draw.

A scenario is a TOML file. Its rules share the unit interval among them in order: a document's
draw falls into one rule or into none, and stays there for every attempt. What is left over
behaves as it should. Durations are those of the real system; the time scale shortens them.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from gateway.errors import SettingError
from gateway.settings import read

_NOW = timedelta()


class Answer(StrEnum):
    """What the caller gets at once."""

    ACCEPTED = "accepted"
    ERROR = "error"
    """A business answer with `answer_errors`."""
    FAULT = "fault"
    """A SOAP Fault that blames the receiver, with HTTP 500."""
    HTTP_500 = "http-500"
    """HTTP 500 with a page that is no SOAP."""
    SILENCE = "silence"
    """Nothing for `hold`, then the connection is reset."""
    RESET = "reset"
    """The connection is reset once the request was read."""
    INCOMPLETE = "incomplete"
    """A search finds nothing, and does not say that this is all."""


class Becomes(StrEnum):
    """What truly becomes of the document."""

    CHECKED = "checked"
    """It is registered if it passes the checks."""
    DROPPED = "dropped"
    """It is forgotten: no registration, no answer."""
    REJECTED = "rejected"
    """It is rejected with `errors`, whatever the checks say."""


class Says(StrEnum):
    """What a callback tells."""

    TRUTH = "truth"
    ERROR = "error"
    """The callback's own `errors`, whatever is true."""


class Form(StrEnum):
    """How a callback is written."""

    WELL = "well"
    BROKEN_XML = "broken-xml"
    """Cut off in the middle."""
    NO_RELATES_TO = "no-relates-to"
    """Neither `relatesToMessage` nor `wsa:RelatesTo`."""
    UNKNOWN_RELATES_TO = "unknown-relates-to"
    """Relates to a message that nobody sent."""
    NO_IDENTIFIERS = "no-identifiers"
    """No localUid, kind, organization or registryItem."""
    EMPTY_MESSAGE = "empty-message"
    """Error items without a text."""
    NESTED_KIND = "nested-kind"
    """The kind as `kind/code`, as seen in the field."""
    UNSIGNED = "unsigned"
    """Without WS-Security."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorItem:
    """One coded error."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One callback that will be sent."""

    says: Says = Says.TRUTH
    errors: tuple[ErrorItem, ...] = ()
    delay: timedelta = _NOW
    """After the verdict or after the callback before."""
    form: Form = Form.WELL
    same_message_id: bool = False
    """A copy of the callback before, its MessageID included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What is done with one attempt; the default is a system that works."""

    answer: Answer = Answer.ACCEPTED
    answer_errors: tuple[ErrorItem, ...] = ()
    answer_delay: timedelta = _NOW
    answer_after_callback: bool = False
    """The callback overtakes the synchronous answer."""
    hold: timedelta = timedelta(seconds=90)
    """How long a silence lasts before the reset."""
    becomes: Becomes = Becomes.CHECKED
    errors: tuple[ErrorItem, ...] = ()
    delay: timedelta = _NOW
    """Before the document is looked at."""
    spread: timedelta = _NOW
    """Up to this much is added to `delay`, by the document's draw."""
    after_next_attempt: bool = False
    """It is looked at only once another attempt has come."""
    file_unreachable: bool = False
    """The file cannot be fetched, as if the МИС were down."""
    callbacks: tuple[Callback, ...] = (Callback(),)
    inquiries_unanswered: int = 0
    """So many searches that cover the document get `inquiry_answer` instead of what is true."""
    inquiry_answer: Answer = Answer.SILENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which documents a rule is for; an empty field does not filter."""

    kind: str = ""
    organization: str = ""
    local_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A share of the documents, and what is done with them."""

    name: str
    share: float = 1.0
    where: Where = field(default_factory=Where)
    first_attempt_only: bool = False
    """Later attempts get `then`."""
    does: Behaviour = field(default_factory=Behaviour)
    then: Behaviour = field(default_factory=Behaviour)

    def behaviour(self, attempt: int) -> Behaviour:
        """Return what the attempt (counted from 1) gets."""
        return self.then if self.first_attempt_only and attempt > 1 else self.does


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """What happens before a request is read, when nobody knows yet which document it is about."""

    reset_first: int = 0
    """So many requests are reset unread, to begin with."""
    reset_share: float = 0.0
    """This share of all the others, drawn by their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """The listener goes away for a while."""

    after_requests: int = 0
    """Each time so many requests have come; 0: never."""
    down_for: timedelta = timedelta(seconds=30)
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole file."""

    name: str
    title: str
    counterpart: str = ""
    """Whom a file is for; empty: whoever takes documents."""
    seed: int = 0
    duplicate_guard: bool = True
    """Off: a registered document is registered again."""
    rules: tuple[Rule, ...] = ()
    connections: Connections = field(default_factory=Connections)
    restart: Restart = field(default_factory=Restart)

    def choose(self, local_uid: str, *, kind: str = "", organization: str = "") -> Rule:
        """Return the rule the document falls under; one that misbehaves in nothing if none."""
        place, edge = self.draw(local_uid), 0.0
        for rule in self.rules:
            if not _is_meant(rule.where, local_uid, kind, organization):
                continue
            edge += rule.share
            if place < edge:
                return rule
        return AS_IT_SHOULD

    def rule(self, name: str) -> Rule:
        """Return the rule of this name, or the one that misbehaves in nothing."""
        return next((rule for rule in self.rules if rule.name == name), AS_IT_SHOULD)

    def draw(self, *words: object) -> float:
        """Return a number within [0, 1) that the seed and the words decide."""
        text = "\0".join(str(word).lower() for word in (self.seed, *words))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7]) / 2**56


AS_IT_SHOULD = Rule(name="as-it-should")
NO_FAULTS = Scenario(name="none", title="A system that works")


def foresee(rule: Rule, *, attempts: int = 2) -> str:
    """Return what a faultless document comes to: `registered`, `rejected` or `none`.

    A rule for the first attempt only rejects that attempt («не в отведённое время»), not the
    document.
    """
    for attempt in range(1, attempts + 1):
        does = rule.behaviour(attempt)
        if does.becomes is Becomes.REJECTED and not rule.first_attempt_only:
            return "rejected"
        if does.becomes is Becomes.CHECKED and not does.file_unreachable:
            return "registered"
    return "none"


def list_scenarios(folder: Path) -> list[str]:
    """Return the names of the scenarios in a folder."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_scenario(name: str, folder: Path) -> Scenario:
    """Read the scenario of this name from the folder, or from the file of this path.

    Raises SettingError when there is none, or with the key that is wrong.
    """
    path = folder / f"{name}.toml"
    if not path.is_file():
        path = Path(name)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(list_scenarios(folder))
        raise SettingError(f"no such scenario; known: {known}", where=name) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"the scenario is no TOML: {error}", where=name) from error
    scenario = read(Scenario, {"name": path.stem, **table}, name)
    _check_shares(scenario)
    return scenario


def _check_shares(scenario: Scenario) -> None:
    everywhere = [rule.share for rule in scenario.rules if rule.where == Where()]
    if sum(everywhere) > 1 + 1e-9 or any(share < 0 for share in everywhere):
        raise SettingError("the shares of the rules come to more than 1", where=scenario.name)
    if len({rule.name for rule in scenario.rules}) < len(scenario.rules):
        raise SettingError("two rules have one name", where=scenario.name)


def _is_meant(where: Where, local_uid: str, kind: str, organization: str) -> bool:
    uids = [uid.lower() for uid in where.local_uids]
    return (
        where.kind in ("", kind)
        and where.organization in ("", organization)
        and (not uids or local_uid.lower() in uids)
    )
