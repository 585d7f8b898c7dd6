"""Every algorithm we know by name, and whether it may be used.

One row serves certificates, CMS and XML alike. What is broken stands in the table too, with the
reason why it is turned away: an unknown algorithm and a forbidden one are different findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"
_CRYPTOPRO = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
_KZ = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"


class Family(StrEnum):
    """What kind of key it takes; the digest must come from the same family."""

    RSA = "rsa"
    EC = "ec"
    GOST_256 = "gost-256"
    GOST_512 = "gost-512"
    GOST_2001 = "gost-2001"
    GOST_512_KZ = "gost-512-kz"
    """The curve and the hash of GOST-512 under OIDs of its own, octets reversed."""
    GOST_2004_KZ = "gost-2004-kz"


class Country(StrEnum):
    """Whose law names an algorithm; the others belong to nobody."""

    NONE = ""
    RUSSIA = "ru"
    KAZAKHSTAN = "kz"


class Octets(StrEnum):
    """How a signature value lies in ASN.1 and XML."""

    PLAIN = "plain"
    """As the backends give it: RSA one number, GOST s‖r, each big-endian (RFC 9215 §2.2)."""
    NUMBERS = "numbers"
    """Two numbers: a SEQUENCE in ASN.1 (RFC 5753 §7.2), r‖s in XML (RFC 4050 §3.3)."""
    REVERSED = "reversed"
    """The plain octets from the last to the first, in ASN.1 and in XML."""


OCTETS: Final = {Family.EC: Octets.NUMBERS, Family.GOST_512_KZ: Octets.REVERSED}
"""By the family of the key; PLAIN where nothing is said. One order a family, no second try."""


@dataclass(frozen=True, slots=True)
class DigestAlgorithm:
    """A hash: `oid` in ASN.1, `uri` in XML, `size` of its output in bytes."""

    name: str
    oid: str
    uri: str
    size: int
    refused: str = ""
    """Why it must not be used; empty when it may."""


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """A hash and a key family together: `oid` in ASN.1, `uri` in XML."""

    name: str
    oid: str
    uri: str
    digest: DigestAlgorithm
    family: Family
    refused: str = ""
    """Why it must not be used; empty when it may."""
    country: Country = Country.NONE
    since: date | None = None
    """First day on which it may be used; None: always could."""
    until: date | None = None
    """Last day on which it may be used; None: still may."""


_BROKEN_HASH = "collisions can be made"
_WITHDRAWN = "withdrawn in favour of GOST R 34.10-2012"
_WITHDRAWN_KZ = "withdrawn in favour of GOST 34.10-2015; its authority is closed"
_IN_FORCE = date(2013, 1, 1)  # GOST R 34.10-2012 and 34.11-2012, orders of Rosstandart 215 and 216

SHA_256: Final = DigestAlgorithm("sha-256", "2.16.840.1.101.3.4.2.1", _ENC + "sha256", 32)
SHA_384: Final = DigestAlgorithm("sha-384", "2.16.840.1.101.3.4.2.2", _MORE + "sha384", 48)
SHA_512: Final = DigestAlgorithm("sha-512", "2.16.840.1.101.3.4.2.3", _ENC + "sha512", 64)
STREEBOG_256: Final = DigestAlgorithm(  # RFC 6986; OIDs of RFC 9215 §4
    "streebog-256", "1.2.643.7.1.1.2.2", _CRYPTOPRO + "gostr34112012-256", 32
)
STREEBOG_512: Final = DigestAlgorithm(
    "streebog-512", "1.2.643.7.1.1.2.3", _CRYPTOPRO + "gostr34112012-512", 64
)
SHA_1: Final = DigestAlgorithm("sha-1", "1.3.14.3.2.26", _DSIG + "sha1", 20, _BROKEN_HASH)
MD5: Final = DigestAlgorithm("md5", "1.2.840.113549.2.5", _MORE + "md5", 16, _BROKEN_HASH)
GOST_94: Final = DigestAlgorithm(
    "gost-94", "1.2.643.2.2.9", _CRYPTOPRO + "gostr3411", 32, _WITHDRAWN
)
STREEBOG_512_KZ: Final = DigestAlgorithm(  # the hash of STREEBOG_512, under НУЦ РК's names
    "streebog-512-kz", "1.2.398.3.10.1.3.3", _KZ + "gostr34112015-512", 64
)
GOST_95_KZ: Final = DigestAlgorithm(
    "gost-95-kz", "1.2.398.3.10.1.3.1", _MORE + "gost34311", 32, _WITHDRAWN_KZ
)

DIGESTS: Final = (
    *(SHA_256, SHA_384, SHA_512, STREEBOG_256, STREEBOG_512, STREEBOG_512_KZ),
    *(SHA_1, MD5, GOST_94, GOST_95_KZ),
)

RSA_SHA256: Final = SignatureAlgorithm(
    "rsa-sha256", "1.2.840.113549.1.1.11", _MORE + "rsa-sha256", SHA_256, Family.RSA
)
RSA_SHA384: Final = SignatureAlgorithm(
    "rsa-sha384", "1.2.840.113549.1.1.12", _MORE + "rsa-sha384", SHA_384, Family.RSA
)
RSA_SHA512: Final = SignatureAlgorithm(
    "rsa-sha512", "1.2.840.113549.1.1.13", _MORE + "rsa-sha512", SHA_512, Family.RSA
)
ECDSA_SHA256: Final = SignatureAlgorithm(
    "ecdsa-sha256", "1.2.840.10045.4.3.2", _MORE + "ecdsa-sha256", SHA_256, Family.EC
)
ECDSA_SHA384: Final = SignatureAlgorithm(
    "ecdsa-sha384", "1.2.840.10045.4.3.3", _MORE + "ecdsa-sha384", SHA_384, Family.EC
)
GOST_256: Final = SignatureAlgorithm(
    "gost-256",
    "1.2.643.7.1.1.3.2",
    _CRYPTOPRO + "gostr34102012-gostr34112012-256",
    STREEBOG_256,
    Family.GOST_256,
    country=Country.RUSSIA,
    since=_IN_FORCE,
)
GOST_512: Final = SignatureAlgorithm(
    "gost-512",
    "1.2.643.7.1.1.3.3",
    _CRYPTOPRO + "gostr34102012-gostr34112012-512",
    STREEBOG_512,
    Family.GOST_512,
    country=Country.RUSSIA,
    since=_IN_FORCE,
)
GOST_512_KZ: Final = SignatureAlgorithm(  # ГОСТ 34.10-2015; id-tc26-gost-3410-12-512-paramSetA
    "gost-512-kz",
    "1.2.398.3.10.1.1.2.3.2",
    _KZ + "gostr34102015-gostr34112015-512",
    STREEBOG_512_KZ,
    Family.GOST_512_KZ,
    country=Country.KAZAKHSTAN,
)
RSA_SHA1: Final = SignatureAlgorithm(
    "rsa-sha1", "1.2.840.113549.1.1.5", _DSIG + "rsa-sha1", SHA_1, Family.RSA, _BROKEN_HASH
)
"""Refused, but a partner's allow-list may admit it by name: ИПС has answered with it."""
RSA_MD5: Final = SignatureAlgorithm(
    "rsa-md5", "1.2.840.113549.1.1.4", _MORE + "rsa-md5", MD5, Family.RSA, _BROKEN_HASH
)
ECDSA_SHA1: Final = SignatureAlgorithm(
    "ecdsa-sha1", "1.2.840.10045.4.1", _MORE + "ecdsa-sha1", SHA_1, Family.EC, _BROKEN_HASH
)
GOST_2001: Final = SignatureAlgorithm(
    "gost-2001",
    "1.2.643.2.2.3",
    _CRYPTOPRO + "gostr34102001-gostr3411",
    GOST_94,
    Family.GOST_2001,
    _WITHDRAWN,
    country=Country.RUSSIA,
    until=date(2019, 12, 31),
)
GOST_2004_KZ: Final = SignatureAlgorithm(
    "gost-2004-kz",
    "1.2.398.3.10.1.1.1.2",
    _MORE + "gost34310-gost34311",
    GOST_95_KZ,
    Family.GOST_2004_KZ,
    _WITHDRAWN_KZ,
    country=Country.KAZAKHSTAN,
)

