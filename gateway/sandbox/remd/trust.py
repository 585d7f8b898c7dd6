"""Certificates: what they say, and whether they chain to what the sandbox trusts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from asn1crypto import algos, crl, parser, pem, x509

from gateway.errors import CryptoUnavailable, MalformedMessage, SettingError
from gateway.signatures.algorithms import (
    MINIMUM_RSA_BITS,
    Family,
    SignatureAlgorithm,
    signature_by_oid,
)
from gateway.signatures.backends import Backend

OGRN = "1.2.643.100.1"  # приказ ФСБ 27.12.2011 № 795: attributes of the subject
SNILS = "1.2.643.100.3"
ORGANIZATION_NAME = "2.5.4.10"
COMMON_NAME = "2.5.4.3"
LONGEST_CHAIN = 5
_VERSION_TAG, _INTEGER_TAG = 0xA0, 0x02


class Standing(StrEnum):
    """What a certificate is worth at a moment."""

    GOOD = "good"
    STRANGER = "stranger"
    """No chain to a trusted root, or a broken one."""
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    """The revocation list of its authority is out of date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate, read."""

    der: bytes = field(repr=False)
    spki: bytes = field(repr=False)
    sha256: str
    issuer: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    serial: int
    not_before: datetime
    not_after: datetime
    attributes: dict[str, str] = field(repr=False)
    """The subject's, by dotted OID."""
    may_sign: bool
    """Its key usage has digitalSignature or nonRepudiation."""
    may_issue: bool
    algorithm: str
    tbs: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def ogrn(self) -> str:
        """Return the ОГРН of the organisation, if it is one's."""
        return self.attributes.get(OGRN, "")

    @property
    def snils(self) -> str:
        """Return the СНИЛС of the person, digits only, if it is one's."""
        return "".join(filter(str.isdigit, self.attributes.get(SNILS, "")))


