"""Signs what the authorities say, with the primitives alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from asn1crypto import algos, core, parser, pem, x509

from gateway.errors import SettingError
from gateway.signatures.algorithms import (
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
    signs_with,
)
from gateway.signatures.backends import Backend, PrivateKey


class Verbatim(x509.Certificate):  # type: ignore[misc] # asn1crypto has no types
    """A certificate that goes out as it came: asn1crypto cannot write a GOST key anew."""

    def dump(self, force: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - asn1crypto's
        """Return the octets that were loaded."""
        octets: bytes = super().dump(force=False)
        return octets


@dataclass(frozen=True)
class Hand:
    """A certificate with its key."""

    name: str
    der: bytes = field(repr=False)
    private: PrivateKey = field(repr=False)
    backend: Backend = field(repr=False)

    @cached_property
    def algorithm(self) -> SignatureAlgorithm:
        """What it signs with."""
        return signs_with(self.private.family, self.private.bits)

    @cached_property
    def certificate(self) -> x509.Certificate:
        """The certificate, to be looked into; what goes out is `der`."""
        return x509.Certificate.load(self.der)

    @cached_property
    def subject(self) -> bytes:
        """The DER Name as it stands in the certificate."""
        return bytes(self.certificate.subject.dump())

    @cached_property
    def issuer(self) -> bytes:
        """The DER Name of who issued it."""
        return bytes(self.certificate.issuer.dump())

    @cached_property
    def serial(self) -> int:
        """Its number."""
        return int(self.certificate.serial_number)

    @cached_property
    def key_bits(self) -> bytes:
        """The subjectPublicKey without its count of unused bits: what CertID hashes (§4.1.1)."""
        members = parser.parse(self.private.spki, strict=True)[4]
        head = parser.parse(members)
        bit_string = parser.parse(members[len(head[3]) + len(head[4]) :], strict=True)[4]
        return bytes(bit_string[1:])

    @cached_property
    def key_id(self) -> bytes:
        """SHA-1 of the key, by which a responder names itself (RFC 6960 §4.2.1)."""
        return hashlib.sha1(self.key_bits, usedforsecurity=False).digest()

    @cached_property
    def subject_key_identifier(self) -> bytes:
        """The identifier that its certificate gives its key."""
        return bytes(self.certificate.key_identifier)

    def identifier(self) -> algos.SignedDigestAlgorithm:
        """Return the AlgorithmIdentifier of what it signs."""
        parts: dict[str, object] = {"algorithm": self.algorithm.oid}
        if self.private.family is Family.RSA:
            parts["parameters"] = core.Null()  # RFC 4055 §5; the others have none
        return algos.SignedDigestAlgorithm(parts)

    def sign(self, content: bytes, *, broken: bool = False) -> bytes:
        """Return the signature as ASN.1 carries it; a broken one differs in its last bit."""
        made = _on_the_wire(
            self.private.family, self.backend.sign(self.private, self.algorithm, content)
        )
        return made[:-1] + bytes((made[-1] ^ broken,))


def _on_the_wire(family: Family, canonical: bytes) -> bytes:
    """Return ECDSA as SEQUENCE { r, s } (RFC 3279 §2.2.3), НУЦ РК turned, the others as is."""
    if family is Family.GOST_512_KZ:
        return canonical[::-1]
    if family is not Family.EC:
        return canonical
    half = len(canonical) // 2
    r, s = (int.from_bytes(part) for part in (canonical[:half], canonical[half:]))
    return bytes(algos.DSASignature({"r": r, "s": s}).dump())


def digest_identifier(algorithm: DigestAlgorithm) -> algos.DigestAlgorithm:
    """Return the AlgorithmIdentifier of a hash, without parameters (RFC 5754 §2)."""
    return algos.DigestAlgorithm({"algorithm": algorithm.oid})


def read_hand(folder: Path, name: str, backend: Backend) -> Hand:
    """Read NAME.key.pem and NAME.cert.pem. Raises SettingError, CryptoUnavailable."""
    try:
        key = (folder / f"{name}.key.pem").read_bytes()
        armour = (folder / f"{name}.cert.pem").read_bytes()
        _label, _headers, der = pem.unarmor(armour)
    except (OSError, ValueError) as error:
        raise SettingError(f"the test PKI has no {name}: {error}", where="pki.folder") from error
    return Hand(name, bytes(der), backend.load_private(key), backend)
