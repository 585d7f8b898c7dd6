"""Writes CMS containers with one thing wrong, from the standard and not from our signer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.signatures import der
from gateway.signatures.algorithms import (
    DigestAlgorithm,
    Family,
)
from gateway.signatures.backends.octets import wire_signature
from gateway.signatures.keys import SigningKey

DATA = der.oid("1.2.840.113549.1.7.1")
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_KEYS = {Family.RSA: "1.2.840.113549.1.1.1", Family.GOST_256: "1.2.643.7.1.1.1.1"}


@dataclass(frozen=True)
class Forgery:
    """A well-made signature; change one field and it is broken."""

    content: bytes
    key: SigningKey
    at: datetime
    attributes: dict[str, bytes | Sequence[bytes]] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    stray: tuple[bytes, ...] = ()
    unordered: bool = False
    unsigned: bool = False
    attached: bool = False
    certificates: tuple[bytes, ...] | None = None
    sid: bytes = b""
    digest: DigestAlgorithm | None = None
    digest_oid: str = ""
    signature_oid: str = ""
    signers: int = 1
    content_type: bytes = DATA
    tail: bytes = b""
    announced: bytes | None = None
    value: Callable[[bytes], bytes] = lambda octets: octets
    content_inside: bytes | None = None

    def but(self, **changes: object) -> Forgery:
        return replace(self, **changes)  # type: ignore[arg-type] # the dataclass checks names

    def write(self) -> bytes:
        inside = der.octets(self.content) if self.content_inside is None else self.content_inside
        content = [der.explicit(0, inside)] if self.attached else []
        announced = der.sequence(self._digest_oid()) if self.announced is None else self.announced
        certificates = (
            (self.key.certificate.der,) if self.certificates is None else self.certificates
        )
        return der.sequence(
            der.oid("1.2.840.113549.1.7.2"),
            der.explicit(
                0,
                der.sequence(
                    der.integer(1),
                    der.set_of(announced),
                    der.sequence(self.content_type, *content),
                    *([der.explicit(0, *certificates)] if certificates else []),
                    der.tlv(0x31, *[self._signer()] * self.signers),
                ),
            ),
        )

    def _digest(self) -> DigestAlgorithm:
        return self.digest or self.key.algorithm.digest

    def _digest_oid(self) -> bytes:
        return der.oid(self.digest_oid or self._digest().oid)

    def _hash(self, octets: bytes) -> bytes:
        name = self._digest().name
        if name.startswith(("sha-", "md5")):
            return hashlib.new(name.replace("-", ""), octets).digest()
        return self.key.backend.digest(self._digest(), octets)

    def _signer(self) -> bytes:
        certificate, family = self.key.certificate, self.key.algorithm.family
        attributes = self._attributes()
        made = self.key.sign(self.content if self.unsigned else attributes)
        oid = self.signature_oid or _KEYS.get(family, self.key.algorithm.oid)
        named = der.sequence(certificate.issuer_name, der.integer(certificate.serial))
        return der.sequence(
            der.integer(1),
            self.sid or named,
            der.sequence(self._digest_oid()),
            b"" if self.unsigned else b"\xa0" + attributes[1:],
            der.sequence(der.oid(oid)),
            der.octets(self.value(wire_signature(family, made))),
            self.tail,
        )

    def _attributes(self) -> bytes:
        values: dict[str, bytes | Sequence[bytes]] = {
            CONTENT_TYPE: DATA,
            MESSAGE_DIGEST: der.octets(self._hash(self.content)),
            SIGNING_TIME: der.time(self.at),
            SIGNING_CERTIFICATE_V2: self.reference(self.key.certificate.der),
            **self.attributes,
        }
        rows = [
            der.sequence(
                der.oid(oid), der.set_of(*([value] if isinstance(value, bytes) else value))
            )
            for oid, value in values.items()
            if oid not in self.without
            for _ in range(2 if oid in self.repeated else 1)
        ]
        rows += self.stray
        if self.unordered:
            return der.tlv(0x31, *sorted(rows, reverse=True))
        return der.set_of(*rows)

    def reference(self, certificate: bytes, digest: bytes | None = None) -> bytes:
        """Return SigningCertificateV2 that names its hash even where that is the default."""
        identifier = der.sequence(digest or der.oid(self._digest().oid))
        return der.sequence(
            der.sequence(der.sequence(identifier, der.octets(self._hash(certificate))))
        )
