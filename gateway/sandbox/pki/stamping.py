"""Stamps times (RFC 3161, with the certificate's SHA-256 of RFC 5816)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, core, parser, tsp, x509

from gateway.sandbox.doors import Ids
from gateway.sandbox.pki.faults import Answer, TsaFaults
from gateway.sandbox.pki.signing import Hand, digest_identifier
from gateway.signatures.algorithms import digest_by_oid

_UNIVERSAL, _CONTEXT, _CONSTRUCTED, _SEQUENCE = 0, 2, 1, 16  # X.690 §8.1.2
POLICY = "1.2.643.100.999.1"
"""Invented; a request may name it or none."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A TimeStampReq, read."""

    digest: str
    """OID of the hash."""
    hashed: bytes
    nonce: int | None
    wants_certificate: bool


def stamp(hand: Hand, request: bytes, now: datetime, ids: Ids, faults: TsaFaults) -> bytes:
    """Return a TimeStampResp: a token, or why there is none (§2.4.2)."""
    if faults.answer is Answer.REFUSED:
        return _refuse("time_not_available")
    try:
        asked = _read(tsp.TimeStampReq.load(request, strict=True))
    except (ValueError, TypeError, KeyError, AttributeError):
        return _refuse("bad_data_format")
    if isinstance(asked, str):
        return _refuse(asked)
    hashed = asked.hashed
    if faults.wrong_imprint:
        hashed = bytes((hashed[0] ^ 1,)) + hashed[1:]
    imprint = {"hash_algorithm": {"algorithm": asked.digest}, "hashed_message": hashed}
    said = {
        "version": "v1",
        "policy": POLICY,
        "message_imprint": imprint,
        "serial_number": int(ids.new().replace("-", ""), 16),
        "gen_time": (now + faults.ahead).replace(microsecond=0),
        "accuracy": {"seconds": 1},
    }
    if asked.nonce is not None and faults.nonce:
        said["nonce"] = asked.nonce
    sent = asked.wants_certificate and faults.certificate
    token = _sign(hand, tsp.TSTInfo(said).dump(), now, faults, with_certificate=sent)
    granted = tsp.PKIStatusInfo({"status": "granted"}).dump()
    return _sequence(granted, token)


def _read(request: tsp.TimeStampReq) -> _Asked | str:
    """Return what is asked for, or the PKIFailureInfo that refuses it (§2.4.1)."""
    imprint = request["message_imprint"]
    oid, hashed = imprint["hash_algorithm"]["algorithm"].dotted, imprint["hashed_message"].native
    algorithm = digest_by_oid(oid)
    if algorithm is None or algorithm.refused:
        return "bad_alg"
    if request["version"].native != "v1" or len(hashed) != algorithm.size:
        return "bad_data_format"
    if request["req_policy"].native is not None and request["req_policy"].dotted != POLICY:
        return "unaccepted_policy"
    if request["extensions"].native:
        return "unaccepted_extensions"
    return _Asked(oid, hashed, request["nonce"].native, bool(request["cert_req"].native))


def _sign(
    hand: Hand, said: bytes, now: datetime, faults: TsaFaults, *, with_certificate: bool
) -> bytes:
    """Return SignedData over a TSTInfo (RFC 5652 §5; RFC 3161 §2.4.2 wants one signer)."""
    digest = hand.algorithm.digest
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "signing_time", "values": [cms.Time({"utc_time": _whole_second(now)})]},
            {"type": "message_digest", "values": [hand.backend.digest(digest, said)]},
            {"type": "signing_certificate_v2", "values": [_name_certificate(hand)]},
        ]
    )
    signer = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number",
            cms.IssuerAndSerialNumber(
                {"issuer": x509.Name.load(hand.issuer), "serial_number": hand.serial}
            ),
        ),
        "digest_algorithm": digest_identifier(digest),
        "signed_attrs": attributes,
        "signature_algorithm": hand.identifier(),
        "signature": hand.sign(attributes.dump(), broken=faults.broken_signature),
    }
    content = {"content_type": "tst_info", "content": core.ParsableOctetString(said)}
    signed = _sequence(
        core.Integer(3).dump(),
        cms.DigestAlgorithms([digest_identifier(digest)]).dump(),
        cms.EncapsulatedContentInfo(content).dump(),
        # As it lies on disk: asn1crypto would write it anew, and knows no GOST key.
        *([parser.emit(_CONTEXT, _CONSTRUCTED, 0, hand.der)] if with_certificate else []),
        cms.SignerInfos([signer]).dump(),
    )
    wrapped = parser.emit(_CONTEXT, _CONSTRUCTED, 0, signed)
    return _sequence(cms.ContentType("signed_data").dump(), wrapped)


def _sequence(*members: bytes) -> bytes:
    return bytes(parser.emit(_UNIVERSAL, _CONSTRUCTED, _SEQUENCE, b"".join(members)))


def _name_certificate(hand: Hand) -> tsp.SigningCertificateV2:
    """Return ESSCertIDv2 under SHA-256, which is its default (RFC 5816 §2.2.1)."""
    return tsp.SigningCertificateV2(
        {"certs": [tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(hand.der).digest()})]}
    )


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


class _Refusal(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """A TimeStampResp without a token: asn1crypto's own knows none (§2.4.2)."""

    _fields = [("status", tsp.PKIStatusInfo)]  # noqa: RUF012 - asn1crypto wants it so


def _refuse(failure: str) -> bytes:
    return bytes(_Refusal({"status": {"status": "rejection", "fail_info": {failure}}}).dump())
