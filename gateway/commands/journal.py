"""Check that the journal is what was written, and name the first entry that is not."""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path
from typing import Any

import click

from gateway.commands.terminal.tables import complain, print_json
from gateway.commands.terminal.words import Exit, config_option, json_option
from gateway.errors import GatewayError, SettingError
from gateway.exchange.journal import Entry
from gateway.ports import JournalReport
from gateway.settings import load
from gateway.signatures.sealing import Seal, mark, read_key
from gateway.store.sqlite import SqliteLedger

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def command() -> None:
    """Look after the journal.

    Example: mse-gateway journal verify --config mse-gateway.toml
    """


@command.command()
@config_option
@click.option("--store", type=_FILE, help="The store itself, instead of a configuration.")
@click.option("--key-file", type=_FILE, help="The store's key, to look into sealed bodies.")
@json_option
def verify(
    config: Path | None, store: Path | None, key_file: Path | None, *, as_json: bool
) -> None:
    """Check every chain, body and checkpoint; the gateway may be running meanwhile.

    Exits with 0 when all hold and with 3 when something does not.

    Example: mse-gateway journal verify --config mse-gateway.toml
    """
    try:
        ledger = open_beside(config, store, key_file)
        report = asyncio.run(_read(ledger))
    except SettingError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except GatewayError as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)
    if as_json:
        print_json(describe(report))
    else:
        click.echo("\n".join(tell(report)))
    sys.exit(Exit.GATEWAY_AT_FAULT if report.reason else Exit.DONE)


def open_beside(config: Path | None, store: Path | None, key_file: Path | None) -> SqliteLedger:
    """Return the ledger that is to be read, with its key where there is one; not opened yet.

    Raises SettingError when the configuration or the key cannot be read.
    """
    if config is not None and store is not None:
        raise SettingError("give --config or --store, not both")
    if store is None:
        settings = load(config).settings.store
        store, key_file = settings.path, key_file or settings.key_file
    if key_file is None:
        return SqliteLedger(store, read_only=True)
    key = read_key(key_file)
    return SqliteLedger(
        store,
        read_only=True,
        sealer=Seal([key], secrets.token_bytes),
        check=lambda content, signature: secrets.compare_digest(mark(key, content), signature),
    )


def describe(report: JournalReport) -> dict[str, Any]:
    """Return a report as JSON."""
    return {
        "holds": not report.reason,
        "reason": report.reason,
        "broken": _name(report.broken) if report.broken else None,
        "chains": report.chains,
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "unsigned": report.unsigned,
        "unopened": report.unopened,
    }


def tell(report: JournalReport) -> list[str]:
    """Return a report as lines for a person."""
    lines = [
        f"{report.entries} entries in {report.chains} chains, {report.checkpoints} checkpoints"
    ]
    if report.unsigned:
        lines.append(f"{report.unsigned} checkpoints are from before there was a key")
    if report.unopened:
        lines.append(f"{report.unopened} sealed bodies were not opened: no key (--key-file)")
    if not report.reason:
        return [*lines, "The journal holds."]
    broken = report.broken
    where = f"entry {broken.sequence} of {broken.chain} ({broken.event}): " if broken else ""
    return [*lines, f"The journal is broken: {where}{report.reason}"]


def _name(entry: Entry) -> dict[str, Any]:
    return {
        "chain": entry.chain,
        "sequence": entry.sequence,
        "event": entry.event,
        "at": entry.at.isoformat(),
    }


async def _read(ledger: SqliteLedger) -> JournalReport:
    await ledger.open()
    try:
        return await ledger.verify_journal()
    finally:
        await ledger.close()
