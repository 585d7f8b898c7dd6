"""Writes time-stamp queries and takes the token out of the answer (RFC 3161 §2.4)."""

from __future__ import annotations

from typing import Final

from gateway.errors import RecipientError
from gateway.signatures import asn1, der
from gateway.signatures.algorithms import DigestAlgorithm
from gateway.signatures.identifiers import digest_identifier

_GRANTED: Final = (0, 1)  # granted, grantedWithMods (§2.4.2)
_FAILURES: Final = {
    0: "badAlg",
    2: "badRequest",
    5: "badDataFormat",
    14: "timeNotAvailable",
    15: "unacceptedPolicy",
    16: "unacceptedExtension",
    17: "addInfoNotAvailable",
    25: "systemFailure",
}


class TimestampRefused(RecipientError):  # noqa: N818 - what happened, not a fault
    """The authority gave no token, or one that is not good."""


def write_query(imprint: bytes, digest: DigestAlgorithm, *, nonce: int, policy: str = "") -> bytes:
    """Return a TimeStampReq that asks for the authority's certificate too."""
    return der.sequence(
        der.integer(1),
        der.sequence(digest_identifier(digest), der.octets(imprint)),
        *([der.oid(policy)] if policy else []),
        der.integer(nonce),
        der.TRUE,  # certReq: whoever verifies later has the certificate at hand
    )


def read_answer(answer: bytes) -> bytes:
    """Return the token of a TimeStampResp.

    Raises TimestampRefused with the authority's own reason, or MalformedMessage.
    """
    outer = asn1.read_ber(answer).fields()
    status, token = outer.take(asn1.SEQUENCE).fields(), outer.optional(asn1.SEQUENCE)
    outer.end()
    code = status.take(asn1.INTEGER).integer()
    status.optional(asn1.SEQUENCE)  # statusString: free text of a stranger
    failure = status.optional(asn1.BITS)
    if code not in _GRANTED or token is None:
        raise TimestampRefused(f"no time-stamp: status {code}, {_name(failure)}")
    return token.raw


def _name(failure: asn1.Value | None) -> str:
    if failure is None:
        return "no failureInfo"
    octets, _ = failure.bits()
    number = int.from_bytes(octets.ljust(4, b"\0")[:4], "big")
    names = [name for bit, name in _FAILURES.items() if number >> (31 - bit) & 1]
    return ", ".join(names) or "unknown failureInfo"
