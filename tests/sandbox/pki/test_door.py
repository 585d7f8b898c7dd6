"""The authorities over HTTP, and what the gateway's own hand makes of their answers."""

from __future__ import annotations

import io
import json
import time
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from asn1crypto import ocsp, parser, tsp

from gateway.doors import SystemClock, SystemIds
from gateway.errors import SettingError
from gateway.sandbox.counterpart import SandboxAccount, Surroundings
from gateway.sandbox.pki.faults import load_faults
from gateway.sandbox.pki.opening import SCENARIOS, open_counterpart
from gateway.sandbox.pki.stamping import POLICY
from gateway.sandbox.program import discover
from gateway.settings import TrustSettings, read
from gateway.signatures.algorithms import digest_by_oid
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import read_certificate, split_pem
from gateway.signatures.lists import read_list
from gateway.signatures.ocsp import OcspAnswer, read_answer
from tests.sandbox.pki.conftest import Open

OCSP = {"Content-Type": "application/ocsp-request"}
TSA = {"Content-Type": "application/timestamp-query"}


def surroundings(pki: Path | None, faults: str = "") -> Surroundings:
    return Surroundings(clock=SystemClock(), ids=SystemIds(), pki=pki, faults=faults)


def certificate(pki: Path, name: str) -> bytes:
    return next(der for _, der in split_pem((pki / f"{name}.cert.pem").read_bytes()))


def ask_about(pki: Path, serial: int, *, issuer: str, digest: str = "sha1") -> bytes:
    """Return an OCSP request about a number, whether it was given or not."""
    above = read_certificate(certificate(pki, issuer))
    oid = {"sha1": "1.3.14.3.2.26", "streebog": "1.2.643.7.1.1.2.2", "none": "1.2.3"}[digest]
    name, key = b"", b""
    if digest != "none":
        algorithm = digest_by_oid(oid)
        assert algorithm is not None
        backend = open_backend()
        name = backend.digest(algorithm, above.subject_name)
        key = backend.digest(algorithm, _key_bits(above.spki))
    about = {
        "hash_algorithm": {"algorithm": oid},
        "issuer_name_hash": name,
        "issuer_key_hash": key,
        "serial_number": serial,
    }
    request = {"tbs_request": {"request_list": [{"req_cert": about}]}}
    return bytes(ocsp.OCSPRequest(request).dump())


def _key_bits(spki: bytes) -> bytes:
    members: bytes = parser.parse(spki, strict=True)[4]
    _, _, _, header, content, _ = parser.parse(members)
    bit_string: bytes = parser.parse(members[len(header) + len(content) :], strict=True)[4]
    return bit_string[1:]


async def test_number_that_was_never_given_is_unknown_in_russia_and_revoked_in_kazakhstan(
    authorities: Open, pki: Path
) -> None:
    found = {}
    async with authorities() as url, aiohttp.ClientSession() as session:
        for issuer, digest in (("ru-issuing-gost", "streebog"), ("kz-issuing", "sha1")):
            request = ask_about(pki, 4711, issuer=issuer, digest=digest)
            async with session.post(f"{url}/ocsp/{issuer}", data=request, headers=OCSP) as got:
                found[issuer] = ocsp.OCSPResponse.load(await got.read(), strict=True)

    singles = {name: one.response_data["responses"][0] for name, one in found.items()}
    assert singles["ru-issuing-gost"]["cert_status"].name == "unknown"
    status = singles["kz-issuing"]["cert_status"]
    assert status.name == "revoked"
    assert status.chosen["revocation_time"].native == datetime(1970, 1, 1, tzinfo=UTC)
    assert status.chosen["revocation_reason"].native == "certificate_hold"
    extensions = found["kz-issuing"].response_data["response_extensions"]
    assert [one["extn_id"].native for one in extensions] == ["extended_revoke"]


