"""Which counterpart a wish to misbehave is for: several may be named, with commas between."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from gateway.errors import SettingError


def read_title(path: Path) -> str:
    """Return the title of a scenario file, whatever else stands in it."""
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["title"])


def deal(
    faults: str, scenarios: Mapping[str, Mapping[str, str]], only_named: Collection[str] = ()
) -> dict[str, str]:
    """Return the scenario of each counterpart, empty for none.

    `scenarios` are the names that each knows. A name goes to whom it belongs; a file to whom its
    `counterpart` names, else to all but `only_named`. Raises SettingError for what is neither,
    and when a counterpart is given two.
    """
    dealt = dict.fromkeys(scenarios, "")
    for word in filter(None, (one.strip() for one in faults.split(","))):
        for owner in _owners(word, scenarios, only_named):
            if dealt[owner]:
                raise SettingError(f"{owner} can misbehave in one way at a time", where=word)
            dealt[owner] = word
    return dealt


def _owners(
    word: str, scenarios: Mapping[str, Mapping[str, str]], only_named: Collection[str]
) -> list[str]:
    owners = [name for name, known in scenarios.items() if word in known]
    if owners:
        return owners
    try:
        table = tomllib.loads(Path(word).read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(one for titles in scenarios.values() for one in titles)
        raise SettingError(f"no such scenario; known: {known}", where=word) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"the scenario is no TOML: {error}", where=word) from error
    meant = table.get("counterpart")
    if meant is None:
        return [name for name in scenarios if name not in only_named]
    if meant not in scenarios:
        raise SettingError(f"there is no counterpart {meant!r}", where=word)
    return [meant]
