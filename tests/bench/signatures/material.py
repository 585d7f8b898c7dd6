"""Keys, certificates and messages for the bench, made anew for each run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml import etree

from gateway.doors import SystemIds
from gateway.samples.maker import Maker
from gateway.signatures.algorithms import DEFAULTS, Family
from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate, read_certificate
from gateway.signatures.chain import Trust
from gateway.signatures.issuing import Issuer, Template, make_certificate, make_name
from gateway.signatures.keys import Role, SigningKey

FAMILIES: Final = {
    "rsa-2048": Family.RSA,
    "p-256": Family.EC,
    "gost-256": Family.GOST_256,
    "gost-512": Family.GOST_512,
}
NOON: Final = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_EXAMPLE: Final = "infant-under-three"
_DOCUMENT: Final = 60_000
_VALUE: Final = "1.2.643.5.1.13.13.12.2.77.8481 Иванова"


@dataclass(frozen=True, slots=True)
class Material:
    """A signer under a root of its own, and who trusts that root."""

    key: SigningKey
    pkcs8: bytes
    trust: Trust


def make_material(family: Family, backend: Backend) -> Material:
    """Make a root and a signer of the family."""
    root_key = backend.load_private(backend.generate(family))
    name = make_name(common_name="Bench Root")
    issuer = Issuer(name, root_key, backend)
    root = _certify(name, root_key.spki, issuer, authority=True)
    pkcs8 = backend.generate(family)
    private = backend.load_private(pkcs8)
    certificate = _certify(make_name(common_name="Bench Signer"), private.spki, issuer)
    key = SigningKey(
        key_id="bench",
        organization="",
        role=Role.ORGANIZATION,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        algorithm=DEFAULTS[family],
        certificate=certificate,
        private=private,
        backend=backend,
    )
    trust = Trust(
        roots=(root,), intermediates=(), lists=(), revocation_required=False, backend=backend
    )
    return Material(key, pkcs8, trust)


def _certify(name: bytes, spki: bytes, issuer: Issuer, *, authority: bool = False) -> Certificate:
    template = Template(
        subject=name,
        spki=spki,
        not_before=NOON - _DAY,
        not_after=NOON + _DAY,
        authority=authority,
        key_usage=("key_cert_sign",) if authority else ("digital_signature",),
    )
    return read_certificate(make_certificate(template, issuer))


def write_document() -> bytes:
    """Return a bundled referral, its last sections left out until no more than 60 kB stay."""
    made = Maker().make(1, now=NOON, ids=SystemIds(), example=_EXAMPLE)
    root = etree.fromstring(made.content)
    body = root.find(".//{urn:hl7-org:v3}structuredBody")
    assert body is not None
    while len(etree.tostring(root, encoding="UTF-8")) > _DOCUMENT:
        body.remove(body[-1])
    return etree.tostring(root, encoding="UTF-8")


def write_envelope() -> bytes:
    """Return a SOAP 1.1 envelope of about 3 kB: names and values like those of a registration."""
    rows = "".join(f"<r:field{number}>{_VALUE}</r:field{number}>" for number in range(46))
    return (
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Header/><s:Body>'
        f'<r:registerDocument xmlns:r="urn:register">{rows}</r:registerDocument>'
        "</s:Body></s:Envelope>"
    ).encode()