async def test_authority_says_that_it_keeps_whoever_has_ended(authorities: Open, pki: Path) -> None:
    serial = read_certificate(certificate(pki, "ru-superseded")).serial
    request = ask_about(pki, serial, issuer="ru-issuing", digest="sha1")
    async with authorities() as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/ocsp/ru-issuing", data=request, headers=OCSP) as got:
            answer = read_answer(await got.read())
        lists = []
        for path in ("crl/ru-issuing.crl", "crl/ru-issuing-delta.crl"):
            async with session.get(f"{url}/{path}") as got:
                lists.append(read_list(await got.read()))

    assert isinstance(answer, OcspAnswer)
    kept = [*(one.keeps_since for one in answer.words), *(one.keeps_since for one in lists)]
    assert len(kept) == 3
    for since in kept:
        assert since is not None
        assert since < SystemClock().now() - timedelta(days=3000)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", "malformed_request"),
        (b"\x30\x00", "malformed_request"),
        (b"junk", "malformed_request"),
    ],
)
async def test_ocsp_says_that_a_request_cannot_be_read(
    authorities: Open, body: bytes, status: str
) -> None:
    async with (
        authorities() as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/ocsp/ru-issuing", data=body, headers=OCSP) as got,
    ):
        answer = ocsp.OCSPResponse.load(await got.read())

    assert answer["response_status"].native == status


async def test_ocsp_with_a_hash_that_nobody_knows_is_not_for_us(
    authorities: Open, pki: Path
) -> None:
    request = ask_about(pki, 1, issuer="ru-issuing", digest="none")
    async with (
        authorities() as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/ocsp/ru-issuing", data=request, headers=OCSP) as got,
    ):
        answer = ocsp.OCSPResponse.load(await got.read())

    assert answer["response_status"].native == "unauthorized"


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("GET", "/nothing", "", 404),
        ("GET", "", "", 404),
        ("POST", "/ocsp/nobody", "application/ocsp-request", 404),
        ("POST", "/ocsp/ru-issuing", "text/plain", 415),
        ("PUT", "/ocsp/ru-issuing", "application/ocsp-request", 405),
        ("GET", "/ocsp/ru-issuing/%%%", "", 200),
        ("GET", "/crl/nobody.crl", "", 404),
        ("GET", "/crl/ru-issuing", "", 404),
        ("GET", "/ca/nobody.cer", "", 404),
        ("GET", "/tsa", "", 405),
        ("POST", "/tsa", "text/plain", 415),
        ("POST", "/tsa/nobody", "application/timestamp-query", 404),
    ],
)
async def test_other_questions_are_turned_away(
    authorities: Open, method: str, path: str, kind: str, status: int
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    async with (
        authorities() as url,
        aiohttp.ClientSession() as session,
        session.request(method, f"{url}{path}", headers=headers, data=b"x") as got,
    ):
        assert got.status == status


def query(**changes: object) -> bytes:
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"\x01" * 32}
    said = {"version": "v1", "message_imprint": imprint, "cert_req": True, **changes}
    return bytes(tsp.TimeStampReq(said).dump())


@pytest.mark.parametrize(
    ("request_", "failure"),
    [
        (b"junk", "bad_data_format"),
        (
            query(
                message_imprint={
                    "hash_algorithm": {"algorithm": "sha1"},
                    "hashed_message": b"\x01" * 20,
                }
            ),
            "bad_alg",
        ),
        (
            query(
                message_imprint={
                    "hash_algorithm": {"algorithm": "sha256"},
                    "hashed_message": b"\x01" * 20,
                }
            ),
            "bad_data_format",
        ),
        (query(req_policy="1.2.3.4"), "unaccepted_policy"),
        (query(extensions=[{"extn_id": "1.2.3.4", "extn_value": b""}]), "unaccepted_extensions"),
    ],
)
async def test_stamper_says_why_it_refuses(
    authorities: Open, request_: bytes, failure: str
) -> None:
    async with (
        authorities() as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/tsa", data=request_, headers=TSA) as got,
    ):
        octets = await got.read()

    status = tsp.PKIStatusInfo.load(octets[2:])
    assert status["status"].native == "rejection"
    assert status["fail_info"].native == {failure}


async def test_policy_may_be_asked_for_and_the_certificate_left_out(authorities: Open) -> None:
    body = query(req_policy=POLICY, cert_req=False, nonce=99)
    async with (
        authorities() as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/tsa", data=body, headers=TSA) as got,
    ):
        answer = tsp.TimeStampResp.load(await got.read(), strict=True)

    signed = answer["time_stamp_token"]["content"]
    said = signed["encap_content_info"]["content"].parsed
    assert answer["status"]["status"].native == "granted"
    assert not signed["certificates"]
    assert (said["nonce"].native, said["policy"].native) == (99, POLICY)


