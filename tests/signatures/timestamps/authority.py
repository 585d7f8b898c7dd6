"""A time-stamping authority written from RFC 3161, that can do one thing wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.signatures import der
from gateway.signatures.algorithms import DigestAlgorithm, Family, signs_with
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import read_certificate
from gateway.signatures.issuing import Issuer, make_name
from gateway.signatures.keys import Role, SigningKey
from tests.signatures.cades.forging import (
    CONTENT_TYPE,
    SIGNING_CERTIFICATE,
    SIGNING_TIME,
    Forgery,
)
from tests.signatures.conftest import NOON, ORGANIZATION

TST_INFO = "1.2.840.113549.1.9.16.1.4"
POLICY = "1.2.643.99.1"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
KEY_USAGE, EXTENDED_KEY_USAGE = "2.5.29.15", "2.5.29.37"
NAME = make_name(common_name="Вымышленная служба штампов времени")


def extension(oid: str, value: bytes, *, critical: bool = True) -> bytes:
    return der.sequence(der.oid(oid), *([der.TRUE] if critical else []), der.octets(value))


def purposes(*oids: str, critical: bool = True) -> bytes:
    return extension(
        EXTENDED_KEY_USAGE, der.sequence(*(der.oid(oid) for oid in oids)), critical=critical
    )


ONLY_STAMPS = purposes(TIME_STAMPING)
SIGNS = extension(KEY_USAGE, der.named_bits(0))


def employ(
    issuer: SigningKey,
    *,
    not_before: datetime,
    not_after: datetime,
    family: Family = Family.EC,
    extensions: tuple[bytes, ...] = (SIGNS, ONLY_STAMPS),
    serial: int = 7_161,
    pkcs8: bytes = b"",
) -> SigningKey:
    """Return the key of an authority whose certificate has these extensions."""
    backend = open_backend()
    private = backend.load_private(pkcs8 or backend.generate(family))
    above = Issuer(issuer.certificate.subject_name, issuer.private, backend)
    extra = [der.explicit(3, der.sequence(*extensions))] if extensions else []
    certificate = read_certificate(
        above.sign(
            der.sequence(
                der.explicit(0, der.integer(2)),
                der.integer(serial),
                above.identifier,
                above.name,
                der.sequence(der.time(not_before), der.time(not_after)),
                NAME,
                private.spki,
                *extra,
            )
        )
    )
    return SigningKey(
        key_id="tsa",
        organization=ORGANIZATION,
        role=Role.ORGANIZATION,
        not_before=not_before,
        not_after=not_after,
        algorithm=signs_with(private.family, private.bits),
        certificate=certificate,
        private=private,
        backend=backend,
    )


def moment(at: datetime, fraction: str = "") -> bytes:
    return der.tlv(0x18, f"{at:%Y%m%d%H%M%S}{fraction}Z".encode())


@dataclass(frozen=True)
class Stamp:
    """A good token over some octets; change one field and it is not."""

    stamped: bytes
    key: SigningKey
    at: datetime = NOON
    digest: DigestAlgorithm | None = None
    digest_oid: str = ""
    version: int = 1
    gen_time: bytes = b""
    accuracy: bytes = b""
    nonce: int | None = None
    tsa: bytes = b""
    extensions: bytes = b""
    policy: str = POLICY
    content: bytes | None = None
    form: dict[str, object] = field(default_factory=dict)
    """Changes of the container around it."""

    def but(self, **changes: object) -> Stamp:
        return replace(self, **changes)  # type: ignore[arg-type] # the dataclass checks names

    def shaped(self, **form: object) -> Stamp:
        return replace(self, form=form)

    def info(self) -> bytes:
        digest = self.digest or self.key.algorithm.digest
        imprint = b"" if self.digest_oid else self.key.backend.digest(digest, self.stamped)
        return der.sequence(
            der.integer(self.version),
            der.oid(self.policy),
            der.sequence(der.sequence(der.oid(self.digest_oid or digest.oid)), der.octets(imprint)),
            der.integer(1),
            self.gen_time or moment(self.at),
            self.accuracy,
            *([der.integer(self.nonce)] if self.nonce is not None else []),
            self.tsa,
            self.extensions,
        )

    def write(self) -> bytes:
        content = self.info() if self.content is None else self.content
        forgery = Forgery(
            content,
            self.key,
            self.at,
            content_type=der.oid(TST_INFO),
            attached=True,
            attributes={CONTENT_TYPE: der.oid(TST_INFO)},
            without=(SIGNING_TIME,),
        )
        return forgery.but(**self.form).write()


def reference_of_version_1(key: SigningKey, octets: bytes) -> dict[str, bytes]:
    """Return the signing-certificate attribute that names its certificate by SHA-1."""
    return {SIGNING_CERTIFICATE: der.sequence(der.sequence(der.sequence(der.octets(octets))))}
