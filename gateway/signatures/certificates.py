"""A certificate as we read it: whose, what for, until when."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from asn1crypto import x509

from gateway.errors import MalformedMessage
from gateway.signatures.algorithms import KEY_OIDS, Family, SignatureAlgorithm, signature_by_oid
from gateway.signatures.backends.octets import canonical_signature, spki_algorithm

# Order of the ФСБ No. 795 on the form of qualified certificates, §§ 16-20, and RFC 5280 names.
_SUBJECT: Final = {
    "2.5.4.3": "common_name",
    "2.5.4.4": "surname",
    "2.5.4.42": "given_name",
    "2.5.4.10": "organization",
    "2.5.4.12": "title",
    "1.2.643.100.3": "snils",
    "1.2.643.100.1": "ogrn",
    "1.2.643.3.131.1.1": "inn",
    "1.2.643.100.4": "organization_inn",
}
_PEM: Final = re.compile(
    rb"-----BEGIN (CERTIFICATE|X509 CRL)-----\s*([A-Za-z0-9+/=\s]+?)-----END \1-----"
)
_MALFORMED: Final = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the certificate names; an attribute that is not there is an empty string."""

    common_name: str = ""
    surname: str = ""
    given_name: str = ""
    organization: str = ""
    title: str = ""
    snils: str = ""
    ogrn: str = ""
    inn: str = ""
    organization_inn: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What verification needs of an X.509 certificate (RFC 5280).

    `signature` is in the backend's canonical octets; `key_usage` is None when the extension is
    absent, `path_length` when there is no limit. Nothing of the subject shows in `repr`.
    """

    sha256: str
    der: bytes = field(repr=False)
    spki: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    algorithm: SignatureAlgorithm | None
    family: Family | None
    subject: Subject = field(repr=False)
    subject_name: bytes = field(repr=False)
    issuer_name: bytes = field(repr=False)
    serial: int = field(repr=False)
    not_before: datetime
    not_after: datetime
    key_usage: frozenset[str] | None
    extended_key_usage: frozenset[str] | None
    is_authority: bool
    path_length: int | None
    subject_key_id: bytes | None = field(repr=False)
    authority_key_id: bytes | None = field(repr=False)
    unknown_critical: tuple[str, ...]
    """Critical extensions that we do not understand: such a certificate must be turned away."""

    def alive(self, moment: datetime) -> bool:
        """Tell whether the moment lies within the certificate's life, both ends included."""
        return self.not_before <= moment <= self.not_after


@lru_cache(maxsize=2048)
def read_certificate(der: bytes) -> Certificate:
    """Read one DER certificate; raise MalformedMessage. The same few come again and again."""
    try:
        return _read(x509.Certificate.load(der, strict=True), der)
    except _MALFORMED as error:
        raise MalformedMessage("the certificate cannot be read") from error


def split_pem(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each certificate and CRL of a PEM file as (`CERTIFICATE` or `X509 CRL`, DER)."""
    for match in _PEM.finditer(content):
        yield match[1].decode("ascii"), base64.b64decode(match[2])


def write_pem(label: str, der: bytes) -> bytes:
    """Return the DER in PEM armour."""
    text = base64.encodebytes(der).replace(b"\n", b"")
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    mark = label.encode("ascii")
    return b"-----BEGIN " + mark + b"-----\n" + lines + b"\n-----END " + mark + b"-----\n"


_UNDERSTOOD: Final = frozenset(
    {"basic_constraints", "key_usage", "extended_key_usage", "certificate_policies"}
    | {"subject_alt_name", "key_identifier", "authority_key_identifier"}
)


def _read(parsed: x509.Certificate, der: bytes) -> Certificate:
    tbs = parsed["tbs_certificate"]
    algorithm = signature_by_oid(parsed["signature_algorithm"]["algorithm"].dotted)
    # RFC 5280 §4.1.1.2: the two must agree, or the signature is over another algorithm.
    if parsed["signature_algorithm"].dump() != tbs["signature"].dump():
        algorithm = None
    constraints = parsed.basic_constraints_value
    usage, extended = parsed.key_usage_value, parsed.extended_key_usage_value
    spki = tbs["subject_public_key_info"].dump()
    return Certificate(
        sha256=hashlib.sha256(der).hexdigest(),
        der=der,
        spki=spki,
        tbs=tbs.dump(),
        signature=canonical_signature(
            algorithm.family if algorithm else None, parsed["signature_value"].native
        ),
        algorithm=algorithm,
        family=KEY_OIDS.get(spki_algorithm(spki) or ""),
        subject=_read_subject(tbs["subject"]),
        subject_name=tbs["subject"].dump(),
        issuer_name=tbs["issuer"].dump(),
        serial=parsed.serial_number,
        not_before=tbs["validity"]["not_before"].native,
        not_after=tbs["validity"]["not_after"].native,
        key_usage=frozenset(usage.native) if usage is not None else None,
        extended_key_usage=(
            frozenset(each.dotted for each in extended) if extended is not None else None
        ),
        is_authority=constraints is not None and constraints["ca"].native,
        path_length=constraints["path_len_constraint"].native if constraints is not None else None,
        subject_key_id=parsed.key_identifier,
        authority_key_id=parsed.authority_key_identifier,
        unknown_critical=tuple(sorted(parsed.critical_extensions - _UNDERSTOOD)),
    )


def _read_subject(name: x509.Name) -> Subject:
    found: dict[str, str] = {}
    for relative in name.chosen:
        for attribute in relative:
            field_name = _SUBJECT.get(attribute["type"].dotted)
            value = attribute["value"].native
            if field_name and field_name not in found and isinstance(value, str):
                found[field_name] = value
    return Subject(**found)
