"""The one command, `mse-gateway`, and its subcommands.

Every module in `gateway/commands` is a command of its name and exposes `command`. It is imported
when it is called and not before: the overview is read from the signs on the doors.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil

import click

from gateway import __version__, commands


class Rooms(click.Group):
    """The subcommands, found by their files."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the modules in `gateway/commands`, sorted."""
        found = {one.name for one in pkgutil.iter_modules(commands.__path__) if not one.ispkg}
        return sorted(found | set(super().list_commands(ctx)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None when there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{commands.__name__}.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its sign, without importing any."""
        rows = [
            (name, read_sign(f"{commands.__name__}.{name}")) for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def read_sign(module: str) -> str:
    """Return the first docstring line of a module that is not imported."""
    spec = importlib.util.find_spec(module)
    source = spec.loader.get_source(module) if spec and spec.loader else None  # type: ignore[attr-defined] # a file's loader has it
    sign = ast.get_docstring(ast.parse(source or "")) or ""
    return sign.partition("\n")[0]


@click.group(cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mse-gateway")
def main() -> None:
    """Carry documents of medical-social expertise between hospitals and the state.

    Example: mse-gateway demo
    """
