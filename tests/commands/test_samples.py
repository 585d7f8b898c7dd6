import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.commands.samples import command
from gateway.doors import SystemClock
from gateway.formats.cda import read_cda
from gateway.samples.broken import read_twins
from gateway.samples.examples import read_examples
from gateway.signatures.cades import verify_detached
from gateway.signatures.certificates import read_certificate, split_pem
from gateway.signatures.chain import load_trust


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_the_list_names_every_example_and_every_broken_twin() -> None:
    rows = json.loads(run("list", "--json").output)

    expected = {row["name"]: row["expected"] for row in rows}
    assert expected == dict.fromkeys(read_examples(), "registered") | dict.fromkeys(
        read_twins(), "refused"
    )
    assert "adult-in-person" in run("list").output


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    assert run("export", str(folder), "--algorithm", "rsa", "--broken").exit_code == 0
    return folder


def test_the_export_says_what_belongs_together(exported: Path) -> None:
    rows = json.loads((exported / "samples.json").read_text(encoding="utf-8"))

    assert len(rows) == len(read_examples()) + len(read_twins())
    for row in rows:
        content = (exported / row["file"]).read_bytes()
        assert row["file"].startswith("ru-088u/")
        assert len(content) == row["size"]
        assert read_cda(content).header.local_uid == row["local_uid"]
        assert [one["role"] for one in row["signatures"]] == ["14", "organization"]


def test_every_signature_verifies_with_the_exported_roots_alone(exported: Path) -> None:
    trust = load_trust(exported / "trust")
    moment = SystemClock().now() + timedelta(seconds=5)

    for row in json.loads((exported / "samples.json").read_text(encoding="utf-8")):
        content = (exported / row["file"]).read_bytes()
        for signature in row["signatures"]:
            cms = (exported / signature["file"]).read_bytes()
            verdict = verify_detached(cms, content, trust=trust, at=moment)
            assert verdict.valid, verdict.reasons
            assert not verify_detached(cms, content + b" ", trust=trust, at=moment).valid


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole test PKI, as an earlier export has left it."""
    folder = tmp_path_factory.mktemp("pki")
    export_with(folder, tmp_path_factory.mktemp("before"))
    return folder


def export_with(pki: Path, folder: Path, *more: str) -> Result:
    return run("export", str(folder), "--pki", str(pki), "--algorithm", "rsa", *more)


def test_no_key_is_exported(exported: Path) -> None:
    assert not list(exported.rglob("*.key.pem"))


def test_a_chosen_pki_keeps_its_keys(pki: Path, tmp_path: Path) -> None:
    key = (pki / "ru-clinic77-chair.key.pem").read_bytes()

    export_with(pki, tmp_path, "--count", "1")

    assert (pki / "ru-clinic77-chair.key.pem").read_bytes() == key


def test_a_chosen_pki_still_says_who_is_revoked(pki: Path, tmp_path: Path) -> None:
    export_with(pki, tmp_path, "--count", "1")

    revoked = read_certificate(
        next(der for _, der in split_pem((pki / "ru-revoked.cert.pem").read_bytes()))
    )
    assert any(revoked.serial in one.lines for one in load_trust(tmp_path / "trust").lists)


def test_numbers_run_on_from_the_chosen_one(pki: Path, tmp_path: Path) -> None:
    answer = export_with(pki, tmp_path, "--count", "3", "--first", "41", "--json").output

    numbers = [row["protocol_number"].partition("-")[0] for row in json.loads(answer)]
    assert numbers == ["41", "42", "43"]


def test_two_exports_do_not_repeat_each_other(pki: Path, tmp_path: Path) -> None:
    numbers = []
    for name in ("a", "b"):
        answer = export_with(pki, tmp_path / name, "--json").output
        numbers += [row["protocol_number"] for row in json.loads(answer)]

    assert len(set(numbers)) == len(numbers)


def test_a_folder_that_cannot_be_written_is_said(pki: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert export_with(pki, tmp_path / "file" / "below").exit_code == 3
