"""`mse-gateway sandbox` with РЭМД in it, as an integration tester meets it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.commands.sandbox import command
from gateway.commands.terminal.words import Exit
from gateway.doors import SystemClock
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

CONFIG = """
[remd]
trust = "{pki}/trust"
key_file = "{pki}/remd-partner.key.pem"
certificate_file = "{pki}/remd-partner.cert.pem"

[remd.organizations.clinic77]
oid = "1.2.643.5.1.13.13.12.2.77.8481"
ogrn = "1997700084810"
client_entity_id = "17c74e63-dc38-438d-a27a-a1aa063ee7b8"
"""


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sandbox")
    pki = folder / "pki"
    declared = replace(read_declaration().only("remd-partner"), gost=False)
    make_test_pki(declared, pki, now=SystemClock().now())
    file = folder / "sandbox.toml"
    file.write_text(CONFIG.format(pki=pki), encoding="utf-8")
    return file


def test_it_prints_the_configuration_serves_and_leaves_a_log(config: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    store = tmp_path / "s.sqlite"
    program = [sys.executable, "-c", "from gateway.cli import main; main()", "sandbox"]
    options = ["--port", "0", "--config", str(config), "--store", str(store), "--log", str(log)]
    with subprocess.Popen(
        [*program, *options],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as running:
        assert running.stdout is not None
        printed = ""
        while "client_entity_id" not in printed:
            line = running.stdout.readline()
            assert line, printed
            printed += line
        endpoint = tomllib.loads(printed)["endpoints"]["remd"]
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(endpoint["url"], b"no envelope")
        running.send_signal(signal.SIGTERM)
        code = running.wait(20)

    assert code == Exit.DONE
    assert [json.loads(line)["kind"] for line in log.read_text("utf-8").splitlines()] == ["fault"]


def test_it_lists_how_it_can_misbehave() -> None:
    shown = CliRunner().invoke(command, ["--list-faults"])

    assert shown.exit_code == 0
    assert "seed-2023" in shown.output


def test_a_key_with_a_slip_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.toml"
    file.write_text("[remd]\ntrustt = 'x'", encoding="utf-8")

    shown = CliRunner().invoke(command, ["--config", str(file), "--store", str(tmp_path / "s")])

    assert shown.exit_code == Exit.USAGE
    assert "did you mean trust" in shown.output


def test_an_unknown_fault_is_a_usage_error(config: Path, tmp_path: Path) -> None:
    arguments = ["--config", str(config), "--faults", "none-such", "--store", str(tmp_path / "s")]

    shown = CliRunner().invoke(command, arguments)

    assert shown.exit_code == Exit.USAGE
    assert "rate-limit" in shown.output
