"""Tells what a rule asks, in words and in XPath, with the example that breaks it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from gateway.errors import SettingError
from gateway.validation.rules import Rule
from gateway.validation.sentences import CODES, SENTENCES
from gateway.validation.validator import EXPIRED, UNKNOWN, Validator

_STRUCTURE = "structure."
_PROFILE = {"profile.expired": EXPIRED, "profile.unknown": UNKNOWN}


def explain(validator: Validator, name: str, lang: str = "ru") -> str:
    """Return a few lines about a rule; raises `SettingError` with the nearest names."""
    rule = validator.rule(name)
    if rule is not None:
        return "\n".join(_lines(rule, lang))
    kind = name.removeprefix(_STRUCTURE)
    if name.startswith(_STRUCTURE) and kind in SENTENCES:
        sentence = SENTENCES[kind].get(lang, SENTENCES[kind]["ru"])
        return f"{name} (error, {CODES[kind]})\n{sentence}"
    if name in _PROFILE:
        return f"{name} (error)\n{_PROFILE[name].get(lang, _PROFILE[name]['ru'])}"
    raise SettingError(f"there is no rule {name}{_nearest(validator, name)}", where="--explain")


def _lines(rule: Rule, lang: str) -> list[str]:
    official = f", {rule.official}" if rule.official else ""
    lines = [
        f"{rule.id} ({rule.severity}, {rule.code}{official}; mended by: {rule.mender})",
        rule.texts.get(lang, rule.texts["ru"]),
        f"  looks at: {rule.context}",
        f"  holds if: {rule.test}",
    ]
    return lines + [f"  broken by: {_change(change)}" for change in rule.broken]


def _change(change: Any) -> str:
    acts = ", ".join(
        f"{key} {value}" for key, value in change.items() if key not in {"at", "where"}
    )
    return f"{acts} at {change['at']}"


def _nearest(validator: Validator, name: str) -> str:
    known = [rule.id for profile in validator.profiles for rule in profile.rules]
    known += [f"{_STRUCTURE}{kind}" for kind in SENTENCES] + list(_PROFILE)
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {', '.join(near)}?" if near else ""
