"""Be the state systems, for a МИС or a gateway to be tested against."""

from __future__ import annotations

import asyncio
import signal
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gateway.commands.terminal.tables import complain
from gateway.commands.terminal.words import Exit
from gateway.doors import SystemClock, SystemIds
from gateway.errors import GatewayError, HouseError, SettingError
from gateway.samples.keys import write_keys
from gateway.sandbox.counterpart import Surroundings
from gateway.sandbox.program import DEFAULT_PORT, Sandbox, deal_faults, discover
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

DEFAULT_PKI = Path("certs/test")
DEFAULT_STORE = Path("mse-gateway-sandbox.sqlite")
_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked for on the command line."""

    config: Path | None
    faults: str
    host: str
    port: int
    store: Path
    pki: Path
    time_scale: float | None
    log: Path | None


@click.command()
@click.option("--config", type=_FILE, help="The sandbox's own TOML: one section a counterpart.")
@click.option("--faults", default="", metavar="NAME|FILE,…", help="How to misbehave.")
@click.option("--list-faults", is_flag=True, help="Print the misbehaviours that are known.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=DEFAULT_PORT, show_default=True)
@click.option("--store", type=_FILE, default=DEFAULT_STORE, show_default=True)
@click.option(
    "--pki",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_PKI,
    show_default=True,
    help="Folder of the test PKI; made when there is no --config.",
)
@click.option("--time-scale", type=float, help="How many times faster than the real systems.")
@click.option("--log", type=_FILE, help="Where to write the log as JSON lines at the end.")
def command(*, list_faults: bool, **wishes: Any) -> None:  # click hands options over by name
    """Serve the counterparts and print the configuration that points a gateway at them.

    Example: mse-gateway sandbox --faults seed-2023 --time-scale 3600
    """
    if list_faults:
        for found in discover():
            for name, title in found.scenarios.items():
                click.echo(f"{found.name}  {name:20}  {title}")
        return
    try:
        asyncio.run(serve(Wishes(**wishes)))
    except SettingError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except GatewayError as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)


async def serve(wishes: Wishes) -> None:
    """Serve until SIGINT or SIGTERM. Raises SettingError, HouseError."""
    sections = _read_config(wishes.config)
    if wishes.config is None:
        _make_pki(wishes.pki)
    sandbox = _open(wishes, sections)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with sandbox:
        click.echo(f"# The sandbox listens on {sandbox.base_url}; a gateway is pointed at it by:\n")
        click.echo(sandbox.configuration())
        if wishes.config is None:
            click.echo(write_keys(wishes.pki))
        await stop.wait()
        if wishes.log is not None:
            _export(sandbox, wishes.log)


def _open(wishes: Wishes, sections: Mapping[str, Any]) -> Sandbox:
    clock, ids = SystemClock(), SystemIds()
    found = {one.name: one for one in discover()}
    for name in sections:
        if name not in found:
            known = ", ".join(found) or "none"
            raise SettingError(f"no such counterpart; here are: {known}", where=name)
    faults = deal_faults(wishes.faults, tuple(found.values()))
    counterparts = [
        one.open(
            Surroundings(
                clock=clock,
                ids=ids,
                settings=sections.get(one.name, {}),
                pki=wishes.pki,
                time_scale=wishes.time_scale,
                faults=faults[one.name],
                store=wishes.store,
            )
        )
        for one in found.values()
        if wishes.config is None or one.name in sections
    ]
    return Sandbox(counterparts, clock=clock, host=wishes.host, port=wishes.port)


def _read_config(path: Path | None) -> Mapping[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"the configuration cannot be read: {error}", where=str(path)) from error


def _make_pki(folder: Path) -> None:
    if not (folder / "trust").is_dir():
        complain(f"making the test PKI in {folder}: some seconds, once")
    try:
        make_test_pki(read_declaration(), folder, now=SystemClock().now())
    except OSError as error:
        raise HouseError(f"the test PKI cannot be made: {error}", where=str(folder)) from error


def _export(sandbox: Sandbox, path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        for counterpart in sandbox.counterparts.values():
            counterpart.export(out)
