"""Extensions of certificates, lists and answers, and the addresses that stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import asn1

INVALIDITY: Final = "2.5.29.24"
"""invalidityDate of a line (RFC 5280 §5.3.2) or of an answer (RFC 6960 §4.4.5)."""
_URI: Final = 0x86  # GeneralName, uniformResourceIdentifier (RFC 5280 §4.2.1.6)
_ANY_NAME: Final = (*range(0x80, 0x90), *range(0xA0, 0xB0))
_MOST_URLS: Final = 4


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension of a certificate, a CRL or a line of it."""

    critical: bool
    value: asn1.Value


def read_extensions(wrapped: asn1.Value | None) -> dict[str, Extension]:
    """Return extensions by OID; raise MalformedMessage when one comes twice (RFC 5280 §4.2)."""
    found: dict[str, Extension] = {}
    if wrapped is None:
        return found
    rows = wrapped.fields()
    for row in rows.take(asn1.SEQUENCE).members():
        fields = row.fields()
        oid, critical = fields.take(asn1.OID).oid(), fields.optional(asn1.BOOLEAN)
        value = fields.take(asn1.OCTETS)
        fields.end()
        if oid in found:
            raise MalformedMessage("an extension comes twice")
        found[oid] = Extension(critical is not None, asn1.read_der(value.body))
    rows.end()
    return found


def read_moment(extension: Extension | None) -> datetime | None:
    """Return the GeneralizedTime that an extension is; raise MalformedMessage."""
    if extension is None:
        return None
    if extension.value.tag != asn1.GENERALIZED_TIME:
        raise MalformedMessage("an extension is no moment")
    return extension.value.time()


def read_access(extension: Extension | None, method: str) -> tuple[str, ...]:
    """Return the URLs of one access method of authorityInfoAccess (RFC 5280 §4.2.2.1)."""
    if extension is None:
        return ()
    places = []
    for row in extension.value.members():
        fields = row.fields()
        oid, place = fields.take(asn1.OID).oid(), fields.take(*_ANY_NAME)
        fields.end()
        if oid == method:
            places.append(place)
    return _urls(places)


def read_points(extension: Extension | None) -> tuple[str, ...]:
    """Return the URLs of CRLDistributionPoints that name a whole list (RFC 5280 §4.2.1.13).

    A point for some reasons only, or of another issuer, is left out.
    """
    if extension is None:
        return ()
    places: list[asn1.Value] = []
    for point in extension.value.members():
        fields = point.fields()
        name, partial, issuer = (fields.optional(tag) for tag in (0xA0, 0x81, 0xA2))
        fields.end()
        if name is not None and partial is None and issuer is None:
            places += _full_name(name)
    return _urls(places)


def _full_name(name: asn1.Value) -> tuple[asn1.Value, ...]:
    """Return the GeneralNames of a DistributionPointName; none when it is a relative one."""
    full = name.fields().optional(0xA0)
    return full.members() if full is not None else ()


def _urls(places: Sequence[asn1.Value]) -> tuple[str, ...]:
    """Return what is a URL, in ASCII, the first few of them."""
    texts = [one.body for one in places if one.tag == _URI and one.body.isascii()]
    return tuple(text.decode("ascii") for text in texts[:_MOST_URLS])


def urls_of(name: asn1.Value) -> tuple[str, ...]:
    """Return the URLs of a DistributionPointName."""
    return _urls(_full_name(name))
