"""Runs the gateway until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from gateway.app import Doors, Gateway, open_gateway
from gateway.errors import GatewayError
from gateway.settings import Loaded, load
from gateway.telemetry.logs import set_up_logs

HOUSE_AT_FAULT = 3


@click.command("serve")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file; by default mse-gateway.toml in the working folder, if there is one.",
)
def command(config: Path | None) -> None:
    """Run the gateway.

    Without a configuration it listens on loopback, keeps a SQLite file in the working folder and
    has no endpoint. SIGTERM or Ctrl-C end it in order: what is in hand is finished.

    Example: mse-gateway serve --config mse-gateway.toml
    """
    try:
        asyncio.run(_serve(load(config)))
    except GatewayError as error:
        click.secho(str(error), err=True, fg="red")
        raise SystemExit(HOUSE_AT_FAULT) from None


async def _serve(loaded: Loaded) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with open_gateway(loaded, Doors(log=set_up_logs())) as gateway:
        _introduce(gateway)
        await stopped.wait()
        click.echo("closing: what is in hand is finished first", err=True)


def _introduce(gateway: Gateway) -> None:
    endpoints = ", ".join(sorted(gateway.endpoints)) or "none"
    click.echo(f"mse-gateway listens on {gateway.url}; endpoints: {endpoints}", err=True)
    click.echo(f"signatures by {gateway.self_test.backend}", err=True)
    for remark in gateway.remarks:
        click.echo(f"note: {remark}", err=True)
