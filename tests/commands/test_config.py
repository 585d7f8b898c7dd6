"""The effective settings: each with its source, and no secret among them."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main


def check(folder: Path, text: str, *options: str, environ: dict[str, str] | None = None) -> Result:
    file = folder / "mse-gateway.toml"
    file.write_text(text, encoding="utf-8")
    arguments = ["config", "check", "--config", str(file), *options]
    return CliRunner(env=environ).invoke(main, arguments)


def test_each_setting_names_its_source(tmp_path: Path) -> None:
    answer = check(
        tmp_path,
        "[server]\nport = 9000\n",
        "--json",
        environ={"MSE_GATEWAY__SERVER__HOST": "::1"},
    )

    settings = orjson.loads(answer.output)
    assert settings["server.port"] == {"value": "9000", "source": "mse-gateway.toml"}
    assert settings["server.host"] == {"value": "::1", "source": "environment"}
    assert settings["store.path"]["source"] == "default"


def test_the_tree_writes_a_section_once(tmp_path: Path) -> None:
    text = "[senders.one]\norganizations = ['1.2']\n[senders.two]\nsignatures = 'later'\n"

    lines = check(tmp_path, text).output.splitlines()

    assert [line for line in lines if line.startswith("senders")] == ["senders"]
    assert [line.strip() for line in lines if line.startswith("  ") and "=" not in line] == [
        "one",
        "two",
    ]
    assert any(line.split() == ["signatures", "=", "later", "mse-gateway.toml"] for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "[senders.mis]\ntoken_sha256 = 'SESAME'\n",
        "[senders.mis]\nwebhook = 'https://user:SESAME@mis.example/in'\n",
        "[endpoints.remd]\npassword = 'SESAME'\n",
        "[endpoints.remd.proxy]\nclient_secret = 'SESAME'\n",
    ],
)
def test_no_secret_is_shown(tmp_path: Path, text: str) -> None:
    for options in ((), ("--json",)):
        answer = check(tmp_path, text, *options)

        assert answer.exit_code == 0
        assert "SESAME" not in answer.output
        assert "(hidden)" in answer.output


def test_the_path_of_a_secret_file_is_shown(tmp_path: Path) -> None:
    answer = check(tmp_path, "[senders.mis]\ntoken_file = '/run/secrets/mis'\n")

    assert "token_file = /run/secrets/mis" in answer.output


def test_a_slip_is_a_usage_error_that_names_its_place(tmp_path: Path) -> None:
    answer = check(tmp_path, "[server]\nprot = 1\n")

    assert answer.exit_code == 2
    assert "server.prot: unknown setting prot; did you mean port?" in answer.output
