"""What kind of signed thing a file is, told from what is in it."""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.wss.names import WSSE
from gateway.signatures.xml.names import DS, SIGNATURE, SMEV
from gateway.signatures.xml.parsing import read_xml

_ARMOUR: Final = re.compile(
    rb"\s*-----BEGIN (?:CMS|PKCS7|PKCS #7 SIGNED DATA)-----\s*([A-Za-z0-9+/=\s]+?)-----END "
)
_SECURITY: Final = f"{{{WSSE}}}Security"
_TRANSFORM: Final = f"{{{DS}}}Transform"
_BOM: Final = b"\xef\xbb\xbf"
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/\s]+={0,2}\s*")


class Form(StrEnum):
    """Which standard a signature follows."""

    CMS = "cms"
    """RFC 5652."""
    XMLDSIG = "xmldsig"
    """W3C XML Signature, at most one of them inside what it signs."""
    XMLDSIG_NESTED = "xmldsig-nested"
    """Several, each inside what it signs: the later ones are over the earlier ones too."""
    SMEV = "smev"
    """W3C XML Signature with the transform of СМЭВ3."""
    WSS = "wss"
    """OASIS WS-Security, in a SOAP envelope."""


def recognise(content: bytes) -> tuple[Form, bytes]:
    """Return the form, and the octets without armour. Raises MalformedMessage for anything else.

    A CMS may come as DER or BER, as PEM, or as bare base64.
    """
    text = content.removeprefix(_BOM)
    if text.lstrip().startswith(b"<"):
        return _recognise_xml(read_xml(content)), content
    if content[:1] == b"\x30":
        return Form.CMS, content
    armour = _ARMOUR.match(content)
    bare = armour[1] if armour else content
    if _BASE64.fullmatch(bare):
        try:
            return Form.CMS, base64.b64decode(b"".join(bare.split()), validate=True)
        except binascii.Error as error:
            raise MalformedMessage("the base64 of the signature is damaged") from error
    raise MalformedMessage("this is neither XML nor a CMS")


def _recognise_xml(root: etree._Element) -> Form:
    if any(one.find(SIGNATURE) is not None for one in root.iter(_SECURITY)):
        return Form.WSS
    if any(one.get("Algorithm") == SMEV for one in root.iter(_TRANSFORM)):
        return Form.SMEV
    return Form.XMLDSIG_NESTED if len(root.findall(SIGNATURE)) > 1 else Form.XMLDSIG
