"""The test PKI from the command line, and which certificate expires when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.doors import SystemClock
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

FEW = replace(read_declaration().only("gateway-transport", "ru-expired"), gost=False)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    make_test_pki(FEW, folder, now=SystemClock().now())
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["certs", *arguments])


def test_test_pki_is_made_once(tmp_path: Path) -> None:
    first = run("make-test-pki", "--out", str(tmp_path))
    again = run("make-test-pki", "--out", str(tmp_path), "--json")

    declared = read_declaration()
    count = sum(len(one.keys) for one in declared.certificates.values())
    count += sum(len(one.keys) for one in declared.authorities.values())
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert f"{count} made, 0 kept" in first.stdout
    assert orjson.loads(again.stdout)["made"] == []
    assert (tmp_path / "ru-clinic77-chair-gost.key.pem").is_file()
    assert (tmp_path / "trust" / "ru-issuing.crl.pem").is_file()


def test_folder_that_cannot_be_written_is_the_houses_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    answer = run("make-test-pki", "--out", str(tmp_path / "file" / "below"))

    assert answer.exit_code == 3


def test_list_shows_the_soonest_first(pki: Path) -> None:
    lines = run("list", str(pki)).stdout.splitlines()

    assert lines[0].split()[:2] == ["ru-expired", "rsa"]
    assert "  expired  " in lines[0]
    assert lines[1].startswith("gateway-transport")
    assert " days  " in lines[1]
    assert lines[1].endswith(f"file {pki / 'gateway-transport.cert.pem'}")


def test_list_for_a_program_counts_days(pki: Path) -> None:
    answer = run("list", str(pki), "--json")
    rows = {row["name"]: row for row in orjson.loads(answer.stdout)}

    assert rows["ru-expired"]["days"] < 0
    assert (rows["ru-expired"]["expired"], answer.exit_code) == (True, 1)
    ours = rows["gateway-transport"]
    assert ours["days"] in {449, 450}
    assert (ours["role"], ours["expired"]) == ("", False)
    assert "вымышленная" in ours["organization"]


def test_list_of_a_configuration_proves_each_key(pki: Path, tmp_path: Path) -> None:
    config = tmp_path / "mse-gateway.toml"
    text = (
        "[keys.ours]\norganization = '1.2'\nrole = 'transport'\n"
        f"key_file = '{pki / 'gateway-transport.key.pem'}'\n"
        f"certificate_file = '{pki / 'gateway-transport.cert.pem'}'\n"
    )
    config.write_text(text, encoding="utf-8")
    good = run("list", "--config", str(config))
    config.write_text(text.replace("gateway-transport.key", "ru-expired.key"), encoding="utf-8")
    wrong = run("list", "--config", str(config))

    assert good.stdout.split()[:3] == ["ours", "transport", "rsa"]
    assert good.stdout.rstrip().endswith(f"1.2  file {pki / 'gateway-transport.key.pem'}")
    assert good.exit_code == 0
    assert wrong.exit_code == 2
    assert "is not the key of the certificate" in wrong.stderr


def test_empty_folder_says_so(tmp_path: Path) -> None:
    answer = run("list", str(tmp_path))

    assert answer.exit_code == 0
    assert "no certificate found" in answer.stderr
