"""The names of WS-Security 1.0, WS-Addressing and SOAP that we read and write."""

from __future__ import annotations

from typing import Final

from gateway.signatures.xml.names import WSU

SOAP_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSA: Final = "http://www.w3.org/2005/08/addressing"
_OASIS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE: Final = f"{_OASIS}wssecurity-secext-1.0.xsd"
X509_V3: Final = f"{_OASIS}x509-token-profile-1.0#X509v3"
BASE64: Final = f"{_OASIS}soap-message-security-1.0#Base64Binary"

ADDRESSING: Final = ("MessageID", "Action", "To", "ReplyTo", "RelatesTo")
"""The WS-Addressing headers that are signed where they are there."""

__all__ = ["ADDRESSING", "BASE64", "SOAP_11", "SOAP_12", "WSA", "WSSE", "WSU", "X509_V3"]
