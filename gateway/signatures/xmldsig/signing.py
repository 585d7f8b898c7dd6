"""Signs documents. Their octets stay as they are: a signature is put between them.

Nothing of a document is written anew, so whoever has signed it before has still signed it.
"""

from __future__ import annotations

from lxml import etree

from gateway.errors import HouseError, MalformedMessage
from gateway.signatures.keys import SigningKey
from gateway.signatures.xml.canonical import IS_EXCLUSIVE, canonical
from gateway.signatures.xml.ids import index_ids
from gateway.signatures.xml.names import ENVELOPED, SIGNATURE, XML
from gateway.signatures.xml.parsing import parse, read_xml
from gateway.signatures.xml.writing import (
    write_reference,
    write_signature,
    write_signed_info,
    write_x509_data,
)
from gateway.signatures.xmldsig.effort import Effort
from gateway.signatures.xmldsig.octets import write_octets
from gateway.signatures.xmldsig.profile import PLAIN, Profile


def sign_enveloped(content: bytes, key: SigningKey, profile: Profile = PLAIN) -> bytes:
    """Return the document with a signature over all of it as the last child of its root.

    `content` is XML in UTF-8. Under a profile that peels it may be signed already. Raises
    MalformedMessage, HouseError for what the profile does not admit, CryptoUnavailable.
    """
    _need_allowed(key, profile)
    root = read_xml(content)
    if not profile.peeling and next(root.iter(SIGNATURE), None) is not None:
        raise HouseError("the document is signed already")
    chain = (ENVELOPED, *profile.chain)
    octets = write_octets(root, chain, Effort(len(content)))
    signature = _sign(octets, key, profile, uri="", chain=chain, root=root)
    return _append(content, root, signature)


def sign_element(
    content: bytes, key: SigningKey, profile: Profile = PLAIN, *, element_id: str
) -> bytes:
    """Return the document with a signature over its element of this id, last in its root.

    Raises as `sign_enveloped`, MalformedMessage when not exactly one element has the id.
    """
    _need_allowed(key, profile)
    root = read_xml(content)
    target = index_ids(root).find(f"#{element_id}")
    chain = (ENVELOPED, *profile.chain) if target is root else profile.chain
    octets = write_octets(target, chain, Effort(len(content)))
    uri = f"#{element_id}"
    return _append(content, root, _sign(octets, key, profile, uri=uri, chain=chain, root=root))


def sign_detached(content: bytes, key: SigningKey, profile: Profile = PLAIN) -> bytes:
    """Return a document of its own: a signature over any octets, that stay where they are.

    Its reference has no URI: the receiver knows what was signed (XML-DSig §4.4.3.1). Raises
    HouseError for what the profile does not admit, CryptoUnavailable.
    """
    _need_allowed(key, profile)
    return _sign(content, key, profile, uri=None, chain=()).encode()


def make_signature(
    target: etree._Element, key: SigningKey, profile: Profile, *, uri: str, effort: Effort
) -> str:
    """Return a signature over an element, to stand anywhere outside of it."""
    octets = write_octets(target, profile.chain, effort)
    return _sign(octets, key, profile, uri=uri, chain=profile.chain)


def _need_allowed(key: SigningKey, profile: Profile) -> None:
    if key.algorithm not in profile.allowed:
        raise HouseError(
            f"{key.algorithm.name} is not signed with under the profile {profile.name}"
        )


def _sign(
    octets: bytes,
    key: SigningKey,
    profile: Profile,
    *,
    uri: str | None,
    chain: tuple[str, ...],
    root: etree._Element | None = None,
) -> str:
    digest = key.algorithm.digest
    reference = write_reference(digest, key.backend.digest(digest, octets), uri=uri, chain=chain)
    signed_info = write_signed_info(key, reference, profile.method)
    canonical_info = signed_info.encode()
    if not IS_EXCLUSIVE[profile.method] and root is not None:
        canonical_info = _write_inside(signed_info, root, profile.method)
    return write_signature(key, signed_info, canonical_info, write_x509_data(key))


def _write_inside(signed_info: str, root: etree._Element, method: str) -> bytes:
    """Return SignedInfo as an inclusive form writes it below the root, with all in its scope."""
    inherited = {
        str(name): str(value) for name, value in root.items() if str(name).startswith(f"{{{XML}}}")
    }
    like = etree.Element(root.tag, inherited, nsmap=root.nsmap)  # type: ignore[arg-type] # stubs forget the default namespace
    inside = parse(signed_info.encode())
    like.append(inside)
    return canonical(inside, method)


def _append(content: bytes, root: etree._Element, signature: str) -> bytes:
    """Put the signature before the end of the root element."""
    if root.getnext() is not None:
        raise MalformedMessage("nothing may follow the root of a document that is to be signed")
    body = content.rstrip()
    if body.endswith(b"/>"):
        local = etree.QName(root).localname
        name = f"{root.prefix}:{local}" if root.prefix else local
        return body[:-2] + f">{signature}</{name}>".encode()
    end = body.rindex(b"</")
    return content[:end] + signature.encode() + content[end:]
