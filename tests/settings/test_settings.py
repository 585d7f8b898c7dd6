"""The operator's file, and what a slip in it is answered with."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import SettingError
from gateway.settings import SignaturesComing, load, parse_duration, split_key


def write(folder: Path, text: str) -> Path:
    path = folder / "mse-gateway.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_configured_is_a_safe_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = load(environ={}).settings

    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert not settings.senders


def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nprot = 1\n")

    with pytest.raises(SettingError, match="did you mean port") as caught:
        load(file, environ={})

    assert caught.value.where == "server.prot"


def test_the_environment_overrides_the_file_and_is_named_as_the_source(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nport = 1\nhost = '::1'\n")

    loaded = load(file, environ={"MSE_GATEWAY__SERVER__PORT": "2"})

    assert loaded.settings.server.port == 2
    assert loaded.sources == {"server.host": "mse-gateway.toml", "server.port": "environment"}


def test_packs_come_from_their_own_variable(tmp_path: Path) -> None:
    file = write(tmp_path, "packs = ['a']\n")

    loaded = load(file, environ={"MSE_GATEWAY_PACKS": "/one:/two"})

    assert loaded.settings.packs == (Path("/one"), Path("/two"))


def test_a_sender_is_read_with_its_organizations(tmp_path: Path) -> None:
    file = write(tmp_path, "[senders.mis]\norganizations = ['1.2']\nsignatures = 'later'\n")

    sender = load(file, environ={}).settings.senders["mis"]

    assert sender.organizations == ("1.2",)
    assert sender.signatures is SignaturesComing.LATER


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[server]\nport = 'x'\n", "server.port"),
        ("[server]\nport = true\n", "server.port"),
        ("server = 1\n", "server"),
        ("[senders]\nmis = 1\n", "senders.mis"),
        ("[senders.mis]\nsignatures = 'never'\n", "senders.mis.signatures"),
        ("[senders.mis]\norganizations = 1\n", "senders.mis.organizations"),
        ("[keys.one]\nrole = 'transport'\n", "keys.one.organization"),
        ("senders = 3\n", "senders"),
    ],
)
def test_a_value_of_a_wrong_form_is_refused_with_its_place(
    tmp_path: Path, text: str, where: str
) -> None:
    with pytest.raises(SettingError) as caught:
        load(write(tmp_path, text), environ={})

    assert caught.value.where == where


def test_a_name_with_dots_is_one_name_of_the_key(tmp_path: Path) -> None:
    file = write(tmp_path, '[endpoints.x.organizations."1.2.3"]\nclient = "c"\n')

    (source,) = load(file, environ={}).sources

    assert source == 'endpoints.x.organizations."1.2.3".client'
    assert split_key(source) == ["endpoints", "x", "organizations", "1.2.3", "client"]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no TOML"):
        load(write(tmp_path, "port ="), environ={})


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read"):
        load(tmp_path / "none.toml", environ={})


@pytest.mark.parametrize(
    ("text", "seconds"), [("15d", 1_296_000), ("1h30m", 5400), ("0.5s", 0.5), ("2m3s", 123)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "h", "1w", "-1s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        parse_duration(text)