async def test_slow_answer_comes_after_its_delay(authorities: Open, pki: Path) -> None:
    body = ask_about(pki, 1, issuer="ru-issuing")
    async with (
        authorities("ocsp-slow", time_scale=450) as url,
        aiohttp.ClientSession() as session,
    ):
        began = time.monotonic()
        async with session.post(f"{url}/ocsp/ru-issuing", data=body, headers=OCSP) as got:
            status = got.status

    assert status == 200
    assert time.monotonic() - began >= 0.2


async def test_lists_that_are_gone_are_not_found(authorities: Open) -> None:
    async with (
        authorities("crl-gone") as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/crl/ru-issuing.crl") as got,
    ):
        assert got.status == 404


async def test_what_was_asked_is_logged(authorities: Open) -> None:
    async with authorities() as url, aiohttp.ClientSession() as session:
        await session.get(f"{url}/ca/ru-issuing.cer")
        async with session.get(f"{url}/log") as got:
            lines = [json.loads(line) for line in (await got.text()).splitlines()]

    assert [line["kind"] for line in lines] == ["request", "answer"]
    assert lines[0]["path"] == "/pki/ca/ru-issuing.cer"


async def test_it_knows_no_documents(pki: Path) -> None:
    counterpart = open_counterpart(surroundings(pki))
    out = io.StringIO()
    counterpart.note("listener_up")
    counterpart.export(out)

    assert await counterpart.account() == SandboxAccount()
    assert counterpart.expect("uid") == "none"
    assert not counterpart.turns_away(1)
    assert json.loads(out.getvalue())["kind"] == "listener_up"
    counterpart.close()


def test_configuration_is_the_trust_of_a_gateway(pki: Path) -> None:
    counterpart = open_counterpart(surroundings(pki))

    table = tomllib.loads(counterpart.configuration("http://127.0.0.1:8090/pki"))

    trust = read(TrustSettings, table["trust"], "trust")
    issuing = trust.authorities["ru-issuing-gost"]
    certified = read_certificate(certificate(pki, "ru-issuing-gost"))
    assert issuing.certificate_sha256 == certified.sha256
    assert issuing.ocsp == ("http://127.0.0.1:8090/pki/ocsp/ru-issuing-gost",)
    assert issuing.deltas == ("http://127.0.0.1:8090/pki/crl/ru-issuing-gost-delta.crl",)
    counterpart.close()


def test_every_scenario_reads_and_says_something() -> None:
    found = {one.name: one for one in discover()}["pki"]

    for name, title in found.scenarios.items():
        assert load_faults(name, SCENARIOS).title == title


@pytest.mark.parametrize(
    ("text", "said"), [("[", "cannot be read"), ("[ocsp]\nsay = 'good'", "says")]
)
def test_slip_in_a_scenario_is_named(pki: Path, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingError, match=said):
        open_counterpart(surroundings(pki, str(file)))


@pytest.mark.parametrize("text", ["", "[]", '{"authorities": {}}', '{"authorities": {"a": {}}}',
                                  '{"authorities": {"ru-root": {"responder": ""}}}'])  # fmt: skip
def test_index_that_is_wrong_is_named(pki: Path, tmp_path: Path, text: str) -> None:
    for name in ("ru-root.key.pem", "ru-root.cert.pem"):
        (tmp_path / name).write_bytes((pki / name).read_bytes())
    (tmp_path / "index.json").write_text(text, encoding="utf-8")

    with pytest.raises(SettingError) as refused:
        open_counterpart(surroundings(tmp_path))

    assert refused.value.where == "pki.folder"


def test_neither_settings_nor_a_folder_is_a_setting_error() -> None:
    with pytest.raises(SettingError, match="neither"):
        open_counterpart(surroundings(None))


def test_settings_may_name_the_folder(pki: Path) -> None:
    settings = {"folder": str(pki)}
    open_counterpart(Surroundings(clock=SystemClock(), ids=SystemIds(), settings=settings)).close()
