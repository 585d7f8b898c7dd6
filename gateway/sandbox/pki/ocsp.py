"""Answers whether a certificate is revoked (RFC 6960)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from asn1crypto import core, ocsp

from gateway.errors import CryptoUnavailable
from gateway.sandbox.pki.authorities import Authority, Registry
from gateway.sandbox.pki.faults import Answer, NextUpdate, OcspFaults, Says
from gateway.sandbox.pki.signing import Hand, Verbatim
from gateway.signatures.algorithms import digest_by_oid

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_SLACK = timedelta(minutes=1)
"""How far the clock of whoever asks may be behind."""
_FRESH_FOR = timedelta(hours=1)
_KEPT = timedelta(days=3650)
"""How long it is known of a certificate that has ended what became of it (§4.4.4)."""


class Responder:
    """Answers for every authority of the registry."""

    def __init__(self, registry: Registry, faults: OcspFaults) -> None:
        self._registry = registry
        self._faults = faults

    def answer(self, authority: Authority, request: bytes, now: datetime) -> bytes:
        """Return an OCSPResponse, an error status included (§2.3)."""
        if self._faults.answer is Answer.REFUSED:
            return _status("try_later")
        try:
            read = ocsp.OCSPRequest.load(request, strict=True)
            asked = [one["req_cert"].untag() for one in read["tbs_request"]["request_list"]]
            nonce = read.nonce_value
            found = [self._is_ours(authority, one) for one in asked]
        except (ValueError, TypeError, KeyError, AttributeError):
            return _status("malformed_request")
        if not asked:
            return _status("malformed_request")
        if not all(found):
            return _status("unauthorized")
        singles = [self._single(authority, one, now) for one in asked]
        return self._sign(authority, singles, nonce, now)

    def _is_ours(self, authority: Authority, asked: ocsp.CertId) -> bool:
        """Tell whether the authority of the CertID is this one (§4.1.1)."""
        algorithm = digest_by_oid(asked["hash_algorithm"]["algorithm"].dotted)
        if algorithm is None:
            return False
        hand = authority.hand
        try:
            hashes = [
                hand.backend.digest(algorithm, part) for part in (hand.subject, hand.key_bits)
            ]
        except CryptoUnavailable:
            return False
        return hashes == [asked["issuer_name_hash"].native, asked["issuer_key_hash"].native]

    def _single(
        self, authority: Authority, asked: ocsp.CertId, now: datetime
    ) -> ocsp.SingleResponse:
        serial = int(asked["serial_number"].native)
        about = ocsp.CertId.load(asked.dump())
        if self._faults.about_another:
            about["serial_number"] = serial + 1
        this_update = now - _SLACK
        next_update: datetime | None = now + _FRESH_FOR
        if self._faults.next_update is NextUpdate.PAST:
            this_update, next_update = now - 48 * _FRESH_FOR, now - 24 * _FRESH_FOR
        elif self._faults.next_update is NextUpdate.ABSENT:
            next_update = None
        return ocsp.SingleResponse(
            {
                "cert_id": about,
                "cert_status": self._stand(authority, serial, now),
                "this_update": this_update,
                "next_update": next_update,
                "single_extensions": [
                    {"extn_id": "archive_cutoff", "extn_value": this_update - _KEPT}
                ],
            }
        )

    def _stand(self, authority: Authority, serial: int, now: datetime) -> ocsp.CertStatus:
        says = self._faults.says
        known = authority.issued.get(serial)
        if says is Says.TRUTH and known is None:
            if authority.revokes_strangers:
                return _revoked(_LONG_AGO, "certificate_hold")
            says = Says.UNKNOWN
        if says is Says.UNKNOWN:
            return ocsp.CertStatus("unknown", core.Null())
        if says is Says.REVOKED:
            return _revoked(now - timedelta(days=1), "key_compromise")
        if says is Says.TRUTH and known is not None and known.is_revoked(now):
            return _revoked(known.revoked, known.reason)
        return ocsp.CertStatus("good", core.Null())

    def _sign(
        self,
        authority: Authority,
        singles: list[ocsp.SingleResponse],
        nonce: core.OctetString | None,
        now: datetime,
    ) -> bytes:
        hand = self._who_signs(authority)
        extensions: list[dict[str, object]] = []
        if nonce is not None and self._faults.nonce:
            extensions.append({"extn_id": "nonce", "critical": False, "extn_value": nonce.native})
        if authority.revokes_strangers:  # §4.4.8
            extensions.append(
                {"extn_id": "extended_revoke", "critical": False, "extn_value": core.Null()}
            )
        said: dict[str, object] = {
            "responder_id": ocsp.ResponderId("by_key", hand.key_id),
            "produced_at": now,
            "responses": singles,
        }
        if extensions:
            said["response_extensions"] = extensions
        tbs = ocsp.ResponseData(said)
        basic: dict[str, object] = {
            "tbs_response_data": tbs,
            "signature_algorithm": hand.identifier(),
            "signature": hand.sign(tbs.dump(), broken=self._faults.broken_signature),
        }
        if hand is not authority.hand:
            basic["certs"] = [Verbatim.load(hand.der)]
        response = {
            "response_type": "basic_ocsp_response",
            "response": ocsp.BasicOCSPResponse(basic),
        }
        whole = ocsp.OCSPResponse({"response_status": "successful", "response_bytes": response})
        return bytes(whole.dump())

    def _who_signs(self, authority: Authority) -> Hand:
        wanted = self._faults.responder
        if not wanted:
            return authority.responder
        return self._registry.other(authority) if wanted == "other" else self._registry.hand(wanted)


def _revoked(since: datetime | None, reason: str) -> ocsp.CertStatus:
    return ocsp.CertStatus(
        "revoked",
        ocsp.RevokedInfo({"revocation_time": since, "revocation_reason": reason}),
    )


def _status(name: str) -> bytes:
    return bytes(ocsp.OCSPResponse({"response_status": name}).dump())
