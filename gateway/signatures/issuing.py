"""Writes certificates and revocation lists of the test PKI (RFC 5280, RFC 9215).

In process and in any family: no tool of the system knows GOST without its configuration changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.signatures import der
from gateway.signatures.algorithms import signs_with
from gateway.signatures.backends import Backend, PrivateKey
from gateway.signatures.backends.octets import wire_signature
from gateway.signatures.identifiers import signature_identifier

KEY_USAGES: Final = {  # RFC 5280 §4.2.1.3
    "digital_signature": 0,
    "non_repudiation": 1,
    "key_encipherment": 2,
    "data_encipherment": 3,
    "key_agreement": 4,
    "key_cert_sign": 5,
    "crl_sign": 6,
}
EXTENDED_KEY_USAGES: Final = {  # RFC 5280 §4.2.1.12
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "time_stamping": "1.3.6.1.5.5.7.3.8",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    # НУЦ РК: whose certificate it is, and in which role.
    "kz_person": "1.2.398.3.3.4.1.1",
    "kz_legal_entity": "1.2.398.3.3.4.1.2",
    "kz_head": "1.2.398.3.3.4.1.2.1",
    "kz_may_sign": "1.2.398.3.3.4.1.2.2",
    "kz_finance": "1.2.398.3.3.4.1.2.3",
    "kz_personnel": "1.2.398.3.3.4.1.2.4",
    "kz_employee": "1.2.398.3.3.4.1.2.5",
    "kz_system": "1.2.398.3.3.4.1.2.6",
}
REASONS: Final = {  # RFC 5280 §5.3.1
    "unspecified": 0,
    "key_compromise": 1,
    "ca_compromise": 2,
    "affiliation_changed": 3,
    "superseded": 4,
    "cessation_of_operation": 5,
    "certificate_hold": 6,
}
_NAMES: Final = {  # order of the ФСБ No. 795, §§ 16-20; НУЦ РК: unit, serial number, user id
    "country": ("2.5.4.6", der.printable),
    "region": ("2.5.4.8", der.text),
    "city": ("2.5.4.7", der.text),
    "street": ("2.5.4.9", der.text),
    "organization": ("2.5.4.10", der.text),
    "unit": ("2.5.4.11", der.text),
    "title": ("2.5.4.12", der.text),
    "ogrn": ("1.2.643.100.1", der.numeric),
    "organization_inn": ("1.2.643.100.4", der.numeric),
    "snils": ("1.2.643.100.3", der.numeric),
    "inn": ("1.2.643.3.131.1.1", der.numeric),
    "surname": ("2.5.4.4", der.text),
    "given_name": ("2.5.4.42", der.text),
    "serial_number": ("2.5.4.5", der.printable),
    "user_id": ("0.9.2342.19200300.100.1.1", der.text),
    "common_name": ("2.5.4.3", der.text),
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where an authority is to be asked, as its certificates tell: URLs, empty for none."""

    ocsp: str = ""
    certificate: str = ""
    crl: str = ""
    delta_crl: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What stands in a certificate; `subject` is a DER Name, `path_length` None for no limit."""

    subject: bytes
    spki: bytes
    not_before: datetime
    not_after: datetime
    authority: bool = False
    path_length: int | None = None
    key_usage: tuple[str, ...] = ()
    extended_key_usage: tuple[str, ...] = ()
    purpose_is_critical: bool = False
    """RFC 3161 §2.3 wants it of a time-stamping authority."""
    no_check: bool = False
    """An OCSP responder whose own revocation is not asked for (RFC 6960 §4.2.2.2.1)."""
    policy: str = ""
    places: Places = field(default_factory=Places)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs certificates: a DER Name and a key."""

    name: bytes
    private: PrivateKey
    backend: Backend = field(repr=False)

    def sign(self, tbs: bytes) -> bytes:
        """Return SEQUENCE { tbs, algorithm, signature }: a certificate or a CRL."""
        algorithm = signs_with(self.private.family, self.private.bits)
        made = self.backend.sign(self.private, algorithm, tbs)
        return der.sequence(
            tbs,
            signature_identifier(algorithm),
            der.bits(wire_signature(algorithm.family, made)),
        )

    @property
    def identifier(self) -> bytes:
        """The AlgorithmIdentifier that stands inside what is signed."""
        return signature_identifier(signs_with(self.private.family, self.private.bits))


@dataclass(frozen=True, slots=True)
class Revocation:
    """One line of a revocation list."""

    serial: int
    since: datetime
    reason: str


def make_name(**attributes: str) -> bytes:
    """Return a DER Name of the attributes that are not empty, in the table's order."""
    return der.sequence(
        *(
            der.set_of(der.sequence(der.oid(oid), write(attributes[name])))
            for name, (oid, write) in _NAMES.items()
            if attributes.get(name)
        )
    )


