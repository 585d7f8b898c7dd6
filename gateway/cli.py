"""The one command, `mse-gateway`, and its subcommands."""

from __future__ import annotations

import click

from gateway import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mse-gateway")
def main() -> None:
    """Carry documents of medical-social expertise between hospitals and the state.

    Example: mse-gateway demo
    """