SIGNATURES: Final = (
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    ECDSA_SHA256,
    ECDSA_SHA384,
    GOST_256,
    GOST_512,
    GOST_512_KZ,
    RSA_SHA1,
    RSA_MD5,
    ECDSA_SHA1,
    GOST_2001,
    GOST_2004_KZ,
)
ALLOWED: Final = frozenset(row for row in SIGNATURES if not row.refused)
"""What a verifier admits when nobody says otherwise."""

KEY_OIDS: Final = {
    "1.2.840.113549.1.1.1": Family.RSA,
    "1.2.840.10045.2.1": Family.EC,
    "1.2.643.7.1.1.1.1": Family.GOST_256,
    "1.2.643.7.1.1.1.2": Family.GOST_512,
    "1.2.643.2.2.19": Family.GOST_2001,
    "1.2.398.3.10.1.1.2.2": Family.GOST_512_KZ,
    "1.2.398.3.10.1.1.1.1": Family.GOST_2004_KZ,
}
"""The algorithm of a SubjectPublicKeyInfo; CMS signers may name it as signature algorithm too."""

DEFAULTS: Final = {
    Family.RSA: RSA_SHA256,
    Family.EC: ECDSA_SHA256,
    Family.GOST_256: GOST_256,
    Family.GOST_512: GOST_512,
    Family.GOST_512_KZ: GOST_512_KZ,
}
"""What we sign with, by the family of our key; `signs_with` knows the curves apart."""