@lru_cache(maxsize=1024)
def read_certificate(der: bytes) -> Certificate:
    """Read a DER certificate. Raises MalformedMessage.

    What was read is kept: the same few come again and again, and reading is the costliest part.
    """
    try:
        read = x509.Certificate.load(der, strict=True)
        tbs = split(der)[0]
        parts = split(tbs)
        serial = 1 if parts[0][0] == _VERSION_TAG else 0  # version is optional before it
        usage = read.key_usage_value
        named = set() if usage is None else usage.native
        constraints = read.basic_constraints_value
        return Certificate(
            der=der,
            spki=parts[serial + 5],
            sha256=hashlib.sha256(der).hexdigest(),
            issuer=parts[serial + 2],
            subject=parts[serial + 4],
            serial=read.serial_number,
            not_before=read.not_valid_before,
            not_after=read.not_valid_after,
            attributes={
                pair["type"].dotted: str(pair["value"].native)
                for part in read.subject.chosen
                for pair in part
            },
            may_sign=usage is None or bool(named & {"digital_signature", "non_repudiation"}),
            may_issue=bool(constraints and constraints["ca"].native)
            and (usage is None or "key_cert_sign" in named),
            algorithm=read["signature_algorithm"]["algorithm"].dotted,
            tbs=tbs,
            signature=read["signature_value"].native,
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise MalformedMessage("the certificate cannot be read") from error


def split(der: bytes) -> list[bytes]:
    """Return what a SEQUENCE holds, as it is written: what was signed. Raises ValueError."""
    return pieces(parser.parse(der, strict=True)[4])


def pieces(contents: bytes) -> list[bytes]:
    """Return the values that stand one after another. Raises ValueError."""
    parts, place = [], 0
    while place < len(contents):
        _, _, _, header, content, trailer = parser.parse(contents[place:])
        end = place + len(header) + len(content) + len(trailer)
        parts.append(contents[place:end])
        place = end
    return parts


def unarmor(octets: bytes) -> list[bytes]:
    """Return the DER of what is in a file, PEM or DER. Raises MalformedMessage."""
    if not pem.detect(octets):
        return [octets]
    try:
        return [der for _label, _headers, der in pem.unarmor(octets, multiple=True)]
    except ValueError as error:
        raise MalformedMessage("the PEM cannot be read") from error


def as_octets(algorithm: SignatureAlgorithm, signature: bytes) -> bytes | None:
    """Return the canonical octets of a signature in ASN.1: ECDSA is SEQUENCE { r, s } there."""
    if algorithm.family is not Family.EC:
        return signature
    try:
        pair = algos.DSASignature.load(signature, strict=True)
        return b"".join(int(pair[name].native).to_bytes(32, "big") for name in ("r", "s"))
    except (ValueError, TypeError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class _Revocations:
    next_update: datetime | None
    serials: frozenset[int]


class Trust:
    """The trusted folder, and every chain that was built to it."""

    def __init__(self, folder: Path, backend: Backend) -> None:
        self._backend = backend
        self._authorities: dict[bytes, list[Certificate]] = {}
        self._lists: dict[bytes, _Revocations] = {}
        self._chains: dict[str, tuple[Certificate, ...]] = {}
        lists = []
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            for der in _read(path):
                try:
                    authority = read_certificate(der)
                except MalformedMessage:
                    lists.append(der)
                else:
                    self._authorities.setdefault(authority.subject, []).append(authority)
        for der in lists:
            self._add_list(der)
        if not self._authorities:
            raise SettingError("no certificate in the trusted folder", where="remd.trust")

    def judge(self, certificate: Certificate, moment: datetime) -> Standing:
        """Return what the certificate is worth at the moment.

        A list of revoked certificates that is not in the folder is not missed; one that is out
        of date is.
        """
        chain = self._chains.get(certificate.sha256)
        if chain is None:
            chain = self._chains[certificate.sha256] = self._build(certificate)
        if not chain:
            return Standing.STRANGER
        if any(moment < link.not_before for link in chain):
            return Standing.NOT_YET_VALID
        if any(moment > link.not_after for link in chain):
            return Standing.EXPIRED
        return self._judge_revocation(chain, moment)

    def _judge_revocation(self, chain: tuple[Certificate, ...], moment: datetime) -> Standing:
        for link in chain[:-1]:
            revocations = self._lists.get(link.issuer)
            if revocations is None:
                continue
            if link.serial in revocations.serials:
                return Standing.REVOKED
            if revocations.next_update is not None and moment > revocations.next_update:
                return Standing.UNKNOWN
        return Standing.GOOD

    def _build(self, certificate: Certificate) -> tuple[Certificate, ...]:
        chain = [certificate]
        while len(chain) <= LONGEST_CHAIN:
            last = chain[-1]
            if last.issuer == last.subject:
                known = {one.sha256 for one in self._authorities.get(last.subject, ())}
                return tuple(chain) if last.sha256 in known and self._holds(last, last) else ()
            issuer = next(
                (
                    one
                    for one in self._authorities.get(last.issuer, ())
                    if one.may_issue and self._holds(last, one)
                ),
                None,
            )
            if issuer is None:
                return ()
            chain.append(issuer)
        return ()

    def _holds(self, certificate: Certificate, issuer: Certificate) -> bool:
        return verify_by(
            self._backend, issuer, certificate.algorithm, certificate.signature, certificate.tbs
        )

    def _add_list(self, der: bytes) -> None:
        try:
            read = crl.CertificateList.load(der, strict=True)
            tbs = read["tbs_cert_list"]
            signed = split(der)[0]
            parts = split(signed)
            issuer = parts[2 if parts[0][0] == _INTEGER_TAG else 1]  # version is optional
            algorithm = read["signature_algorithm"]["algorithm"].dotted
            revoked = tbs["revoked_certificates"]
            serials = frozenset(int(one["user_certificate"].native) for one in revoked or ())
            next_update = tbs["next_update"].native
            signature = read["signature"].native
        except (ValueError, TypeError, KeyError, IndexError):
            return  # a README in the folder is no list
        for authority in self._authorities.get(issuer, ()):
            if verify_by(self._backend, authority, algorithm, signature, signed):
                self._lists[issuer] = _Revocations(next_update, serials)


def verify_by(
    backend: Backend, certificate: Certificate, oid: str, signature: bytes, content: bytes
) -> bool:
    """Tell whether the certificate's key made this ASN.1 signature; forbidden means no."""
    algorithm = signature_by_oid(oid)
    if algorithm is None or algorithm.refused:
        return False
    octets = as_octets(algorithm, signature)
    try:
        key = backend.load_public(certificate.spki)
        if key.family is Family.RSA and key.bits < MINIMUM_RSA_BITS:
            return False
        return octets is not None and backend.verify(key, algorithm, octets, content)
    except (CryptoUnavailable, MalformedMessage):
        return False


def _read(path: Path) -> list[bytes]:
    try:
        return unarmor(path.read_bytes())
    except (OSError, MalformedMessage):
        return []
