"""`send`, `show`, `list` and `report` against a server that runs, and against its store."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.exchange import events as e
from gateway.store.sqlite import SqliteLedger
from tests.inbound.office import (
    DELIVERED,
    FINDING,
    REGISTERED,
    Office,
    serve_in_thread,
)


async def fill(office: Office) -> None:
    await office.keep("x-1", *DELIVERED, REGISTERED, e.Notified())
    await office.keep("x-2", *DELIVERED, e.TurnedAway(in_time=False, codes=("TIMEOUT",)))
    await office.keep("x-3", e.Refused(findings=(FINDING,)), sender="other")
    await office.keep("x-4", *DELIVERED, e.GaveUp(reason="no answer within 15 days"))
    office.clock.moment += timedelta(hours=2)


class Desk:
    """A person at a terminal, with a gateway that runs and its store."""

    def __init__(self, folder: Path, url: str, office: Office) -> None:
        self.folder, self.url, self.office = folder, url, office
        self.token = self.write("token", "mis-token\n")
        self.operator = self.write("operator", "duty-token\n")
        self.config = self.write(
            "mse-gateway.toml", f"[store]\npath = '{folder / 'store.sqlite'}'\n"
        )

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *words: str | Path) -> Result:
        return CliRunner(env={"LANG": "en_GB.UTF-8"}).invoke(main, [str(one) for one in words])

    def remote(self, *words: str | Path, token: Path | None = None) -> Result:
        return self.run(*words, "--to", self.url, "--token-file", token or self.operator)

    def local(self, *words: str | Path) -> Result:
        return self.run(*words, "--config", self.config)

    def read(self, answer: Result) -> Any:
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    office = Office(ledger=SqliteLedger(folder / "store.sqlite"))
    with serve_in_thread(office, fill) as url:
        yield Desk(folder, url, office)


def test_a_document_is_sent_and_its_place_told(desk: Desk) -> None:
    file = desk.write("a.xml", "<a/>")

    answer = desk.remote("send", file, token=desk.token)

    assert answer.exit_code == 0
    assert answer.stdout.split() == [str(file), "received", answer.stdout.split()[-1]]
    assert answer.stdout.split()[-1].startswith("/exchanges/id-")


def test_signatures_travel_with_their_roles(desk: Desk) -> None:
    file, chair = desk.write("signed.xml", "<signed/>"), desk.write("chair.p7s", "cms")
    folder = f"{desk.write('mo.p7s', 'mo')}:organization"

    answer = desk.remote(
        "send", file, "--signature", f"{chair}:14", "--signature", folder, token=desk.token
    )

    assert answer.exit_code == 0
    submission = desk.office.clerk.seen[-1]
    assert submission.content == b"<signed/>"
    assert submission.content_type == "application/xml"
    assert [(one.role, one.content) for one in submission.signatures] == [
        ("14", b"cms"),
        ("organization", b"mo"),
    ]


def test_a_refused_document_shows_every_problem_and_exits_with_1(desk: Desk) -> None:
    good, bad = desk.write("good.xml", "<good/>"), desk.write("bad.xml", "<refuse/>")

    answer = desk.remote("send", good, bad, token=desk.token)

    assert answer.exit_code == 1
    assert "error ru-088u.snils: the СНИЛС fails its check" in answer.stdout
    assert "at /ClinicalDocument/recordTarget (mended by: sender)" in answer.stdout
    assert f"{good}  received" in answer.stdout


@pytest.mark.parametrize(
    ("content", "code"),
    [("no xml", 1), ("<taken/>", 1), ("<weather/>", 3), ("<house/>", 3), ("<broken/>", 3)],
)
def test_the_exit_code_says_who_is_at_fault(desk: Desk, content: str, code: int) -> None:
    file = desk.write("one.xml", content)

    answer = desk.remote("send", file, token=desk.token)

    assert answer.exit_code == code


def test_a_wrong_token_is_a_usage_error(desk: Desk) -> None:
    wrong = desk.write("wrong", "nonsense")

    sent = desk.remote("send", desk.write("w.xml", "<w/>"), token=wrong)
    shown = desk.remote("show", "x-1", token=wrong)

    assert (sent.exit_code, shown.exit_code) == (2, 2)


def test_a_program_reads_what_became_of_each_file(desk: Desk) -> None:
    good, bad = desk.write("j1.xml", "<j1/>"), desk.write("j2.xml", "<refuse/>")

    answer = desk.remote("send", good, bad, "--json", "--wait", "0", token=desk.token)

    assert answer.exit_code == 1
    first, second = json.loads(answer.stdout)
    assert (first["file"], first["status"], first["state"]) == (str(good), 202, "received")
    assert first["location"] == f"/exchanges/{first['exchange']}"
    assert (second["status"], second["issues"][0]["code"]) == (422, "value")


def test_nobody_answering_is_the_gateways_fault(desk: Desk) -> None:
    file = desk.write("n.xml", "<n/>")

    answer = desk.run("send", file, "--to", "http://127.0.0.1:9")

    assert answer.exit_code == 3
    assert "no answer from http://127.0.0.1:9" in answer.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("send",),
        ("send", "nowhere.xml"),
        ("send", "{file}", "{file}", "--signature", "{file}:14"),
        ("send", "{file}", "--signature", "{file}"),
        ("send", "{file}", "--signature", "nowhere:14"),
        ("send", "{file}", "--to", "nonsense"),
        ("show", "x-1", "--config", "{config}", "--to", "http://127.0.0.1:9"),
        ("list", "--to", "http://a", "--to", "http://b"),
        ("list", "--state", "lost"),
        ("list", "--due-before", "yesterday", "--config", "{config}"),
        ("report", "--by", "patient", "--config", "{config}"),
        ("show", "nowhere", "--config", "{config}"),
    ],
)
def test_a_slip_is_a_usage_error(desk: Desk, words: tuple[str, ...]) -> None:
    places = {"file": desk.write("slip.xml", "<slip/>"), "config": desk.config}

    answer = desk.run(*(one.format(**places) for one in words))

    assert answer.exit_code == 2
    assert answer.stderr


def test_gateway_and_store_show_the_same_exchange(desk: Desk) -> None:
    remote = desk.read(desk.remote("show", "x-2", "--json"))
    local = desk.read(desk.local("show", "x-2", "--json"))

    assert remote == local
    assert remote["state"] == "awaiting"
    assert [one["event"] for one in remote["timeline"]][-1] == "TurnedAway"


def test_a_person_sees_how_an_exchange_stands_and_what_travelled(desk: Desk) -> None:
    answer = desk.local("show", "x-4")

    assert answer.exit_code == 0
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert ["state", "parked"] in lines
    assert ["parked", "no", "answer", "within", "15", "days"] in lines
    assert any(line[:2] == ["→", "registerDocument"] for line in lines)
    assert any(line[2:4] == ["GaveUp", "parked"] for line in lines)
    assert "\x1b[" not in answer.stdout


def test_a_person_sees_who_mends_what(desk: Desk) -> None:
    answer = desk.remote("show", "x-3", "--lang", "ru")

    assert "СНИЛС не проходит проверку" in answer.stdout
    assert "(mended by: sender)" in answer.stdout


def test_a_senders_token_shows_its_own_alone(desk: Desk) -> None:
    answer = desk.remote("show", "x-3", token=desk.token)

    assert answer.exit_code == 2
    assert "there is no such exchange" in answer.stderr


@pytest.mark.parametrize("words", [("--state", "parked"), ("--limit", "2"), ("--sender", "other")])
def test_gateway_and_store_list_the_same(desk: Desk, words: tuple[str, ...]) -> None:
    until = "2026-11-25T12:00:01Z"

    remote = desk.read(desk.remote("list", "--to", until, "--json", *words))
    local = desk.read(desk.local("list", "--to", until, "--json", *words))

    assert remote == local
    assert remote


def test_a_list_is_an_aligned_table(desk: Desk) -> None:
    answer = desk.local("list", "--outcome", "registered", "--outcome", "refused")

    head, *rows = answer.stdout.splitlines()
    assert head.split()[:3] == ["id", "state", "outcome"]
    place = head.index("outcome")
    assert {row[place:].split()[0] for row in rows} == {"registered", "refused"}


def test_an_empty_list_says_so(desk: Desk) -> None:
    answer = desk.local("list", "--number", "nonsense")

    assert answer.stdout == "no exchange is like that\n"


def test_gateway_and_store_report_the_same(desk: Desk) -> None:
    words = ("report", "--by", "endpoint,organization", "--to", "2026-11-25T12:00:01Z", "--json")

    remote, local = desk.read(desk.remote(*words)), desk.read(desk.local(*words))

    assert remote["by"] == local["by"] == ["endpoint", "organization"]
    counts = ("documents", "registered", "refused", "parked", "not_registered_in_time")
    assert {name: remote["total"][name] for name in counts} == {
        name: local["total"][name] for name in counts
    }
    assert remote["total"]["not_registered_in_time"] == 1


def test_a_report_is_a_table_with_shares_and_a_total(desk: Desk) -> None:
    answer = desk.local("report", "--by", "endpoint", "--to", "2026-11-25T12:00:01Z")

    head, row, total = answer.stdout.splitlines()
    assert head.split()[:3] == ["endpoint", "documents", "registered"]
    assert row.split()[0] == "remd"
    assert total.split()[0] == "total"
    assert row.split()[1:] == total.split()[1:]
    assert "%" in row


def test_a_store_that_is_not_there_is_told(desk: Desk, tmp_path: Path) -> None:
    config = tmp_path / "mse-gateway.toml"
    config.write_text(f"[store]\npath = '{tmp_path / 'none.sqlite'}'\n", encoding="utf-8")

    answer = desk.run("list", "--config", config)

    assert answer.exit_code in {2, 3}
    assert answer.stderr
    assert not (tmp_path / "none.sqlite").exists()
