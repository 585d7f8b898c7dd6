"""What the test PKI holds beside the RSA and GOST-256 twins, judged by openssl."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import parser, x509

from gateway.signatures.algorithms import GOST_256
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import split_pem
from gateway.signatures.declaration import read_declaration
from gateway.signatures.pkiindex import INDEX
from gateway.signatures.testpki import make_test_pki
from tests.signatures.conftest import NOON

pytestmark = pytest.mark.foreign
URL = "http://127.0.0.1:8090/pki"
RUSSIAN = bytes.fromhex(  # tc26-gost-3410-12-512 with paramSetA and Streebog-512
    "302106082a85030701010102301506092a850307010201020106082a85030701010203"
)
ENGINE = """
openssl_conf = whole
[whole]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
"""
KZ_SIGNATURE = "1.2.398.3.10.1.1.2.3.2"


def ask(*order: object, stdin: bytes = b"") -> str:
    told = subprocess.run(
        [str(one) for one in order], input=stdin, capture_output=True, check=False
    )
    return (told.stdout + told.stderr).decode("utf-8", "replace")


def describe(certificate: Path) -> str:
    return ask("openssl", "x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus",
               "-in", certificate)  # fmt: skip


def read_der(path: Path) -> bytes:
    return next(der for _, der in split_pem(path.read_bytes()))


@pytest.fixture(scope="module", autouse=True)
def openssl(
    foreign: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Have openssl, with the engine where it is installed: a file of our own tells it so."""
    program = Path(foreign("openssl"))
    configuration = tmp_path_factory.mktemp("openssl") / "openssl.cnf"
    configuration.write_text(ENGINE if open_backend().supports(GOST_256) else "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENSSL_CONF", str(configuration))
        patch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        yield


@pytest.mark.parametrize("suffix", ["", "-gost", "-gost-512", "-ec"])
@pytest.mark.parametrize("name", ["ru-clinic77-chair", "ru-tsa", "ru-ocsp"])
def test_each_twin_verifies_under_the_authority_of_its_own_kind(
    pki: Path, name: str, suffix: str
) -> None:
    trust = pki / "trust"

    told = ask(
        *("openssl", "verify"),
        *("-x509_strict", "-crl_check_all", "-attime", int(NOON.timestamp())),
        *("-CAfile", trust / f"ru-root{suffix}.cert.pem"),
        *("-untrusted", trust / f"ru-issuing{suffix}.cert.pem"),
        *("-CRLfile", trust / f"ru-root{suffix}.crl.pem"),
        *("-CRLfile", trust / f"ru-issuing{suffix}.crl.pem"),
        *(("-purpose", "timestampsign") if name == "ru-tsa" else ()),
        pki / f"{name}{suffix}.cert.pem",
    )

    assert f"{name}{suffix}.cert.pem: OK" in told


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("ru-clinic77-organization", "2048 bit"),
        ("ru-clinic77-organization-rsa-4096", "4096 bit"),
        ("ru-weak", "1024 bit"),
        ("ru-clinic77-chair-ec", "prime256v1"),
        ("ru-clinic77-organization-ec-384", "secp384r1"),
    ],
)
def test_keys_are_of_the_declared_size(pki: Path, name: str, size: str) -> None:
    assert size in describe(pki / f"{name}.cert.pem")


@pytest.mark.parametrize("suffix", ["", "-gost", "-gost-512", "-ec"])
def test_revocation_list_names_who_was_revoked_and_why(pki: Path, suffix: str) -> None:
    listed = ask(
        *("openssl", "crl", "-noout", "-text"),
        *("-in", pki / "trust" / f"ru-issuing{suffix}.crl.pem"),
        *("-CAfile", pki / "trust" / f"ru-issuing{suffix}.cert.pem"),
    )

    index = json.loads((pki / INDEX).read_text("utf-8"))
    issued = index["authorities"][f"ru-issuing{suffix}"]["issued"]
    revoked = {one["serial"].upper() for one in issued.values() if "revoked" in one}
    released = {one["serial"].upper() for one in issued.values() if "released" in one}
    lines = [line.split(":")[1].strip() for line in listed.splitlines() if "Serial Number" in line]
    assert "verify OK" in listed
    assert {*lines} == {one.zfill(32) for one in revoked - released}
    if suffix == "-gost":
        for reason in ("Key Compromise", "Superseded", "Certificate Hold"):
            assert reason in listed


def test_time_stamping_certificate_is_for_that_alone(pki: Path) -> None:
    told = describe(pki / "ru-tsa.cert.pem")

    assert "X509v3 Extended Key Usage: critical\n                Time Stamping\n" in told


def test_responder_is_not_to_be_checked_itself(pki: Path) -> None:
    told = describe(pki / "ru-ocsp-gost.cert.pem")

    assert "OCSP Signing" in told
    assert "OCSP No Check" in told


