"""What a certificate says of its owner, and where its authority answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import MalformedMessage
from gateway.signatures import asn1, der
from gateway.signatures.certificates import read_certificate, split_pem
from gateway.signatures.extensions import Extension, read_access, read_points
from gateway.signatures.fitness import Purpose, judge_certificate
from gateway.signatures.keys import SigningKey
from gateway.signatures.roles import KzRole, roles_of
from gateway.signatures.subjects import Subject, read_subject
from tests.signatures.conftest import Issue, Load
from tests.signatures.reissuing import (
    CLIENT,
    EMAIL,
    NO_CHECK,
    access,
    extended,
    points,
    purposes,
    url,
)

A, B = "http://authority.example/a", "http://authority.example/b"
ROLE = "1.2.398.3.3.4.1"


@pytest.fixture
def issuing(key: Load) -> SigningKey:
    return key("ru-issuing")


def name(*attributes: tuple[str, bytes]) -> asn1.Value:
    rows = (der.set_of(der.sequence(der.oid(oid), value)) for oid, value in attributes)
    return asn1.read_der(der.sequence(*rows))


def as_extension(octets: bytes) -> Extension:
    return Extension(critical=False, value=asn1.read_der(octets))


# --- whom it names -------------------------------------------------------------------------------


def test_numbers_of_kazakhstan_are_read_out_of_their_forms() -> None:
    read = read_subject(
        name(
            ("2.5.4.5", der.printable("IIN123456789011")),
            ("2.5.4.11", der.text("BIN123456789021")),
            ("0.9.2342.19200300.100.1.1", der.text("1.2.398.3.3.4.1.2.6.17")),
        )
    )

    assert read == Subject(iin="123456789011", bin="123456789021", system="1.2.398.3.3.4.1.2.6.17")


@pytest.mark.parametrize(
    ("oid", "text"),
    [
        ("2.5.4.5", "123456789011"),
        ("2.5.4.5", "IIN12345678901"),
        ("2.5.4.5", "xIIN123456789011"),
        ("2.5.4.5", "IIN1234567890112"),
        ("2.5.4.11", "IIN123456789011"),
        ("0.9.2342.19200300.100.1.1", "1.2.398.3.3.4.1.2.5.17"),
        ("2.5.4.6", "KZ"),
    ],
)
def test_other_words_in_those_places_are_no_numbers(oid: str, text: str) -> None:
    assert read_subject(name((oid, der.text(text)))) == Subject()


def test_numbers_of_russia_are_read() -> None:
    read = read_subject(
        name(
            ("1.2.643.100.3", der.numeric("99000014871")),
            ("1.2.643.100.1", der.numeric("1997700084810")),
            ("1.2.643.3.131.1.1", der.numeric("990100031318")),
            ("1.2.643.100.4", der.numeric("9901008481")),
        )
    )

    assert (read.snils, read.ogrn) == ("99000014871", "1997700084810")
    assert (read.inn, read.organization_inn) == ("990100031318", "9901008481")


def test_of_a_repeated_attribute_the_first_counts() -> None:
    twice = name(("2.5.4.3", der.text("один")), ("2.5.4.3", der.text("другой")))
    unit = name(("2.5.4.11", der.text("Отдел")), ("2.5.4.11", der.text("BIN123456789021")))

    assert read_subject(twice).common_name == "один"
    assert read_subject(unit).bin == "123456789021"


def test_attribute_without_a_value_is_none() -> None:
    bare = der.sequence(der.set_of(der.sequence(der.oid("2.5.4.3"))))

    assert read_subject(asn1.read_der(bare)) == Subject()


# --- in what standing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("oids", "roles"),
    [
        ((f"{ROLE}.1", EMAIL), {KzRole.PERSON}),
        ((f"{ROLE}.2", f"{ROLE}.2.1"), {KzRole.LEGAL_ENTITY, KzRole.HEAD}),
        ((f"{ROLE}.2.2",), {KzRole.SIGNATORY}),
        ((f"{ROLE}.2.3",), {KzRole.FINANCE}),
        ((f"{ROLE}.2.4",), {KzRole.STAFF_OFFICE}),
        ((f"{ROLE}.2.5",), {KzRole.EMPLOYEE}),
        ((f"{ROLE}.2.6",), {KzRole.SYSTEM}),
        ((EMAIL,), set()),
    ],
)
def test_roles_of_kazakhstan_are_read(
    issue: Issue, issuing: SigningKey, oids: tuple[str, ...], roles: set[KzRole]
) -> None:
    assert roles_of(extended(issue(), issuing, purposes(*oids)).certificate) == roles


def test_certificate_without_purposes_has_no_role(issue: Issue) -> None:
    assert roles_of(issue().certificate) == frozenset()


@pytest.mark.parametrize(
    ("oids", "fit"),
    [
        ((CLIENT,), False),
        ((CLIENT, f"{ROLE}.1"), False),  # an authentication key of НУЦ РК
        ((CLIENT, f"{ROLE}.2", f"{ROLE}.2.1"), False),
        (("1.3.6.1.5.5.7.3.1", CLIENT), False),
        (("1.3.6.1.5.5.7.3.8",), False),  # a time stamp authority
        (("1.3.6.1.5.5.7.3.9",), False),  # a responder
        ((EMAIL, f"{ROLE}.1"), True),
        ((CLIENT, EMAIL), True),
        ((CLIENT, "1.2.643.2.2.34.6"), True),
        ((f"{ROLE}.2.6",), True),
    ],
)
def test_key_of_another_trade_signs_no_documents(
    issue: Issue,
    issuing: SigningKey,
    oids: tuple[str, ...],
    fit: bool,  # noqa: FBT001
) -> None:
    certificate = extended(issue(), issuing, purposes(*oids)).certificate

    assert (not list(judge_certificate(certificate, Purpose.DOCUMENT))) is fit
    assert not list(judge_certificate(certificate, Purpose.ENVELOPE))


# --- where its authority answers -----------------------------------------------------------------


def test_addresses_are_read(issue: Issue, issuing: SigningKey) -> None:
    found = extended(
        issue(),
        issuing,
        access(ocsp=[A], issuers=[B]),
        points("2.5.29.31", A, B),
        points("2.5.29.46", B),
        NO_CHECK,
    ).certificate

    assert (found.ocsp_urls, found.issuer_urls) == ((A,), (B,))
    assert (found.list_urls, found.delta_urls) == ((A, B), (B,))
    assert found.no_check
    assert not found.unknown_critical
    assert read_certificate(found.der) == found


def test_certificate_without_addresses_has_none(issue: Issue) -> None:
    found = issue().certificate

    assert (*found.ocsp_urls, *found.issuer_urls, *found.list_urls, *found.delta_urls) == ()
    assert not found.no_check


def test_point_for_some_reasons_or_of_another_issuer_is_left_out() -> None:
    full = der.explicit(0, der.explicit(0, url(A)))
    relative = der.explicit(0, der.explicit(1))

    for point in (
        der.sequence(full, der.tlv(0x81, b"\x06\x40")),
        der.sequence(full, der.explicit(2, url(B))),
        der.sequence(relative),
        der.sequence(der.explicit(2, url(B))),
    ):
        assert read_points(as_extension(der.sequence(point))) == ()


def test_only_urls_are_addresses_and_only_the_first_few() -> None:
    names = [der.tlv(0x82, b"authority.example"), der.tlv(0x86, "http://пример".encode())]
    many = [url(f"{A}{number}") for number in range(6)]
    point = der.sequence(der.explicit(0, der.explicit(0, *names, *many)))

    assert read_points(as_extension(der.sequence(point))) == tuple(f"{A}{n}" for n in range(4))


def test_access_with_something_left_over_is_malformed() -> None:
    row = der.sequence(der.oid("1.3.6.1.5.5.7.48.1"), url(A), url(B))

    with pytest.raises(MalformedMessage):
        read_access(as_extension(der.sequence(row)), "1.3.6.1.5.5.7.48.1")


def test_extension_that_comes_twice_is_malformed(issue: Issue, issuing: SigningKey) -> None:
    with pytest.raises(MalformedMessage, match="twice"):
        extended(issue(), issuing, NO_CHECK, NO_CHECK)


@pytest.mark.packs
def test_real_certificates_of_kazakhstan_are_read(packs_folder: Path) -> None:
    folder = packs_folder / "kz/pki"
    signing, authentic = (
        read_certificate(next(split_pem((folder / name).read_bytes()))[1])
        for name in (
            "individual_valid_sign_2004_rsa.cer",
            "individual_valid_sign_2004_rsa_auth.cer",
        )
    )

    assert signing.subject.iin == "123456789011"
    assert roles_of(signing) == {KzRole.PERSON}
    assert signing.ocsp_urls == ("http://test.pki.gov.kz/ocsp/",)
    assert signing.list_urls == ("http://test.pki.gov.kz/crl/nca_rsa_test.crl",)
    assert signing.delta_urls == ("http://test.pki.gov.kz/crl/nca_d_rsa_test.crl",)
    assert not list(judge_certificate(signing, Purpose.DOCUMENT))
    assert list(judge_certificate(authentic, Purpose.DOCUMENT))
