"""Checks a document before anybody else does: its edition, its structure, its rules.

Tiers 1 and 2 run inside the request; the authority's own pack is asked elsewhere (`packs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.errors import SettingError
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.formats.cda import CdaDocument, line_of, place_of
from gateway.validation.dictionaries import Coded, Dictionaries
from gateway.validation.functions import FUNCTIONS
from gateway.validation.profiles import Profile, load_profiles
from gateway.validation.rules import Rule

RAN: Final = "ran"
NOT_INSTALLED: Final = "not installed"
NOT_REACHED: Final = "not reached"

_NOT_REACHED: Final = {Tier.STRUCTURE: NOT_REACHED, Tier.RULES: NOT_REACHED}
_RAN: Final = {Tier.STRUCTURE: RAN, Tier.RULES: RAN}

UNKNOWN: Final = {
    "ru": "Вид документа не определён: ни один известный templateId не указан.",
    "en": "The kind of the document is unknown: it names no templateId that we know.",
}
EXPIRED: Final = {
    "ru": "Редакция {edition} (вид {kind}) принималась до {until}; действует редакция {now}.",
    "en": "Edition {edition} (kind {kind}) was taken until {until}; edition {now} is in force.",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, by which profile, and which tiers ran."""

    findings: tuple[Finding, ...]
    profile: Profile | None
    tiers: Mapping[Tier, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Validator:
    """Every profile there is, ready to check; building one reads files, checking reads none."""

    profiles: tuple[Profile, ...]

    @classmethod
    def load(cls, profiles: Path, dictionaries: Dictionaries) -> Validator:
        """Read and compile the profiles below the folder.

        Raises `SettingError` naming the file or rule that does not read.
        """
        functions = FUNCTIONS | Coded(dictionaries).functions()
        return cls(load_profiles(profiles, functions))

    def profile(self, name: str) -> Profile:
        """Return the profile of that id; raises `SettingError` with the known ones."""
        for profile in self.profiles:
            if profile.id == name:
                return profile
        known = ", ".join(profile.id for profile in self.profiles)
        raise SettingError(f"there is no profile {name}, there are: {known}", where="--profile")

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that id, whichever profile has it."""
        rules = (rule for profile in self.profiles for rule in profile.rules)
        return next((rule for rule in rules if rule.id == name), None)

    def check(self, document: CdaDocument, *, today: date, profile: str = "") -> Report:
        """Check the document by the profile its template names, or by the one asked for.

        `today` is the latest day that it is anywhere documents come from (UTC+12 in Russia).

        Findings come in a fixed order: structure, then rules, each in document order.
        """
        tree = document.tree
        chosen = self.profile(profile) if profile else self._claimed(tree)
        if chosen is None:
            return Report((self._refusal(tree),), None, _NOT_REACHED)
        findings = (*chosen.check_structure(tree), *chosen.check_rules(tree, today))
        return Report(findings, chosen, _RAN)

    def _claimed(self, tree: etree._ElementTree) -> Profile | None:
        for profile in self.profiles:
            if profile.edition.template in profile.templates_of(tree):
                return profile
        return None

    def _refusal(self, tree: etree._ElementTree) -> Finding:
        for profile in self.profiles:
            claimed = profile.templates_of(tree)
            for edition in profile.expired:
                if edition.template in claimed:
                    words = {
                        "edition": edition.number,
                        "kind": edition.kind,
                        "until": f"{edition.valid_to:%d.%m.%Y}" if edition.valid_to else "—",
                        "now": profile.edition.number,
                    }
                    texts = {lang: text.format(**words) for lang, text in EXPIRED.items()}
                    return _profile_finding(tree, "profile.expired", "business-rule", texts)
        return _profile_finding(tree, "profile.unknown", "not-supported", UNKNOWN)


def _profile_finding(
    tree: etree._ElementTree, rule: str, code: str, texts: Mapping[str, str]
) -> Finding:
    root = tree.getroot()
    template = next(root.iterchildren("{*}templateId"), root)
    return Finding(
        rule=rule,
        code=code,
        severity=Severity.ERROR,
        where=place_of(template, "root" if "root" in template.attrib else ""),
        line=line_of(template),
        texts=texts,
        mender=Mender.VENDOR,
        tier=Tier.STRUCTURE,
    )
