"""Signs a message of СМЭВ3: one element by its Id, the signature in its own place beside it."""

from __future__ import annotations

from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.keys import SigningKey
from gateway.signatures.xml.ids import index_ids
from gateway.signatures.xml.parsing import parse, read_envelope
from gateway.signatures.xmldsig.effort import Effort
from gateway.signatures.xmldsig.profile import SMEV
from gateway.signatures.xmldsig.signing import make_signature, sign_element, sign_enveloped

_IDS: Final = ("SIGNED_BY_CONSUMER", "SIGNED_BY_CALLER", "SIGNED_BY_SMEV", "PERSONAL_SIGNATURE")
_PLACES: Final = ("CallerInformationSystemSignature", "SMEVSignature", "PersonalSignature")


def sign_smev(content: bytes, key: SigningKey, *, element_id: str = "") -> bytes:
    """Return the message with its element signed; see the module for where.

    Without `element_id` it is the element that СМЭВ names (SIGNED_BY_CONSUMER, …); a document
    that has none is signed as a whole. The signature goes into the place for it that follows the
    element, made where there is none. Raises MalformedMessage, HouseError, CryptoUnavailable.
    """
    root = read_envelope(content)
    ids = index_ids(root)
    wanted = element_id or next((name for name in _IDS if name in ids.holders), "")
    if not wanted:
        return sign_enveloped(content, key, SMEV)
    target = ids.find(f"#{wanted}")
    if target is root:
        return sign_element(content, key, SMEV, element_id=wanted)
    place = _find_place(target)
    if len(place):
        raise MalformedMessage("the place of the signature is taken")
    effort = Effort(len(content))
    made = make_signature(target, key, SMEV, uri=f"#{wanted}", effort=effort)
    place.append(parse(made.encode()))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _find_place(target: etree._Element) -> etree._Element:
    """Return the element that follows the target and takes its signature."""
    after = target.getnext()
    if after is not None and etree.QName(after).localname in _PLACES:
        return after
    namespace = etree.QName(target).namespace
    made = etree.Element(etree.QName(namespace, _PLACES[0]))
    target.addnext(made)
    return made
