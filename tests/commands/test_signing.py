"""Signing and judging from the command line: every form there and back."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import cast

import orjson
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.doors import SystemClock
from gateway.signatures.certificates import write_pem
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
DOCUMENT = '<report xmlns="urn:x">Заключение <b>готово</b></report>'.encode()
ENVELOPE = f'<s:Envelope xmlns:s="{SOAP}"><s:Body><a xmlns="urn:x"/></s:Body></s:Envelope>'.encode()
CHAIR, PARTNER = "ru-clinic77-chair", "gateway-transport"
FORMS = [
    pytest.param("cms", CHAIR, DOCUMENT, id="cms"),
    pytest.param("xmldsig", CHAIR, DOCUMENT, id="xmldsig"),
    pytest.param("wss", PARTNER, ENVELOPE, id="wss"),
    pytest.param("smev", PARTNER, ENVELOPE, id="smev"),
]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    declared = read_declaration().only(CHAIR, PARTNER, "ru-expired")
    make_test_pki(declared, folder, now=SystemClock().now())
    return folder


def sign(pki: Path, file: Path, form: str, who: str, *more: str) -> Result:
    key = ("--key", str(pki / f"{who}.key.pem"), "--cert", str(pki / f"{who}.cert.pem"))
    out = str(file.with_suffix(".signed"))
    return CliRunner().invoke(main, ["sign", str(file), "--as", form, *key, "-o", out, *more])


def verify(file: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["verify", str(file), *more])


def judged(pki: Path, file: Path, *more: str) -> dict[str, object]:
    answer = verify(file, "--trust", str(pki / "trust"), "--json", *more)
    told: dict[str, object] = orjson.loads(answer.stdout)
    assert answer.exit_code == (0 if told["verdict"] == "valid" else 1), told
    return told


@pytest.fixture
def write(tmp_path: Path) -> Path:
    return tmp_path / "content.xml"


@pytest.mark.parametrize(("form", "who", "content"), FORMS)
def test_what_is_signed_is_valid_and_no_longer_when_it_is_changed(
    pki: Path, write: Path, form: str, who: str, content: bytes
) -> None:
    write.write_bytes(content)
    signed = write.with_suffix(".signed")

    assert sign(pki, write, form, who).exit_code == 0
    told = judged(pki, signed)

    assert told["verdict"] == "valid", told
    assert told["etsi"] == "TOTAL-PASSED"
    (signer,) = cast("list[dict[str, object]]", told["signers"])
    assert set(signer) >= {"subject", "algorithm", "signed_at", "covers"}
    octets = signed.read_bytes()
    changed = (
        octets.replace("готово".encode(), "негодно".encode()[:12])
        if content is DOCUMENT
        else octets.replace(b'xmlns="urn:x"', b'xmlns="urn:y"')
    )
    assert changed != octets
    signed.write_bytes(changed)
    assert judged(pki, signed)["verdict"] == "invalid"


@pytest.mark.parametrize("form", ["cms", "xmldsig"])
def test_detached_signature_wants_its_content(pki: Path, write: Path, form: str) -> None:
    write.write_bytes(DOCUMENT)
    signed, other = write.with_suffix(".signed"), write.with_name("other.xml")
    other.write_bytes(DOCUMENT + b" ")

    assert sign(pki, write, form, CHAIR, "--detached").exit_code == 0

    assert judged(pki, signed, "--detached", str(write))["verdict"] == "valid"
    assert judged(pki, signed, "--detached", str(other))["verdict"] == "invalid"
    assert judged(pki, signed)["verdict"] == "could-not-be-checked"


def test_cms_comes_as_der_pem_or_base64(pki: Path, write: Path) -> None:
    write.write_bytes(DOCUMENT)
    signed = write.with_suffix(".signed")
    sign(pki, write, "cms", CHAIR)
    der = signed.read_bytes()

    for octets in (der, write_pem("CMS", der), write_pem("PKCS7", der), base64.encodebytes(der)):
        signed.write_bytes(octets)
        assert judged(pki, signed)["verdict"] == "valid"


@pytest.mark.parametrize(
    "octets", [b"", b"junk!", b"-----BEGIN CMS-----\nAAA\n-----END CMS-----\n", b"\x30\x03", b"<a"]
)
def test_what_is_no_signature_is_invalid_and_no_crash(
    pki: Path, write: Path, octets: bytes
) -> None:
    write.write_bytes(octets)

    told = judged(pki, write)

    assert told["verdict"] == "invalid"
    assert told["reasons"]


def test_without_roots_nothing_is_said_for_sure(pki: Path, write: Path, tmp_path: Path) -> None:
    write.write_bytes(DOCUMENT)
    sign(pki, write, "cms", CHAIR)
    (tmp_path / "nobody").mkdir()

    answer = verify(write.with_suffix(".signed"), "--trust", str(tmp_path / "nobody"), "--json")

    assert answer.exit_code == 1
    assert orjson.loads(answer.stdout)["verdict"] == "could-not-be-checked"


def test_moment_decides_which_certificates_live(pki: Path, write: Path) -> None:
    write.write_bytes(DOCUMENT)
    sign(pki, write, "cms", CHAIR)
    signed = write.with_suffix(".signed")

    assert judged(pki, signed, "--at", "2010-01-31")["verdict"] == "invalid"
    assert judged(pki, signed, "--at", "2090-01-31T10:00:00+03:00")["verdict"] != "valid"
    assert verify(signed, "--at", "yesterday").exit_code == 2


def test_words_name_verdict_reason_and_mender(pki: Path, write: Path) -> None:
    write.write_bytes(b"junk!")

    answer = verify(write, "--trust", str(pki / "trust"), "--lang", "ru")

    assert answer.stdout.startswith("invalid (TOTAL-FAILED/FORMAT_FAILURE)\n")
    assert "Подпись не разбирается" in answer.stdout
    assert "[malformed; vendor]" in answer.stdout


def test_what_cannot_be_signed_is_said(pki: Path, write: Path) -> None:
    write.write_bytes(b"no xml")

    assert sign(pki, write, "xmldsig", CHAIR).exit_code == 1
    assert sign(pki, write, "wss", PARTNER).exit_code == 1
    assert sign(pki, write, "wss", PARTNER, "--detached").exit_code == 2
    assert sign(pki, write, "cades-t", CHAIR).exit_code == 2
    assert sign(pki, write, "cms", CHAIR, "--tsa", "http://127.0.0.1:9/").exit_code == 2
    assert not write.with_suffix(".signed").exists()


def test_key_that_may_not_sign_is_refused_before_it_does(pki: Path, write: Path) -> None:
    write.write_bytes(DOCUMENT)
    other = ("--cert", str(pki / f"{PARTNER}.cert.pem"))

    answer = sign(pki, write, "cms", CHAIR, *other)

    assert answer.exit_code == 2
    assert "is not the key" in answer.stderr


def test_authority_that_does_not_answer_is_no_fault_of_the_document(pki: Path, write: Path) -> None:
    write.write_bytes(DOCUMENT)
    tsa = ("--tsa", "http://127.0.0.1:9/", "--trust", str(pki / "trust"))

    answer = sign(pki, write, "cades-t", CHAIR, *tsa)

    assert answer.exit_code == 3
    assert "gives no answer: unreachable" in answer.stderr
    assert not write.with_suffix(".signed").exists()
