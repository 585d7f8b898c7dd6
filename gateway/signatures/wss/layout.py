"""How a partner wants its Security header: data, and no code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.signatures.wss.names import ADDRESSING


class Token(Enum):
    """How KeyInfo names our certificate (X.509 Token Profile 1.0 §3.2)."""

    BINARY = "binary"
    """A BinarySecurityToken in the header, and a reference to it."""
    KEY_IDENTIFIER = "key-identifier"
    """The whole certificate in a KeyIdentifier."""
    ISSUER_SERIAL = "issuer-serial"
    """Its issuer and serial number: the partner must have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a Security header holds."""

    token: Token = Token.BINARY
    timestamp: bool = True
    headers: tuple[str, ...] = ADDRESSING
    """Local names of the WS-Addressing headers that are signed where they are there."""


IPS: Final = Layout()
"""ИПС and РЭМД: token, Timestamp, Body and the addressing headers."""
SHEP: Final = Layout(token=Token.KEY_IDENTIFIER, timestamp=False, headers=())
"""ШЭП (SmartBridge): one reference, to the Body; no Timestamp, no token of its own."""
