"""Writes OCSP answers, honest ones and others: the judge here is the reader under test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.signatures import der
from gateway.signatures.algorithms import SHA_1, SHA_256
from gateway.signatures.backends.octets import wire_signature
from gateway.signatures.certificates import Certificate
from gateway.signatures.identifiers import signature_identifier
from gateway.signatures.keys import SigningKey
from tests.signatures.conftest import NOON

NONCE = "1.3.6.1.5.5.7.48.1.2"
HASHES = {SHA_1.oid: hashlib.sha1, SHA_256.oid: hashlib.sha256}
GOOD = der.tlv(0x80)
UNKNOWN = der.tlv(0x82)


def moment(at: datetime) -> bytes:
    return der.tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(oid), *([der.TRUE] if critical else []), der.octets(value))


def revoked(since: datetime, reason: int | None = None) -> bytes:
    why = () if reason is None else (der.explicit(0, der.enumerated(reason)),)
    return der.tlv(0xA1, moment(since), *why)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer says; every part may be put wrong."""

    responder: SigningKey
    certificate: Certificate
    issuer: Certificate
    status: bytes = GOOD
    hash_oid: str = SHA_1.oid
    this_update: datetime = NOON - timedelta(minutes=1)
    next_update: datetime | None = None
    produced_at: datetime = NOON - timedelta(minutes=1)
    nonce: bytes = b""
    by_key: bool = False
    carries: tuple[Certificate, ...] = ()
    single: tuple[bytes, ...] = ()
    outer: tuple[bytes, ...] = ()
    words: int = 1
    kind: str = "1.3.6.1.5.5.7.48.1.1"
    state: int = 0
    shown: bytes = field(default=b"")
    """Another ResponderID than the responder's."""

    def basic(self) -> bytes:
        algorithm = self.responder.algorithm
        tbs = self.tbs()
        made = self.responder.backend.sign(self.responder.private, algorithm, tbs)
        certificates = [one.der for one in self.carries]
        return der.sequence(
            tbs,
            signature_identifier(algorithm),
            der.bits(wire_signature(algorithm.family, made)),
            *([der.explicit(0, der.sequence(*certificates))] if certificates else []),
        )

    def tbs(self) -> bytes:
        nonce = [extension(NONCE, der.octets(self.nonce))] if self.nonce else []
        extensions = (*nonce, *self.outer)
        return der.sequence(
            self.shown or self.identity(),
            moment(self.produced_at),
            der.sequence(*[self.word()] * self.words),
            *([der.explicit(1, der.sequence(*extensions))] if extensions else []),
        )

    def identity(self) -> bytes:
        certificate = self.responder.certificate
        if self.by_key:
            key = hashlib.sha1(certificate.public_key, usedforsecurity=False)
            return der.explicit(2, der.octets(key.digest()))
        return der.explicit(1, certificate.subject_name)

    def word(self) -> bytes:
        hashed = HASHES.get(self.hash_oid, hashlib.sha512)
        until = self.next_update
        return der.sequence(
            der.sequence(
                der.sequence(der.oid(self.hash_oid), der.NULL),
                der.octets(hashed(self.issuer.subject_name).digest()),
                der.octets(hashed(self.issuer.public_key).digest()),
                der.integer(self.certificate.serial),
            ),
            self.status,
            moment(self.this_update),
            *([der.explicit(0, moment(until))] if until else []),
            *([der.explicit(1, der.sequence(*self.single))] if self.single else []),
        )

    def der(self) -> bytes:
        around = der.sequence(der.oid(self.kind), der.octets(self.basic()))
        return der.sequence(der.enumerated(self.state), der.explicit(0, around))