def test_subject_of_a_person_in_kazakhstan_is_written_as_its_authority_does(pki: Path) -> None:
    told = describe(pki / "kz-clinic-chair.cert.pem")
    subject = next(line for line in told.splitlines() if "Subject: " in line)

    house = read_declaration().organizations["kz-clinic"]
    for part in ("C=KZ", f"OU=BIN{house.bin}", f"serialNumber=IIN{house.people['chair'].iin}",
                 "SN=АБЕНОВ", "GN=СЕРИКОВИЧ", "CN=АБЕНОВ ЕРЛАН"):  # fmt: skip
        assert part in subject
    assert "E-mail Protection, 1.2.398.3.3.4.1.2, 1.2.398.3.3.4.1.2.2" in told
    assert "Policy: 1.2.398.3.3.2" in told


def test_information_system_has_a_uid_and_nobodys_number(pki: Path) -> None:
    told = describe(pki / "kz-clinic-system.cert.pem")
    subject = next(line for line in told.splitlines() if "Subject: " in line)

    assert "UID=1.2.398.3.3.4.1.2.6.9901" in subject
    assert "IIN" not in subject
    assert "1.2.398.3.3.4.1.2.6" in told


def test_authentication_key_of_kazakhstan_is_for_logging_in_alone(pki: Path) -> None:
    told = describe(pki / "kz-authentication.cert.pem")

    assert "TLS Web Client Authentication" in told
    assert "E-mail Protection" not in told


def relabel(spki: bytes) -> str:
    """Return a key of НУЦ РК in PEM under the OIDs of RFC 9215, which openssl knows."""
    _, _, _, _, members, _ = parser.parse(spki, strict=True)
    _, _, _, header, content, _ = parser.parse(members)
    bit_string = members[len(header) + len(content) :]
    body = RUSSIAN + bit_string
    text = base64.encodebytes(b"\x30\x81" + bytes((len(body),)) + body).decode("ascii")
    return f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize(("step", "answer"), [(-1, "Verified OK"), (1, "Verification failure")])
def test_signature_of_kazakhstan_holds_for_openssl_under_russian_names_and_reversed(
    pki: Path, tmp_path: Path, step: int, answer: str
) -> None:
    below = x509.Certificate.load(read_der(pki / "kz-clinic-chair.cert.pem"))
    above = x509.Certificate.load(read_der(pki / "kz-issuing.cert.pem"))
    signed, identifier, bits = (tmp_path / name for name in ("tbs", "key.pem", "signature"))
    signed.write_bytes(below["tbs_certificate"].dump())
    identifier.write_text(relabel(above["tbs_certificate"]["subject_public_key_info"].dump()))
    bits.write_bytes(below["signature_value"].native[::step])

    told = ask(
        *("openssl", "dgst", "-md_gost12_512", "-verify", identifier),
        *("-signature", bits, signed),
    )

    assert below["signature_algorithm"]["algorithm"].dotted == KZ_SIGNATURE
    assert answer in told


def test_certificates_say_where_to_ask_when_told_to(tmp_path: Path) -> None:
    few = read_declaration().only("ru-clinic77-chair", "ru-ocsp")

    make_test_pki(few, tmp_path, now=NOON, url=URL)

    told = describe(tmp_path / "ru-clinic77-chair-gost.cert.pem")
    assert f"OCSP - URI:{URL}/ocsp/ru-issuing-gost\n" in told
    assert f"CA Issuers - URI:{URL}/ca/ru-issuing-gost.cer\n" in told
    points = [line.strip() for line in told.splitlines()]
    for title, file in (
        ("X509v3 CRL Distribution Points:", "ru-issuing-gost.crl"),
        ("X509v3 Freshest CRL:", "ru-issuing-gost-delta.crl"),
    ):
        place = points.index(title)
        assert points[place + 1 : place + 3] == ["Full Name:", f"URI:{URL}/crl/{file}"]
    assert URL not in describe(tmp_path / "ru-ocsp.cert.pem")
    assert URL not in describe(tmp_path / "ru-root.cert.pem")
    assert f"{URL}/ocsp/ru-root\n" in describe(tmp_path / "ru-issuing.cert.pem")


def test_certificates_keep_their_address_until_another_is_told(tmp_path: Path) -> None:
    few = read_declaration().only("ru-expired")
    make_test_pki(few, tmp_path, now=NOON)

    later = make_test_pki(few, tmp_path, now=NOON + timedelta(hours=1), url=f"{URL}/")
    untold = make_test_pki(few, tmp_path, now=NOON + timedelta(hours=2))
    nowhere = make_test_pki(few, tmp_path, now=NOON + timedelta(hours=3), url="")

    assert "ru-expired" in later.made
    assert "ru-root" in later.kept
    assert untold.made == ()
    assert "ru-expired" in nowhere.made


@pytest.mark.parametrize("text", ["", "[]", "{}", '"url"'])
def test_index_that_cannot_be_read_is_made_anew(tmp_path: Path, text: str) -> None:
    few = read_declaration().only("ru-expired")
    (tmp_path / INDEX).write_text(text, encoding="utf-8")

    make_test_pki(few, tmp_path, now=NOON)

    assert json.loads((tmp_path / INDEX).read_bytes())["url"] == ""


def test_index_holds_no_key(pki: Path) -> None:
    text = (pki / INDEX).read_text("utf-8")

    assert "PRIVATE" not in text
    assert json.loads(text)["authorities"]["kz-issuing"]["never_issued"] == "revoked"
