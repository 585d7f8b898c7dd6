"""What KeyInfo says of the signer. It only selects a certificate; whose word counts is asked after.

A key without a certificate (KeyValue), a place to fetch one from (RetrievalMethod) and a mere name
are never followed.
"""

from __future__ import annotations

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.certificates import Certificate, read_certificate
from gateway.signatures.xml.names import DS
from gateway.signatures.xml.signature import read_base64

_MOST_CERTIFICATES = 8


def read_x509_data(key_info: etree._Element) -> tuple[Certificate, ...]:
    """Return the certificates of the only X509Data, the signer's first; raise MalformedMessage.

    Empty when it brings none (XML-DSig §4.5.4).
    """
    found = key_info.findall(f"{{{DS}}}X509Data")
    if len(found) > 1:
        raise MalformedMessage("KeyInfo names more than one signer")
    held = [each for data in found for each in data.findall(f"{{{DS}}}X509Certificate")]
    if len(held) > _MOST_CERTIFICATES:
        raise MalformedMessage(f"KeyInfo brings more than {_MOST_CERTIFICATES} certificates")
    return tuple(read_certificate(read_base64(each)) for each in held)
