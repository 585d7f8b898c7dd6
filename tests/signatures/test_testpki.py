"""The declared test PKI, made in process and judged by openssl."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import MalformedMessage, SettingError
from gateway.signatures.backends import Chooser
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.certificates import read_certificate, split_pem
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testkeys import named
from gateway.signatures.testpki import expiries, make_test_pki
from tests.signatures.conftest import NOON

DECLARED = read_declaration()
FEW = DECLARED.only("ru-clinic77-chair", "ru-expired", "ru-revoked")


def verify_with_openssl(openssl: str, pki: Path, name: str, suffix: str) -> str:
    trust = pki / "trust"
    done = subprocess.run(
        [
            *(openssl, "verify", *(("-engine", "gost") if suffix else ())),
            *("-x509_strict", "-crl_check_all"),
            *("-attime", str(int(NOON.timestamp()))),
            *("-CAfile", trust / f"ru-root{suffix}.cert.pem"),
            *("-untrusted", trust / f"ru-issuing{suffix}.cert.pem"),
            *("-CRLfile", trust / f"ru-root{suffix}.crl.pem"),
            *("-CRLfile", trust / f"ru-issuing{suffix}.crl.pem"),
            pki / f"{name}{suffix}.cert.pem",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.foreign
@pytest.mark.parametrize("suffix", ["", "-gost"])
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("ru-clinic77-organization", ".cert.pem: OK"),
        ("ru-hospital16-chair", ".cert.pem: OK"),
        ("remd-partner", ".cert.pem: OK"),
        ("ru-revoked", "certificate revoked"),
        ("ru-expired", "certificate has expired"),
        ("ru-not-yet-valid", "certificate is not yet valid"),
        ("stranger-organization", "unable to get local issuer certificate"),
    ],
)
def test_openssl_judges_the_certificates_as_declared(
    pki: Path, foreign: Callable[[str], str], name: str, suffix: str, answer: str
) -> None:
    assert answer in verify_with_openssl(foreign("openssl"), pki, name, suffix)


def test_everything_declared_is_made(pki: Path) -> None:
    keys = {name: one.keys for name, one in DECLARED.certificates.items()}
    keys |= {name: one.keys for name, one in DECLARED.authorities.items()}
    names = {file for name, kinds in keys.items() for file in named(name, kinds).values()}

    assert {name for name, _ in expiries(pki)} == names
    assert {path.name.removesuffix(".key.pem") for path in pki.glob("*.key.pem")} == names


def test_keys_are_readable_by_their_owner_alone(pki: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in pki.glob("*.key.pem")}

    assert modes == {0o600}


def test_subject_reads_back_as_declared(pki: Path) -> None:
    house = DECLARED.organizations["clinic77"]
    chair = house.people["chair"]

    certificates = dict(expiries(pki))
    person = certificates["ru-clinic77-chair-gost"].subject
    organization = certificates["ru-clinic77-organization"].subject

    assert (person.snils, person.inn, person.title) == (chair.snils, chair.inn, chair.position)
    assert (person.common_name, person.organization) == (chair.full_name, house.name)
    assert (organization.ogrn, organization.organization_inn) == (house.ogrn, house.inn)
    assert organization.snils == ""


def test_what_is_still_good_stays_and_what_has_run_out_is_made_anew(tmp_path: Path) -> None:
    first = make_test_pki(FEW, tmp_path, now=NOON)
    again = make_test_pki(FEW, tmp_path, now=NOON + timedelta(days=30))
    late = make_test_pki(FEW, tmp_path, now=NOON + timedelta(days=500))

    assert first.made == again.kept
    assert {"ru-root", "ru-clinic77-chair-gost", "kz-issuing", "ru-expired"} <= {*first.made}
    assert not first.kept
    assert not again.made
    assert set(late.made) == {
        *("ru-clinic77-chair", "ru-clinic77-chair-gost", "ru-revoked", "ru-revoked-gost"),
        *("ru-clinic77-chair-gost-512", "ru-clinic77-chair-ec"),
    }


def test_a_changed_name_or_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    make_test_pki(FEW, tmp_path, now=NOON)
    (tmp_path / "ru-expired.key.pem").write_bytes(b"half a key")
    house = FEW.organizations["clinic77"]
    chair = replace(house.people["chair"], position="Врач")
    renamed = replace(house, people={"chair": chair})

    again = make_test_pki(
        replace(FEW, organizations={"clinic77": renamed}, gost=False), tmp_path, now=NOON
    )

    chairs = {"ru-clinic77-chair", "ru-clinic77-chair-ec"}
    assert set(again.made) == {*chairs, "ru-expired", "ru-revoked"}
    assert {"ru-root", "ru-issuing", "stranger-root", "kz-issuing-rsa"} <= {*again.kept}


def test_without_gost_the_twins_are_left_out_and_named(tmp_path: Path) -> None:
    made = make_test_pki(FEW.only("ru-expired"), tmp_path, now=NOON, backend=Chooser([Pyca()]))

    assert made.left_out == ("ru-expired-gost",)
    assert {"ru-root", "ru-issuing-ec", "kz-issuing-rsa", "ru-expired"} <= {*made.made}
    assert not any("gost" in name or name == "kz-issuing" for name in made.made)


def check_digit(number: str) -> int:
    """Return the last digit of an ИИН or a БИН, from the eleven before it."""
    digits = [int(digit) for digit in number[:11]]
    first = sum(digit * weight for digit, weight in zip(digits, range(1, 12), strict=True)) % 11
    weights = (*range(3, 12), 1, 2)
    again = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return first if first < 10 else again


def test_invented_numbers_carry_right_checksums() -> None:
    for house in DECLARED.organizations.values():
        if house.country == "KZ":
            assert check_digit(house.bin) == int(house.bin[11])
            for person in house.people.values():
                assert check_digit(person.iin) == int(person.iin[11])
            continue
        assert int(house.ogrn[:12]) % 11 % 10 == int(house.ogrn[12])
        for person in house.people.values():
            total = sum(int(digit) * (9 - at) for at, digit in enumerate(person.snils[:9]))
            assert total % 101 % 100 == int(person.snils[9:])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('issuer = "stranger-root"', 'issuer = "nobody"'),
        ('keys = ["rsa-1024"]', 'keys = ["rsa-512"]'),
        ('keys = ["rsa-1024"]', 'keys = ["kz"]'),
        ('person = "chair"', 'person = "nobody"'),
        ("lifetime_days", "life"),
        ("[defaults]", "[defaults"),
    ],
)
def test_slip_in_the_declaration_is_named(tmp_path: Path, old: str, new: str) -> None:
    text = (Path(__file__).parents[2] / "certs" / "pki.toml").read_text(encoding="utf-8")
    (tmp_path / "pki.toml").write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(SettingError, match=r"pki\.toml"):
        read_declaration(tmp_path / "pki.toml")


def test_file_without_a_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.cert.pem").write_bytes(b"")

    with pytest.raises(MalformedMessage, match=r"empty\.cert\.pem"):
        expiries(tmp_path)


@pytest.mark.parametrize("cut", [0, 1, 10, 200, -1])
def test_bytes_that_are_no_certificate_are_malformed(pki: Path, cut: int) -> None:
    _, der = next(split_pem((pki / "remd-partner.cert.pem").read_bytes()))

    with pytest.raises(MalformedMessage):
        read_certificate(der[:cut])
    with pytest.raises(MalformedMessage):
        read_certificate(der + b"\0")


def test_certificate_whose_two_algorithms_disagree_has_none(pki: Path) -> None:
    _, der = next(split_pem((pki / "remd-partner.cert.pem").read_bytes()))
    oid = bytes.fromhex("06092a864886f70d01010b")

    assert der.count(oid) == 2
    assert read_certificate(der).algorithm is not None
    assert read_certificate(der.replace(oid, oid[:-1] + b"\x0c", 1)).algorithm is None
