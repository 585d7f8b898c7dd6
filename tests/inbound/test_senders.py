"""Who speaks, and who may pass which door."""

import hashlib
from pathlib import Path

import pytest

from gateway.errors import SettingError
from gateway.inbound.senders import Networks, Unknown, is_same_origin, read_directory
from gateway.settings import OperatorSettings, SenderSettings, ServerSettings, Settings
from tests.inbound.office import DUTY, MIS, Client, Office, OpenClient, digest

CERTIFICATE = b"a certificate in DER"
FINGERPRINT = hashlib.sha256(CERTIFICATE).hexdigest()
COLONS = ":".join(FINGERPRINT[i : i + 2] for i in range(0, 64, 2)).upper()


def test_a_token_is_known_by_its_digest() -> None:
    settings = Settings(senders={"mis": SenderSettings(token_sha256=digest("t").upper())})

    caller = read_directory(settings).recognise(
        authorization="bearer  t", certificate=None, address="203.0.113.9"
    )

    assert (caller.name, caller.is_operator, caller.hands_over) == ("mis", False, True)


def test_a_token_file_serves_as_well(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("t\n", encoding="utf-8")
    settings = Settings(operators={"duty": OperatorSettings(token_file=file)})

    caller = read_directory(settings).recognise(
        authorization="Bearer t", certificate=None, address=""
    )

    assert (caller.name, caller.is_operator, caller.hands_over) == ("duty", True, False)


@pytest.mark.parametrize("written", [FINGERPRINT, COLONS])
def test_a_client_certificate_is_known_by_its_fingerprint(written: str) -> None:
    settings = Settings(senders={"mis": SenderSettings(certificate_sha256=written)})

    caller = read_directory(settings).recognise(
        authorization="", certificate=CERTIFICATE, address=""
    )

    assert caller.name == "mis"


@pytest.mark.parametrize(
    ("authorization", "certificate"),
    [
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer wrong", None),
        ("Bearer wrong", CERTIFICATE),
        ("Basic bWlzOnQ=", CERTIFICATE),
        ("", b"another certificate"),
        (f"Bearer {digest('t')}", None),
    ],
)
def test_nobody_else_is_known(authorization: str, certificate: bytes | None) -> None:
    settings = Settings(
        senders={"mis": SenderSettings(token_sha256=digest("t"), certificate_sha256=FINGERPRINT)}
    )

    with pytest.raises(Unknown):
        read_directory(settings).recognise(
            authorization=authorization, certificate=certificate, address="127.0.0.1"
        )


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        (Settings(senders={"mis": SenderSettings()}), "senders.mis"),
        (Settings(operators={"duty": OperatorSettings()}), "operators.duty"),
        (Settings(senders={"mis": SenderSettings(token_sha256="secret")}), "senders.mis"),
        (
            Settings(
                senders={
                    "a": SenderSettings(token_sha256=digest("t")),
                    "b": SenderSettings(token_sha256=digest("t")),
                }
            ),
            "senders.b",
        ),
        (
            Settings(
                senders={"a": SenderSettings(token_sha256=digest("t"))},
                operators={"b": OperatorSettings(token_sha256=digest("t"))},
            ),
            "operators.b",
        ),
        (
            Settings(
                senders={"a": SenderSettings(token_sha256=digest("t"))},
                operators={"a": OperatorSettings(token_sha256=digest("u"))},
            ),
            "operators.a",
        ),
        (Settings(server=ServerSettings(host="0.0.0.0")), "server.host"),  # noqa: S104 - refused
        (Settings(server=ServerSettings(host="gateway.example")), "server.host"),
    ],
)
def test_a_directory_that_would_let_in_the_wrong_is_refused(settings: Settings, where: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_directory(settings)

    assert caught.value.where == where


def test_an_empty_token_file_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("\n", encoding="utf-8")

    with pytest.raises(SettingError, match="empty"):
        read_directory(Settings(senders={"mis": SenderSettings(token_file=file)}))


def test_without_senders_everybody_on_loopback_is_local_and_operator() -> None:
    directory = read_directory(Settings())

    caller = directory.recognise(authorization="", certificate=None, address="::ffff:127.0.0.1")

    assert (caller.name, caller.is_operator, caller.hands_over) == ("local", True, True)


@pytest.mark.parametrize("address", ["203.0.113.9", "10.0.0.1", "", None])
def test_without_senders_nobody_else_is_heard(address: str | None) -> None:
    with pytest.raises(Unknown):
        read_directory(Settings()).recognise(authorization="", certificate=None, address=address)


@pytest.mark.parametrize(
    ("host", "origin", "fetch_site", "same"),
    [
        ("127.0.0.1:8080", "", "", True),
        ("localhost", "", "", True),
        ("[::1]:8080", "http://[::1]:8080", "same-origin", True),
        ("localhost:8080", "http://localhost:8080", "", True),
        ("localhost:8080", "http://localhost:9999", "", False),
        ("localhost:8080", "https://evil.example", "", False),
        ("localhost:8080", "null", "", False),
        ("localhost:8080", "", "cross-site", False),
        ("evil.example:8080", "http://evil.example:8080", "same-origin", False),
    ],
)
def test_a_foreign_page_is_told_apart(
    host: str, origin: str, fetch_site: str, *, same: bool
) -> None:
    assert is_same_origin(host=host, origin=origin, fetch_site=fetch_site) is same


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(SettingError) as caught:
        Networks(("10.0.0.0/40",))

    assert caught.value.where == "server.operations_allow"


PROTECTED = [
    ("POST", "/exchanges"),
    ("GET", "/exchanges"),
    ("GET", "/exchanges/x-1"),
    ("GET", "/exchanges/x-1/timeline"),
    ("GET", "/exchanges/x-1/timeline/1/0"),
    ("GET", "/exchanges/x-1/document"),
    ("GET", "/exchanges/x-1/payload"),
    ("POST", "/exchanges/x-1/signatures"),
    ("POST", "/exchanges/x-1/resume"),
    ("POST", "/exchanges/x-1/release"),
    ("POST", "/exchanges/x-1/cancel"),
    ("GET", "/inbox"),
    ("GET", "/report"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
async def test_nobody_passes_a_senders_door_unknown(
    client: Client, office: Office, method: str, path: str
) -> None:
    await office.keep("x-1")

    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = await client.request(method, path, data=b"<d/>", headers=headers)

        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready"])
async def test_operations_are_for_their_networks(
    office: Office, aiohttp_client: OpenClient, path: str
) -> None:
    inside = await aiohttp_client(office.build())
    office.server = ServerSettings(operations_allow=("10.0.0.0/8",))
    office.__post_init__()
    outside = await aiohttp_client(office.build())

    assert (await inside.get(path)).status == 200
    assert (await outside.get(path, headers=DUTY)).status == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_a_foreign_page_may_not_speak_for_this_machine(
    office: Office, aiohttp_client: OpenClient, headers: dict[str, str]
) -> None:
    office.directory = read_directory(Settings())
    office.__post_init__()
    client = await aiohttp_client(office.build())

    alone = await client.get("/exchanges")
    page = await client.get("/exchanges", headers=headers)

    assert (alone.status, page.status) == (200, 403)


async def test_with_tokens_a_page_may_carry_one(client: Client) -> None:
    answer = await client.get("/exchanges", headers={**MIS, "Origin": "https://mis.example"})

    assert answer.status == 200