def make_certificate(template: Template, issuer: Issuer) -> bytes:
    """Return a DER certificate; its serial number is drawn from the public key."""
    return issuer.sign(make_tbs(template, issuer))


def make_tbs(template: Template, issuer: Issuer) -> bytes:
    """Return the TBSCertificate: all of a certificate but its signature."""
    return der.sequence(
        der.explicit(0, der.integer(2)),
        der.integer(int.from_bytes(_fingerprint(template.spki)[:16], "big") | 1 << 120),
        issuer.identifier,
        issuer.name,
        der.sequence(der.time(template.not_before), der.time(template.not_after)),
        template.subject,
        template.spki,
        der.explicit(3, der.sequence(*_extensions(template, issuer))),
    )


def make_crl(
    issuer: Issuer,
    revoked: Sequence[Revocation],
    this_update: datetime,
    next_update: datetime,
    *,
    keeps_since: datetime | None = None,
) -> bytes:
    """Return a DER revocation list, numbered by the second of its making.

    `keeps_since`: lines of certificates that ended then or later are kept (expiredCertsOnCRL).
    """
    kept = [] if keeps_since is None else [_extension("2.5.29.60", _generalized(keeps_since))]
    entries = [_entry(each) for each in revoked]
    return issuer.sign(
        der.sequence(
            der.integer(1),
            issuer.identifier,
            issuer.name,
            der.time(this_update),
            der.time(next_update),
            *([der.sequence(*entries)] if entries else []),
            der.explicit(
                0,
                der.sequence(
                    _authority_key(issuer),
                    _extension("2.5.29.20", der.integer(int(this_update.timestamp()))),
                    *kept,
                ),
            ),
        )
    )


def _generalized(moment: datetime) -> bytes:
    return der.tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def _entry(revocation: Revocation) -> bytes:
    reason = _extension("2.5.29.21", der.enumerated(REASONS[revocation.reason]))
    return der.sequence(
        der.integer(revocation.serial), der.time(revocation.since), der.sequence(reason)
    )


def _extensions(template: Template, issuer: Issuer) -> Iterable[bytes]:
    if template.authority:
        limit = () if template.path_length is None else (der.integer(template.path_length),)
        yield _extension("2.5.29.19", der.sequence(der.TRUE, *limit), critical=True)
    usage = der.named_bits(*(KEY_USAGES[name] for name in template.key_usage))
    yield _extension("2.5.29.15", usage, critical=True)
    if template.extended_key_usage:
        purposes = (der.oid(EXTENDED_KEY_USAGES[name]) for name in template.extended_key_usage)
        yield _extension(
            "2.5.29.37", der.sequence(*purposes), critical=template.purpose_is_critical
        )
    yield _extension("2.5.29.14", der.octets(_fingerprint(template.spki)))
    yield _authority_key(issuer)
    if template.policy:
        yield _extension("2.5.29.32", der.sequence(der.sequence(der.oid(template.policy))))
    if template.no_check:
        yield _extension("1.3.6.1.5.5.7.48.1.5", der.NULL)
    yield from _where_to_ask(template.places)


def _where_to_ask(places: Places) -> Iterable[bytes]:
    """Yield AIA, CDP and freshestCRL (RFC 5280 §§ 4.2.2.1, 4.2.1.13, 4.2.1.15)."""
    ways = (("1.3.6.1.5.5.7.48.1", places.ocsp), ("1.3.6.1.5.5.7.48.2", places.certificate))
    access = [der.sequence(der.oid(method), _url(url)) for method, url in ways if url]
    if access:
        yield _extension("1.3.6.1.5.5.7.1.1", der.sequence(*access))
    for oid, url in (("2.5.29.31", places.crl), ("2.5.29.46", places.delta_crl)):
        if url:
            full_name = der.explicit(0, der.explicit(0, _url(url)))
            yield _extension(oid, der.sequence(der.sequence(full_name)))


def _url(url: str) -> bytes:
    """Return a GeneralName of the kind uniformResourceIdentifier."""
    return der.tlv(0x86, url.encode("ascii"))


def _authority_key(issuer: Issuer) -> bytes:
    return _extension("2.5.29.35", der.sequence(der.tlv(0x80, _fingerprint(issuer.private.spki))))


def _extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(oid), *([der.TRUE] if critical else []), der.octets(value))


def _fingerprint(spki: bytes) -> bytes:
    """Return the key identifier: RFC 7093 §2, method 1 over the whole SubjectPublicKeyInfo."""
    return hashlib.sha256(spki).digest()[:20]
