"""`mse-gateway check`: what it says, and with which exit code it leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.samples.maker import Maker
from tests.samples.counted_ids import CountedIds


@pytest.fixture(scope="module")
def content() -> bytes:
    now = datetime(2025, 4, 10, 9, 30, tzinfo=UTC)
    return Maker().make(1, now=now, ids=CountedIds(), example="adult-in-person").content


def check(*arguments: str | Path, packs: str = "") -> Result:
    environ = {"MSE_GATEWAY_PACKS": packs, "LC_ALL": "ru_RU.UTF-8"}
    return CliRunner(env=environ).invoke(main, ["check", *map(str, arguments)])


def write(folder: Path, content: bytes, name: str = "referral.xml") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_good_document_leaves_with_0_and_says_which_tiers_ran(
    tmp_path: Path, content: bytes
) -> None:
    answer = check(write(tmp_path, content), "--json")

    (told,) = orjson.loads(answer.output)
    assert answer.exit_code == 0
    assert told["tiers"] == {"structure": "ran", "rules": "ran", "pack": "not installed"}
    assert {finding["severity"] for finding in told["findings"]} == {"information"}


def test_what_could_not_be_checked_is_an_error_when_strict(tmp_path: Path, content: bytes) -> None:
    answer = check(write(tmp_path, content), "--json", "--strict")

    (told,) = orjson.loads(answer.output)
    assert answer.exit_code == 1
    assert "pack.not-installed" in {finding["rule"] for finding in told["findings"]}
    assert {finding["severity"] for finding in told["findings"]} == {"error"}


def test_a_faulty_document_leaves_with_1_and_names_rule_place_line_and_mender(
    tmp_path: Path, content: bytes
) -> None:
    faulty = content.replace(b'<realmCode code="RU"/>', b'<realmCode code="KZ"/>')

    answer = check(write(tmp_path, faulty), "--json", "--lang", "en", "--no-packs")

    (told,) = orjson.loads(answer.output)
    (finding,) = [one for one in told["findings"] if one["severity"] == "error"]
    assert answer.exit_code == 1
    assert finding == {
        "rule": "structure.attribute-value",
        "code": "value",
        "severity": "error",
        "where": "/ClinicalDocument/realmCode[1]/@code",
        "line": 3,
        "text": "The attribute code may only be RU.",
        "mender": "vendor",
        "tier": "structure",
        "official": "У1-9",
    }
    assert told["tiers"]["pack"] == "not reached"


@pytest.mark.parametrize(
    ("bytes_", "rule"),
    [
        (b"", "message.malformed"),
        (b"<ClinicalDocument>", "message.malformed"),
        (b"<ClinicalDocument/>", "message.malformed"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "message.malformed"),
        (b"<a>" * 300, "message.too-large"),
        ("<a>Ж</a>".encode("cp1251"), "message.malformed"),
    ],
)
def test_what_cannot_be_read_is_a_finding_and_reaches_no_tier(
    bytes_: bytes, rule: str, tmp_path: Path
) -> None:
    answer = check(write(tmp_path, bytes_), "--json")

    (told,) = orjson.loads(answer.output)
    assert answer.exit_code == 1
    assert [finding["rule"] for finding in told["findings"]] == [rule]
    assert set(told["tiers"].values()) == {"not reached"}


def test_several_files_are_told_in_the_order_they_were_named(
    tmp_path: Path, content: bytes
) -> None:
    files = [write(tmp_path, content, "b.xml"), write(tmp_path, b"<a/>", "a.xml")]

    answer = check(*files)

    heads = [line for line in answer.output.splitlines() if not line.startswith(" ")]
    assert answer.exit_code == 1
    assert [head.partition(":")[0] for head in heads] == [str(file) for file in files]
    assert "0 error" in heads[0]


def test_texts_come_in_the_language_of_the_locale(tmp_path: Path) -> None:
    assert "не прочитать" in check(write(tmp_path, b"<a")).output


def test_a_rule_is_explained_without_a_file() -> None:
    answer = check("--explain", "patient.snils.checksum", "--lang", "en")

    assert answer.exit_code == 0
    assert "check digits" in answer.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--explain", "no.such.rule"),
        ("no-such-file.xml",),
        (__file__, "--profile", "ru-001u"),
        (__file__, "--packs", "no-such-folder"),
    ],
)
def test_what_the_user_got_wrong_leaves_with_2(arguments: tuple[str, ...]) -> None:
    assert check(*arguments).exit_code == 2


@pytest.mark.packs
def test_with_the_packs_all_three_tiers_run(
    tmp_path: Path, content: bytes, packs_folder: Path
) -> None:
    answer = check(write(tmp_path, content), "--json", packs=str(packs_folder))

    (told,) = orjson.loads(answer.output)
    assert answer.exit_code == 0
    assert told["tiers"] == {"structure": "ran", "rules": "ran", "pack": "ran"}
    assert {finding["rule"] for finding in told["findings"]} == {"code.known-dictionary"}


@pytest.mark.packs
def test_a_fault_of_the_schema_at_an_element_of_a_strange_namespace_keeps_its_place(
    tmp_path: Path, content: bytes, packs_folder: Path
) -> None:
    faulty = content.replace(b"<birthTime", b"<x:salary xmlns:x='urn:x'/><birthTime")

    answer = check(write(tmp_path, faulty), "--json", packs=str(packs_folder))

    (told,) = orjson.loads(answer.output)
    places = {one["where"] for one in told["findings"] if one["tier"] == "pack"}
    patient = "/ClinicalDocument/recordTarget[1]/patientRole[1]/patient[1]"
    assert told["tiers"]["pack"] == "not reached"
    assert places == {f"{patient}/Q{{urn:x}}salary[1]"}
