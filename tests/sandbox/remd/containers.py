"""Detached CMS containers made by hand, so that each part of one can be left out or bent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import algos, cms, core, pem, tsp, x509

from gateway.signatures.algorithms import DEFAULTS, Family
from gateway.signatures.backends import open_backend


@dataclass(frozen=True, slots=True)
class Hand:
    """A key with its certificate: what a signer holds."""

    key: bytes
    certificate: bytes


def read_hand(folder: Path, name: str) -> Hand:
    _, _, certificate = pem.unarmor((folder / f"{name}.cert.pem").read_bytes())
    return Hand((folder / f"{name}.key.pem").read_bytes(), certificate)


def make_container(
    content: bytes,
    *hands: Hand,
    at: datetime,
    without: str = "",
    with_certificate: bool = True,
    inside: bool = False,
    spoil: bool = False,
    unsorted: bool = False,
) -> bytes:
    """Sign `content` by every hand; the keywords bend what comes out."""
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [_digest_algorithm(hand) for hand in hands],
            "encap_content_info": {
                "content_type": "data",
                **({"content": content} if inside else {}),
            },
            "signer_infos": [
                _sign(content, hand, at, without, spoil=spoil, unsorted=unsorted) for hand in hands
            ],
        }
    )
    if with_certificate:
        signed["certificates"] = [x509.Certificate.load(hand.certificate) for hand in hands]
    made: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return made


def _digest_algorithm(hand: Hand) -> algos.DigestAlgorithm:
    family = open_backend().load_private(hand.key).family
    return algos.DigestAlgorithm({"algorithm": DEFAULTS[family].digest.oid})


def _sign(
    content: bytes, hand: Hand, at: datetime, without: str, *, spoil: bool, unsorted: bool
) -> cms.SignerInfo:
    backend = open_backend()
    key = backend.load_private(hand.key)
    algorithm = DEFAULTS[key.family]
    certificate = x509.Certificate.load(hand.certificate)
    digest = backend.digest(algorithm.digest, content)
    hash_algorithm = algos.DigestAlgorithm({"algorithm": algorithm.digest.oid})
    ess = tsp.SigningCertificateV2(
        {
            "certs": [
                {
                    "hash_algorithm": hash_algorithm,
                    "cert_hash": backend.digest(algorithm.digest, hand.certificate),
                }
            ]
        }
    )
    values = {
        "content_type": cms.ContentType("data"),
        "message_digest": core.OctetString(digest),
        "signing_time": cms.Time(name="utc_time", value=at.astimezone(UTC).replace(microsecond=0)),
        "signing_certificate_v2": ess,
    }
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": name, "values": [value]})
            for name, value in values.items()
            if name != without
        ]
    )
    attributes = cms.CMSAttributes.load(attributes.dump())
    if unsorted:  # the same attributes in another order: BER, not DER
        turned = b"".join(one.dump() for one in reversed(list(attributes)))
        attributes = cms.CMSAttributes.load(attributes.dump()[: -len(turned)] + turned)
    made = backend.sign(key, algorithm, attributes.dump())
    if spoil:
        made = made[:-1] + bytes((made[-1] ^ 1,))
    oid = "1.2.840.113549.1.1.11" if key.family is Family.RSA else algorithm.oid
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value=cms.IssuerAndSerialNumber(
                    {
                        "issuer": certificate.issuer,
                        "serial_number": certificate.serial_number,
                    }
                ),
            ),
            "digest_algorithm": hash_algorithm,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": oid},
            "signature": made,
        }
    )
