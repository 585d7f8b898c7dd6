"""Judge a signature: the verdict, its reasons, and who has to act."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway.commands.terminal.tables import complain, print_json
from gateway.commands.terminal.words import (
    Exit,
    config_option,
    json_option,
    lang_option,
)
from gateway.doors import SystemClock
from gateway.errors import GatewayError, SettingError
from gateway.settings import load
from gateway.signatures.backends import open_backend
from gateway.signatures.chain import Trust, load_trust
from gateway.signatures.judgement import PROFILES, judge
from gateway.signatures.verdict import Outcome, Verdict

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COLOURS = {
    Outcome.VALID: "green",
    Outcome.EXPIRED_BUT_TIMESTAMPED: "green",
    Outcome.COULD_NOT_BE_CHECKED: "yellow",
}


@click.command()
@click.argument("file", type=_FILE)
@click.option("--detached", "beside", type=_FILE, help="The content that the signature is beside.")
@click.option(
    "--trust",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Roots, intermediates and CRLs (PEM or DER); else those of the configuration.",
)
@click.option("--at", "moment", metavar="MOMENT", help="Judge as of then: 2026-01-31[T10:00:00Z].")
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default="any",
    show_default=True,
    help="Whose rules: how many signers, which attributes and parts.",
)
@config_option
@lang_option
@json_option
def command(
    file: Path,
    beside: Path | None,
    folder: Path | None,
    moment: str | None,
    profile: str,
    config: Path | None,
    lang: str,
    *,
    as_json: bool,
) -> None:
    """Judge the signature of a CMS (DER, PEM, base64), an XML document or a SOAP envelope.

    Exit code 1 when it does not hold or could not be checked.

    Example: mse-gateway verify referral.p7s --detached referral.xml --trust certs/test/trust
    """
    try:
        now = SystemClock().now()
        at = read_moment(moment) if moment else now
        trust = _open_trust(folder, config, now)
        content = beside.read_bytes() if beside is not None else None
        verdict = judge(file.read_bytes(), content, trust, at=at, profile=profile)
    except SettingError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except (GatewayError, OSError) as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)
    if as_json:
        print_json(verdict.as_json(lang))
    else:
        _print(verdict, lang)
    sys.exit(Exit.DONE if verdict.passed else Exit.DOCUMENTS_AT_FAULT)


def read_moment(text: str) -> datetime:
    """Read an ISO 8601 moment, UTC where it names no zone. Raises SettingError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError("no moment; one looks like 2026-01-31T10:00:00Z", where="--at") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _open_trust(folder: Path | None, config: Path | None, now: datetime) -> Trust:
    """Return whose word counts; lists of today may speak of a moment before, and of the ended.

    A person looks here with the lists at hand. The gateway itself believes them less readily.
    """
    directory = folder or load(config).settings.trust.directory
    backend = open_backend()
    trust = load_trust(directory, backend=backend) if directory else Trust(backend=backend)
    return replace(trust, heard_at=now, lines_kept=True)


def _print(verdict: Verdict, lang: str) -> None:
    colour = _COLOURS.get(verdict.outcome, "red")
    click.echo(f"{click.style(verdict.outcome.value, fg=colour)} ({verdict.etsi})")
    for reason in verdict.reasons:
        click.echo(f"  {reason.text(lang)} [{reason.fact.code}; {reason.mender.value}]")
    for signer in verdict.signers:
        signed = f", signed {signer.signed_at:%Y-%m-%d %H:%M:%SZ}" if signer.signed_at else ""
        click.echo(f"  {signer.subject or '?'}: {signer.algorithm}, covers {signer.covers}{signed}")
