"""Takes the token out of an authority's answer, and asks whether it is the one that was wanted.

RFC 3161 §2.4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from gateway.errors import CryptoUnavailable, RecipientError
from gateway.signatures import asn1
from gateway.signatures.chain import Trust
from gateway.signatures.fitness import SKEW
from gateway.signatures.reasons import Fact
from gateway.signatures.timestamps.judging import judge_token
from gateway.signatures.timestamps.query import Query
from gateway.signatures.timestamps.token import TstInfo

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


def check_token(token: bytes, query: Query, trust: Trust, *, at: datetime) -> None:
    """Accept a token that is good and answers this query, now.

    Raises TimestampRefused, or CryptoUnavailable when nobody here can tell.
    """
    proof = judge_token(token, query.stamped, trust, at=at)
    for reason in proof.reasons:
        if Fact.BACKEND_MISSING.code in reason.detail:
            raise CryptoUnavailable(reason.text("en"))
        raise TimestampRefused(reason.text("en"))
    assert proof.info is not None
    for why in _differences(proof.info, query, at):
        raise TimestampRefused(f"the token {why}")


def _differences(info: TstInfo, query: Query, at: datetime) -> Iterator[str]:
    if info.nonce != query.nonce:
        yield "carries another nonce"
    if query.policy and info.policy != query.policy:
        yield "names another policy"
    if abs(info.moment - at) > SKEW:
        yield "names a moment that is not now"
