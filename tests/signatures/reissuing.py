"""Gives certificates and lists extensions that no declaration asks for, and signs them anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.signatures import asn1, der
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import read_certificate
from gateway.signatures.issuing import Issuer
from gateway.signatures.keys import SigningKey
from gateway.signatures.lists import RevocationList, read_list
from tests.signatures.conftest import DAY, NOON

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
EMAIL, CLIENT = "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.2"


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(oid), *([der.TRUE] if critical else []), der.octets(value))


NO_CHECK = extension("1.3.6.1.5.5.7.48.1.5", der.NULL)


def purposes(*oids: str) -> bytes:
    return extension("2.5.29.37", der.sequence(*(der.oid(oid) for oid in oids)))


def url(text: str) -> bytes:
    return der.tlv(0x86, text.encode("ascii"))


def points(oid: str, *texts: str) -> bytes:
    full = [der.explicit(0, der.explicit(0, url(text))) for text in texts]
    return extension(oid, der.sequence(*(der.sequence(one) for one in full)))


def access(*, ocsp: Iterable[str] = (), issuers: Iterable[str] = ()) -> bytes:
    rows = [("1.3.6.1.5.5.7.48.1", text) for text in ocsp]
    rows += [("1.3.6.1.5.5.7.48.2", text) for text in issuers]
    described = (der.sequence(der.oid(oid), url(text)) for oid, text in rows)
    return extension("1.3.6.1.5.5.7.1.1", der.sequence(*described))


def scope(*parts: bytes) -> bytes:
    return extension("2.5.29.28", der.sequence(*parts), critical=True)


def generalized(at: datetime) -> bytes:
    return der.tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode("ascii"))


def keeps(at: datetime, *, critical: bool = False) -> bytes:
    """Return expiredCertsOnCRL: whoever ended then or later is kept."""
    return extension("2.5.29.60", generalized(at), critical=critical)


def doubted(at: datetime) -> bytes:
    """Return the invalidityDate of a line."""
    return extension("2.5.29.24", generalized(at))


def signed(above: SigningKey, tbs: bytes) -> bytes:
    return Issuer(above.certificate.subject_name, above.private, open_backend()).sign(tbs)


def extended(key: SigningKey, above: SigningKey, *extensions: bytes) -> SigningKey:
    """Return the same key with a certificate that has these extensions too."""
    *fields, wrapped = asn1.read_der(key.certificate.tbs).members()
    had = [row.raw for row in wrapped.members()[0].members()]
    tbs = der.sequence(
        *(one.raw for one in fields), der.explicit(3, der.sequence(*had, *extensions))
    )
    return replace(key, certificate=read_certificate(signed(above, tbs)))


def list_bytes(
    above: SigningKey,
    lines: Mapping[int, tuple[datetime, int]],
    *extensions: bytes,
    number: int | None = 1,
    base: int | None = None,
    since: timedelta = -DAY,
    until: timedelta = DAY,
    line_extensions: tuple[bytes, ...] = (),
) -> bytes:
    """Return a list as bytes: serial to (since, reason)."""
    more = list(extensions)
    if number is not None:
        more.append(extension("2.5.29.20", der.integer(number)))
    if base is not None:
        more.append(extension("2.5.29.27", der.integer(base), critical=True))
    rows = [
        der.sequence(
            der.integer(serial),
            der.time(moment),
            der.sequence(extension("2.5.29.21", der.enumerated(reason)), *line_extensions),
        )
        for serial, (moment, reason) in lines.items()
    ]
    issuer = Issuer(above.certificate.subject_name, above.private, open_backend())
    return issuer.sign(
        der.sequence(
            der.integer(1),
            issuer.identifier,
            issuer.name,
            der.time(NOON + since),
            der.time(NOON + until),
            *([der.sequence(*rows)] if rows else []),
            *([der.explicit(0, der.sequence(*more))] if more else []),
        )
    )


def listed(
    above: SigningKey,
    lines: Mapping[int, tuple[datetime, int]],
    *extensions: bytes,
    number: int | None = 1,
    base: int | None = None,
    since: timedelta = -DAY,
    until: timedelta = DAY,
    line_extensions: tuple[bytes, ...] = (),
) -> RevocationList:
    return read_list(
        list_bytes(
            above,
            lines,
            *extensions,
            number=number,
            base=base,
            since=since,
            until=until,
            line_extensions=line_extensions,
        )
    )
