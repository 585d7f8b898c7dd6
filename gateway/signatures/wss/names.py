"""The names of WS-Security 1.0, XML-DSig, WS-Addressing and SOAP that we read and write."""

from __future__ import annotations

from typing import Final

SOAP_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12: Final = "http://www.w3.org/2003/05/soap-envelope"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
WSA: Final = "http://www.w3.org/2005/08/addressing"
_OASIS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE: Final = f"{_OASIS}wssecurity-secext-1.0.xsd"
WSU: Final = f"{_OASIS}wssecurity-utility-1.0.xsd"
X509_V3: Final = f"{_OASIS}x509-token-profile-1.0#X509v3"
BASE64: Final = f"{_OASIS}soap-message-security-1.0#Base64Binary"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DS}enveloped-signature"
XML_ID: Final = "{http://www.w3.org/XML/1998/namespace}id"
WSU_ID: Final = f"{{{WSU}}}Id"

ADDRESSING: Final = ("MessageID", "Action", "To", "ReplyTo", "RelatesTo")
"""The WS-Addressing headers that are signed where they are there."""
