"""openssl answers what we ask, and understands what we ask; НУЦ РК has answered in earnest."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.signatures.algorithms import GOST_512_KZ
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import read_certificate, write_pem
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.keys import SigningKey
from gateway.signatures.lists import read_list
from gateway.signatures.ocsp import OcspAnswer, Status, ask, read_answer
from gateway.signatures.ocsp.responder import answers_for, verify_answer
from gateway.signatures.reasons import Fact
from tests.signatures.conftest import NOON, Load
from tests.signatures.ocsp.answering import Answer, revoked

BACKEND = open_backend()


# --- НУЦ РК --------------------------------------------------------------------------------------


@pytest.mark.packs
def test_real_answer_of_kazakhstan_verifies_and_fails_unreversed(packs_folder: Path) -> None:
    folder = packs_folder / "kz/pki"
    issuer = read_certificate((folder / "nca_gost2015_test.cer").read_bytes())
    answer = read_answer((folder / "ocsp_response_ceo_2015_revoked.bin").read_bytes())
    assert isinstance(answer, OcspAnswer)
    (responder,) = answer.certificates
    turned = replace(answer, signature=answer.signature[::-1])

    assert answer.algorithm is GOST_512_KZ
    assert verify_answer(answer, responder, BACKEND)
    assert not verify_answer(turned, responder, BACKEND)
    assert responder.no_check
    assert answers_for(answer, issuer, (), BACKEND, stands=lambda _: False, at=answer.produced_at)
    assert not answers_for(
        turned, issuer, (), BACKEND, stands=lambda _: True, at=answer.produced_at
    )
    (word,) = answer.words
    assert (word.status, word.reason, word.next_update) == (Status.REVOKED, 6, None)
    assert answer.nonce == bytes.fromhex("157B28FD1AC7761E")


@pytest.mark.packs
def test_real_answer_of_kazakhstan_revokes_the_certificate_it_names(
    packs_folder: Path, issue: Callable[..., SigningKey]
) -> None:
    folder = packs_folder / "kz/pki"
    issuer = read_certificate((folder / "nca_gost2015_test.cer").read_bytes())
    answer = read_answer((folder / "ocsp_response_ceo_2015_revoked.bin").read_bytes())
    assert isinstance(answer, OcspAnswer)
    named = replace(
        issue().certificate, issuer_name=issuer.subject_name, serial=answer.words[0].serial
    )

    assert answer.words[0].is_about(named, issuer)
    assert not answer.words[0].is_about(replace(named, serial=1), issuer)


def in_hex(serial: int) -> str:
    """Return whole octets, as openssl writes a serial number."""
    return serial.to_bytes(serial.bit_length() // 8 + 1).lstrip(b"\0").hex().upper()


# --- openssl -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Openssl:
    """Runs openssl; with the engine for GOST."""

    program: str
    engine: tuple[str, ...]

    def __call__(self, command: str, *arguments: object) -> str:
        words = [self.program, command, *self.engine, *(str(one) for one in arguments)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@pytest.fixture(params=["", "-gost"])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def openssl(foreign: Callable[[str], str], suffix: str) -> Openssl:
    # `openssl ocsp` has no -engine: an engine of a configuration file of its own serves it.
    return Openssl(foreign("openssl"), ())


@contextmanager
def engine_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    conf = folder / "engine.cnf"
    conf.write_text(
        "openssl_conf = all\n[all]\nengines = engines\n[engines]\ngost = gost\n"
        "[gost]\nengine_id = gost\ndefault_algorithms = ALL\n"
    )
    monkeypatch.setenv("OPENSSL_CONF", str(conf))
    yield


@pytest.mark.foreign
def test_openssl_answers_what_we_ask(
    openssl: Openssl,
    suffix: str,
    key: Load,
    trust: Trust,
    pki: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuing = key(f"ru-issuing{suffix}")
    good, bad = (key(f"ru-{one}{suffix}").certificate for one in ("clinic77-chair", "revoked"))
    now = datetime.now(UTC)  # noqa: TID251 - openssl has no clock of ours
    index = tmp_path / "index.txt"
    until = "350101000000Z"
    index.write_text(
        f"V\t{until}\t\t{in_hex(good.serial)}\tunknown\t/CN=good\n"
        f"R\t{until}\t260101000000Z,keyCompromise\t{in_hex(bad.serial)}\tunknown\t/CN=bad\n"
    )
    authority = pki / f"ru-issuing{suffix}.cert.pem"
    facts = []
    with engine_in(tmp_path, monkeypatch):
        for one in (good, bad, key(f"ru-clinic77-member-1{suffix}").certificate):
            request, response = tmp_path / "request", tmp_path / "response"
            request.write_bytes(ask(one, issuing.certificate, nonce=b"0123456789abcdef"))
            said = openssl(
                "ocsp", "-index", index, "-CA", authority, "-rsigner", authority,
                "-rkey", pki / f"ru-issuing{suffix}.key.pem", "-ndays", "1",
                "-reqin", request, "-respout", response,
            )  # fmt: skip
            assert response.exists(), said
            answer = read_answer(response.read_bytes())
            assert isinstance(answer, OcspAnswer)
            assert answer.nonce == b"0123456789abcdef"
            heard = replace(trust, lists=(), revocation_required=True).with_evidence([answer], [])
            reasons = judge_chain(one, (), heard, at=now)
            facts.append([reason.fact for reason in reasons if reason.fact is not Fact.EXPIRED][:1])
            response.unlink()

    # The root has said nothing of the issuing authority: that stays unknown.
    assert facts == [[Fact.REVOCATION_UNKNOWN], [Fact.REVOKED], [Fact.REVOCATION_UNKNOWN]]


@pytest.mark.foreign
def test_openssl_understands_our_request(
    openssl: Openssl, key: Load, suffix: str, tmp_path: Path
) -> None:
    request = tmp_path / "request"
    chair = key(f"ru-clinic77-chair{suffix}").certificate
    request.write_bytes(ask(chair, key(f"ru-issuing{suffix}").certificate, nonce=b"n" * 32))

    said = openssl("ocsp", "-reqin", request, "-req_text")

    assert f"Serial Number: {in_hex(chair.serial)}" in said
    assert "Hash Algorithm: sha1" in said
    assert "0420" + "6E" * 32 in said.replace("\n", "").replace(" ", "")


@pytest.mark.foreign
def test_openssl_reads_the_answers_that_our_tests_write(
    openssl: Openssl, key: Load, tmp_path: Path, pki: Path
) -> None:
    issuing, chair = key("ru-issuing"), key("ru-clinic77-chair").certificate
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - as above
    said = Answer(
        responder=issuing,
        certificate=chair,
        issuer=issuing.certificate,
        status=revoked(NOON, 1),
        this_update=now - timedelta(minutes=1),
        produced_at=now,
    )
    response = tmp_path / "response"
    response.write_bytes(said.der())

    told = openssl(
        "ocsp", "-respin", response, "-issuer", pki / "ru-issuing.cert.pem",
        "-cert", pki / "ru-clinic77-chair.cert.pem", "-CAfile", pki / "ru-issuing.cert.pem",
        "-partial_chain", "-no_check_time", "-no_nonce", "-verify_other",
        pki / "ru-issuing.cert.pem", "-trust_other",
    )  # fmt: skip

    assert "Response verify OK" in told
    assert "revoked" in told


@pytest.mark.foreign
def test_delta_list_that_openssl_signs_adds_to_ours(
    openssl: Openssl, key: Load, suffix: str, pki: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    conf, index = tmp_path / "ca.cnf", tmp_path / "index.txt"
    serial = key(f"ru-clinic77-chair{suffix}").certificate.serial
    index.write_text(f"R\t350101000000Z\t260101000000Z\t{in_hex(serial)}\tunknown\t/CN=x\n")
    (tmp_path / "number").write_text("09\n")
    digest = "md_gost12_256" if suffix else "sha256"
    conf.write_text(
        "openssl_conf = all\n[all]\nengines = engines\n[engines]\ngost = gost\n"
        "[gost]\nengine_id = gost\ndefault_algorithms = ALL\n"
        f"[ca]\ndefault_ca = own\n[own]\ndatabase = {index}\ncrlnumber = {tmp_path / 'number'}\n"
        f"default_md = {digest}\ndefault_crl_days = 3\n"
        "[delta]\n2.5.29.27 = critical,DER:02:01:07\nissuingDistributionPoint = critical,@point\n"
        "[point]\nonlyuser = TRUE\n"
    )
    monkeypatch.setenv("OPENSSL_CONF", str(conf))
    out = tmp_path / "delta.pem"

    told = openssl(
        "ca", "-config", conf, "-gencrl", "-crlexts", "delta", "-out", out,
        "-cert", pki / f"ru-issuing{suffix}.cert.pem",
        "-keyfile", pki / f"ru-issuing{suffix}.key.pem",
    )  # fmt: skip

    assert out.exists(), told
    der_file = tmp_path / "delta.crl"
    openssl("crl", "-in", out, "-outform", "DER", "-out", der_file)
    read = read_list(der_file.read_bytes())
    assert (read.base, read.number) == (7, 9)
    assert (read.scope.users, read.scope.authorities) == (True, False)
    assert serial in read.lines
    assert read.complete
    assert write_pem("X509 CRL", der_file.read_bytes()).splitlines() == (
        out.read_bytes().splitlines()
    )
