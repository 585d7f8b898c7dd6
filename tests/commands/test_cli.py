"""The one command: how its subcommands are found, and that looking costs little."""

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from gateway import commands
from gateway.cli import main, read_sign

FOLDER = Path(next(iter(commands.__path__)))


def test_every_module_of_the_folder_is_a_command_with_an_example() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")

    for name in names:
        answer = CliRunner().invoke(main, [name, "--help"])
        assert answer.exit_code == 0, answer.output
        assert f"Example: mse-gateway {name}" in answer.output


def test_the_overview_shows_the_sign_of_each_command() -> None:
    answer = CliRunner().invoke(main, ["--help"])

    assert "config " in answer.output
    assert read_sign("gateway.commands.config").split()[0] in answer.output


def test_the_overview_imports_no_command() -> None:
    program = (
        "import sys\n"
        "from gateway.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "loaded = [one for one in sys.modules if one.startswith('gateway.commands.')]\n"
        "assert not loaded, loaded\n"
        "assert 'aiohttp' not in sys.modules and 'lxml' not in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    assert done.returncode == 0, done.stderr.decode()


def test_an_unknown_command_is_a_usage_error() -> None:
    answer = CliRunner().invoke(main, ["terminal"])

    assert answer.exit_code == 2
    assert "No such command" in answer.output
