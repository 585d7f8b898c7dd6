"""`mse-gateway sandbox`, whoever the counterparts are."""

from __future__ import annotations

import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.commands.sandbox import command
from gateway.commands.terminal.words import Exit
from gateway.samples.keys import write_keys
from gateway.sandbox.program import discover
from gateway.settings import KeySettings, read


def test_it_serves_without_a_counterpart_and_ends_when_told(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.toml"
    file.write_text("", encoding="utf-8")
    program = [sys.executable, "-c", "from gateway.cli import main; main()", "sandbox"]
    options = ["--port", "0", "--config", str(file), "--store", str(tmp_path / "s")]
    with subprocess.Popen(
        [*program, *options], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as running:
        assert running.stdout is not None
        address = running.stdout.readline().partition("listens on ")[2].partition(";")[0]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/nobody", b"no envelope")
        running.send_signal(signal.SIGTERM)
        code = running.wait(20)

    assert code == Exit.DONE


def test_it_lists_how_each_counterpart_can_misbehave() -> None:
    shown = CliRunner().invoke(command, ["--list-faults"])

    assert shown.exit_code == 0
    listed = [tuple(line.split()[:2]) for line in shown.output.splitlines()]
    assert listed == [(found.name, name) for found in discover() for name in found.scenarios]


@pytest.mark.parametrize(("text", "said"), [("[nobody]", "no such counterpart"), ("[", "")])
def test_a_wrong_configuration_is_a_usage_error(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "sandbox.toml"
    file.write_text(text, encoding="utf-8")

    shown = CliRunner().invoke(command, ["--config", str(file), "--store", str(tmp_path / "s")])

    assert shown.exit_code == Exit.USAGE
    assert said in shown.output


def test_the_keys_it_prints_are_settings_of_a_gateway(tmp_path: Path) -> None:
    table = tomllib.loads(write_keys(tmp_path))

    keys = [read(KeySettings, row, "keys") for row in table["keys"].values()]

    assert {key.role for key in keys} == {"organization", "transport"}
    assert len({key.organization for key in keys}) == 2