MINIMUM_RSA_BITS: Final = 2048

_DIGESTS_BY_OID = {row.oid: row for row in DIGESTS}
_DIGESTS_BY_URI = {row.uri: row for row in DIGESTS}
_BY_OID = {row.oid: row for row in SIGNATURES}
_BY_URI = {row.uri: row for row in SIGNATURES}
_BY_NAME = {row.name: row for row in SIGNATURES}
_BY_PARTS = {(row.family, row.digest): row for row in SIGNATURES}


def signs_with(family: Family, bits: int) -> SignatureAlgorithm:
    """Return what a key of this family and size signs with; raise KeyError for a refused family.

    A hash is as wide as the curve (FIPS 186-5 §6.1.1).
    """
    return ECDSA_SHA384 if family is Family.EC and bits > 256 else DEFAULTS[family]


def digest_by_oid(oid: str) -> DigestAlgorithm | None:
    """Return the hash with this OID, refused ones included, or None if we do not know it."""
    return _DIGESTS_BY_OID.get(oid)


def digest_by_uri(uri: str) -> DigestAlgorithm | None:
    """Return the hash with this XML-DSig URI, refused ones included, or None."""
    return _DIGESTS_BY_URI.get(uri)


def signature_by_oid(oid: str) -> SignatureAlgorithm | None:
    """Return the signature algorithm with this OID, refused ones included, or None."""
    return _BY_OID.get(oid)


def signature_by_uri(uri: str) -> SignatureAlgorithm | None:
    """Return the signature algorithm with this XML-DSig URI, refused ones included, or None."""
    return _BY_URI.get(uri)


def signatures_by_name(names: Iterable[str]) -> frozenset[SignatureAlgorithm]:
    """Return the algorithms a setting names; raise KeyError with the first unknown name."""
    return frozenset(_BY_NAME[name] for name in names)


def signature_in_cms(signature_oid: str, digest_oid: str) -> SignatureAlgorithm | None:
    """Return what a SignerInfo means by its two OIDs; None if unknown or contradicting.

    RFC 5652 §10.1.2, RFC 9215 §3: signers write the combined OID or that of the key alone.
    """
    digest = _DIGESTS_BY_OID.get(digest_oid)
    if digest is None:
        return None
    family = KEY_OIDS.get(signature_oid)
    if family is not None:
        return _BY_PARTS.get((family, digest))
    row = _BY_OID.get(signature_oid)
    return row if row is not None and row.digest is digest else None
