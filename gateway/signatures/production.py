"""Signs any file in the form that is asked for: the command line's way into the rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.errors import SettingError
from gateway.signatures import xmldsig
from gateway.signatures.algorithms import Country
from gateway.signatures.cades import sign_cms
from gateway.signatures.keys import SigningKey
from gateway.signatures.wss import sign_envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be signed, how, by whom, when."""

    content: bytes = field(repr=False)
    key: SigningKey
    at: datetime
    """The signing time it will claim, in UTC."""
    detached: bool = False


def _cms(order: Order) -> bytes:
    return sign_cms(order.content, order.key, at=order.at, detached=order.detached)


def _xmldsig(order: Order) -> bytes:
    kazakh = order.key.algorithm.country is Country.KAZAKHSTAN
    profile = xmldsig.KZ if kazakh else xmldsig.PLAIN
    sign = xmldsig.sign_detached if order.detached else xmldsig.sign_enveloped
    return sign(order.content, order.key, profile)


def _wss(order: Order) -> bytes:
    _refuse_detached(order)
    return sign_envelope(order.content, order.key, created=order.at)


def _smev(order: Order) -> bytes:
    _refuse_detached(order)
    return xmldsig.sign_smev(order.content, order.key)


def _refuse_detached(order: Order) -> None:
    if order.detached:
        raise SettingError("such a signature is always inside the message", where="--detached")


STAMPED: Final = "cades-t"
_FORMS: Final[Mapping[str, Callable[[Order], bytes]]] = {
    "cms": _cms,
    STAMPED: _cms,
    "xmldsig": _xmldsig,
    "wss": _wss,
    "smev": _smev,
}
FORMS: Final = tuple(_FORMS)
ENVELOPES: Final = frozenset({"wss", "smev"})
"""What a transport key signs; all else is a document."""


def produce(form: str, order: Order) -> bytes:
    """Return the signature, or the signed content; of `cades-t` what is yet to be stamped.

    Raises MalformedMessage for content that the form cannot hold, SettingError, HouseError,
    CryptoUnavailable.
    """
    return _FORMS[form](order)
