"""Validate documents without sending them: every problem, its place, and who mends it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import click

from gateway.commands.terminal.tables import complain, describe_finding, print_json
from gateway.commands.terminal.words import Exit, config_option, json_option, lang_option
from gateway.doors import SystemClock
from gateway.errors import HouseError, MalformedMessage, MessageTooLarge, SettingError
from gateway.findings import Finding, Mender, Severity, Tier, has_errors
from gateway.formats.cda import CdaDocument, read_cda
from gateway.resources import MAPPINGS, PROFILES
from gateway.settings import load
from gateway.validation.dictionaries import Dictionaries
from gateway.validation.explanation import explain
from gateway.validation.pack_folders import find_packs
from gateway.validation.packs import PackRunner
from gateway.validation.validator import NOT_INSTALLED, NOT_REACHED, Validator

UNREADABLE: Final = "Документ не прочитать как XML: {text}."
NO_PACK: Final = {
    "ru": "Не проверено: пакета ведомства для таких документов здесь нет.",
    "en": "Not checked: there is no authority's pack for such documents here.",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one file, and how deep the checks went."""

    file: str
    findings: tuple[Finding, ...]
    tiers: Mapping[str, str]

    def as_json(self, lang: str) -> dict[str, Any]:
        """Return the answer of the contract."""
        findings = [finding.as_json(lang) for finding in self.findings]
        return {"file": self.file, "findings": findings, "tiers": dict(self.tiers)}


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--profile", metavar="ID", default="", help="Check as this kind of document.")
@click.option("--explain", "rule", metavar="RULE", help="Tell what a rule asks and why.")
@click.option("--strict", is_flag=True, help="Count what could not be checked as an error.")
@click.option("--no-packs", is_flag=True, help="Leave out the authority's own pack.")
@click.option(
    "--packs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with packs and dictionaries; else MSE_GATEWAY_PACKS or the configuration.",
)
@config_option
@lang_option
@json_option
def command(  # noqa: PLR0913 - one argument an option
    files: tuple[Path, ...],
    profile: str,
    rule: str | None,
    packs: tuple[Path, ...],
    config: Path | None,
    lang: str,
    *,
    strict: bool,
    no_packs: bool,
    as_json: bool,
) -> None:
    """Check documents before anybody else does.

    Exit code 1 when a document is at fault.

    Example: mse-gateway check referral.xml --packs /srv/packs
    """
    if not files and not rule:
        raise click.UsageError("Name at least one file, or a rule to --explain.")
    try:
        folders = packs or load(config).settings.packs
        validator = Validator.load(PROFILES, Dictionaries.load(MAPPINGS / "terminology", folders))
        if profile:
            validator.profile(profile)
        if rule:
            click.echo(explain(validator, rule, lang))
            return
        runner = None if no_packs else PackRunner(find_packs(folders))
        checking = _Checking(validator, runner, profile, _today(), strict=strict)
        checked = asyncio.run(checking.files(files))
    except SettingError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except HouseError as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)
    _print(checked, lang, as_json=as_json)
    at_fault = any(has_errors(one.findings) for one in checked)
    sys.exit(Exit.DOCUMENTS_AT_FAULT if at_fault else Exit.DONE)


def _today() -> date:
    """Return the day it is in Kamchatka (UTC+12): no document of the country is dated later."""
    return (SystemClock().now() + timedelta(hours=12)).date()


@dataclass(frozen=True, slots=True)
class _Checking:
    """One run of the command over its files."""

    validator: Validator
    runner: PackRunner | None
    profile: str
    today: date
    strict: bool

    async def files(self, files: Sequence[Path]) -> list[Checked]:
        """Check the files in the order they were named."""
        if self.runner is not None:
            await self.runner.start()
        try:
            with click.progressbar(files, file=sys.stderr, hidden=len(files) < 20) as bar:
                return [await self._file(path) for path in bar]
        finally:
            if self.runner is not None:
                await self.runner.close()

    async def _file(self, path: Path) -> Checked:
        content = path.read_bytes()  # noqa: ASYNC240 - nothing else runs in this loop
        try:
            document = read_cda(content)
        except MalformedMessage as error:
            unread = {str(tier): NOT_REACHED for tier in (Tier.STRUCTURE, Tier.RULES, Tier.PACK)}
            return Checked(str(path), (_unreadable(error),), unread)
        report = self.validator.check(document, today=self.today, profile=self.profile)
        tiers = {str(tier): ran for tier, ran in report.tiers.items()}
        found, tiers[str(Tier.PACK)] = await self._ask_pack(document)
        findings = (*report.findings, *found)
        return Checked(str(path), tuple(map(self._weigh, findings)), tiers)

    async def _ask_pack(self, document: CdaDocument) -> tuple[tuple[Finding, ...], str]:
        if self.runner is None:
            return (), NOT_REACHED
        templates = document.header.templates
        for template in templates:
            report = await self.runner.check(document.content, str(template))
            if report.ran != NOT_INSTALLED:
                return report.findings, report.ran
        where = templates[0].where if templates else "/ClinicalDocument"
        return (_no_pack(where),), NOT_INSTALLED

    def _weigh(self, finding: Finding) -> Finding:
        if self.strict and finding.severity is Severity.INFORMATION:
            return replace(finding, severity=Severity.ERROR)
        return finding


def _unreadable(error: MalformedMessage) -> Finding:
    too_large = isinstance(error, MessageTooLarge)
    return Finding(
        rule="message.too-large" if too_large else "message.malformed",
        code=error.code,
        severity=Severity.ERROR,
        where=error.where,
        texts={"ru": UNREADABLE.format(text=error.text), "en": f"{error.text}."},
        mender=Mender.VENDOR,
        tier=Tier.STRUCTURE,
    )


def _no_pack(where: str) -> Finding:
    return Finding(
        rule="pack.not-installed",
        code="not-found",
        severity=Severity.INFORMATION,
        where=where,
        texts=NO_PACK,
        mender=Mender.OPERATOR,
        tier=Tier.PACK,
    )


def _print(checked: Sequence[Checked], lang: str, *, as_json: bool) -> None:
    if as_json:
        print_json([one.as_json(lang) for one in checked])
        return
    for one in checked:
        counts = dict.fromkeys(Severity, 0)
        for finding in one.findings:
            counts[finding.severity] += 1
        told = ", ".join(f"{number} {severity}" for severity, number in counts.items())
        tiers = ", ".join(f"{tier} {ran}" for tier, ran in one.tiers.items())
        click.echo(f"{one.file}: {told} (tiers: {tiers})")
        for finding in one.findings:
            line = f":{finding.line}" if finding.line else ""
            click.echo(f"  {one.file}{line}: {describe_finding(finding.as_json(lang))}")
