"""Run the gateway until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click

from gateway.app import Doors, Gateway, open_gateway
from gateway.commands.terminal.tables import complain
from gateway.commands.terminal.words import Exit, config_option
from gateway.errors import GatewayError, SettingError
from gateway.settings import Loaded, load
from gateway.telemetry.logs import set_up_logs


@click.command("serve")
@config_option
def command(config: Path | None) -> None:
    """Run the gateway.

    Without a configuration it reads mse-gateway.toml in the working folder; without that file it
    listens on loopback, keeps a SQLite file in the working folder and has no endpoint. SIGTERM or
    Ctrl-C end it in order: what is in hand is finished.

    Example: mse-gateway serve --config mse-gateway.toml
    """
    try:
        asyncio.run(_serve(load(config)))
    except SettingError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except GatewayError as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)


async def _serve(loaded: Loaded) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with open_gateway(loaded, Doors(log=set_up_logs())) as gateway:
        _introduce(gateway)
        await stopped.wait()
        complain("closing: what is in hand is finished first")


def _introduce(gateway: Gateway) -> None:
    endpoints = ", ".join(sorted(gateway.endpoints)) or "none"
    complain(f"mse-gateway listens on {gateway.url}; endpoints: {endpoints}")
    complain(f"signatures by {gateway.self_test.backend}")
    for remark in gateway.remarks:
        complain(f"note: {remark}")
