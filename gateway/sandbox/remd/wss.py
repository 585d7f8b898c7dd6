"""WS-Security over envelopes: signed as ИПС signs, verified without mercy.

OASIS WSS 1.0 (2004-01) with the X.509 token profile; exclusive canonicalisation only.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lxml import etree

from gateway.errors import CryptoUnavailable, MalformedMessage, SenderError
from gateway.sandbox.remd.soap import WSU, Envelope, parse
from gateway.sandbox.remd.trust import Certificate, Standing, Trust, read_certificate
from gateway.signatures.algorithms import (
    DEFAULTS,
    MINIMUM_RSA_BITS,
    Family,
    SignatureAlgorithm,
    digest_by_uri,
    signature_by_uri,
)
from gateway.signatures.backends import Backend, PrivateKey

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
TOKEN_TYPE = _PROFILE + "x509-token-profile-1.0#X509v3"
BASE64 = _PROFILE + "soap-message-security-1.0#Base64Binary"
LIFE = timedelta(minutes=10)
LONGEST_LIFE = timedelta(hours=1)
MAX_REFERENCES = 8


class InsecureMessage(SenderError):  # noqa: N818 - a standing of the message
    """The envelope's signature does not hold, or does not cover what it must."""

    code = "security"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Who signed, and the very bytes that were signed."""

    certificate: Certificate
    body: bytes = field(repr=False)
    """The canonical bytes of the Body: nothing else may be read as its content."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key and its certificate."""

    key: PrivateKey
    certificate: bytes = field(repr=False)
    """DER."""
    backend: Backend = field(repr=False)

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """Return what this key signs with."""
        return DEFAULTS[self.key.family]

    def sign(self, root: etree._Element, *, now: datetime) -> None:
        """Sign Body, Timestamp and every header that carries a wsu:Id, in place."""
        version = etree.QName(root).namespace
        header, body = root.find(f"{{{version}}}Header"), root.find(f"{{{version}}}Body")
        if header is None or body is None:
            raise MalformedMessage("an envelope to be signed has Header and Body")
        security = etree.SubElement(header, f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "ds": DS})
        security.set(f"{{{version}}}mustUnderstand", "1")
        token = etree.SubElement(
            security, f"{{{WSSE}}}BinarySecurityToken", EncodingType=BASE64, ValueType=TOKEN_TYPE
        )
        token.set(f"{{{WSU}}}Id", "token")
        token.text = base64.b64encode(self.certificate).decode()
        stamp = _write_timestamp(security, now)
        named = [part for part in header if part.get(f"{{{WSU}}}Id") is not None]
        self._write_signature(security, [body, stamp, *named])

    def _write_signature(self, security: etree._Element, parts: list[etree._Element]) -> None:
        signature = etree.SubElement(security, f"{{{DS}}}Signature")
        info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
        etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", Algorithm=EXC_C14N)
        etree.SubElement(info, f"{{{DS}}}SignatureMethod", Algorithm=self.algorithm.uri)
        for part in parts:
            self._write_reference(info, part)
        value = etree.SubElement(signature, f"{{{DS}}}SignatureValue")
        made = self.backend.sign(self.key, self.algorithm, canonicalize(info))
        value.text = base64.b64encode(made).decode()
        key_info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
        where = etree.SubElement(key_info, f"{{{WSSE}}}SecurityTokenReference")
        etree.SubElement(where, f"{{{WSSE}}}Reference", URI="#token", ValueType=TOKEN_TYPE)

    def _write_reference(self, info: etree._Element, part: etree._Element) -> None:
        identifier = part.get(f"{{{WSU}}}Id")
        reference = etree.SubElement(info, f"{{{DS}}}Reference", URI=f"#{identifier}")
        transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
        etree.SubElement(transforms, f"{{{DS}}}Transform", Algorithm=EXC_C14N)
        digest = self.algorithm.digest
        etree.SubElement(reference, f"{{{DS}}}DigestMethod", Algorithm=digest.uri)
        made = self.backend.digest(digest, canonicalize(part))
        etree.SubElement(reference, f"{{{DS}}}DigestValue").text = base64.b64encode(made).decode()


class Verifier:
    """Verifies envelopes against the trusted folder."""

    def __init__(self, trust: Trust, backend: Backend, *, skew: timedelta) -> None:
        self._trust = trust
        self._backend = backend
        self._skew = skew

    def verify(self, envelope: Envelope, *, now: datetime) -> Verified:
        """Return who signed and what. Raises InsecureMessage."""
        try:
            return self._verify(envelope, now=now)
        except CryptoUnavailable as error:
            raise InsecureMessage("the algorithm cannot be checked here") from error

    def _verify(self, envelope: Envelope, *, now: datetime) -> Verified:
        root = envelope.root
        header = root.find(f"{{{envelope.version}}}Header")
        security = None if header is None else _only(header, f"{{{WSSE}}}Security")
        if security is None:
            raise InsecureMessage("no wsse:Security")
        signature = _need(security, f"{{{DS}}}Signature")
        info = _need(signature, f"{{{DS}}}SignedInfo")
        certificate = self._read_token(security, signature)
        algorithm = self._verify_value(signature, info, certificate)
        signed = self._verify_references(root, info, algorithm)
        body = _need(root, f"{{{envelope.version}}}Body")
        stamp = _need(security, f"{{{WSU}}}Timestamp")
        if body not in signed or stamp not in signed:
            raise InsecureMessage("Body and Timestamp must be signed")
        self._check_timestamp(signed[stamp], now)
        standing = self._trust.judge(certificate, now)
        if standing is not Standing.GOOD or not certificate.may_sign:
            raise InsecureMessage(f"the certificate is not good here: {standing}")
        return Verified(certificate=certificate, body=signed[body])

    def _read_token(self, security: etree._Element, signature: etree._Element) -> Certificate:
        path = f"{{{DS}}}KeyInfo/{{{WSSE}}}SecurityTokenReference/{{{WSSE}}}Reference"
        reference = _need(signature, path)
        token = _need(security, f"{{{WSSE}}}BinarySecurityToken")
        if reference.get("URI") != f"#{token.get(f'{{{WSU}}}Id')}":
            raise InsecureMessage("KeyInfo does not name the BinarySecurityToken")
        if token.get("ValueType") != TOKEN_TYPE:
            raise InsecureMessage("the BinarySecurityToken is no X509v3")
        try:
            return read_certificate(_decode(token))
        except MalformedMessage as error:
            raise InsecureMessage(error.text) from error

    def _verify_value(
        self, signature: etree._Element, info: etree._Element, certificate: Certificate
    ) -> SignatureAlgorithm:
        if _need(info, f"{{{DS}}}CanonicalizationMethod").get("Algorithm") != EXC_C14N:
            raise InsecureMessage("SignedInfo is to be canonicalised exclusively")
        uri = _need(info, f"{{{DS}}}SignatureMethod").get("Algorithm", "")
        algorithm = signature_by_uri(uri)
        if algorithm is None or algorithm.refused:
            raise InsecureMessage(f"the algorithm {uri} is not taken")
        try:
            key = self._backend.load_public(certificate.spki)
        except (CryptoUnavailable, MalformedMessage) as error:
            raise InsecureMessage("the key in the certificate cannot be used") from error
        if key.family is Family.RSA and key.bits < MINIMUM_RSA_BITS:
            raise InsecureMessage("the RSA key is too short")
        value = _decode(_need(signature, f"{{{DS}}}SignatureValue"))
        if not self._backend.verify(key, algorithm, value, canonicalize(info)):
            raise InsecureMessage("the signature value does not hold")
        return algorithm

    def _verify_references(
        self, root: etree._Element, info: etree._Element, algorithm: SignatureAlgorithm
    ) -> dict[etree._Element, bytes]:
        references = info.findall(f"{{{DS}}}Reference")
        if not 1 <= len(references) <= MAX_REFERENCES:
            raise InsecureMessage("one to eight references are taken")
        ids = _index_ids(root)
        signed = {}
        for reference in references:
            uri = reference.get("URI", "")
            target = ids.get(uri.removeprefix("#")) if uri.startswith("#") else None
            if target is None:
                raise InsecureMessage("a reference names nothing in this message")
            _check_transforms(reference)
            digest = digest_by_uri(_need(reference, f"{{{DS}}}DigestMethod").get("Algorithm", ""))
            if digest is not algorithm.digest:
                raise InsecureMessage("the digest is not of the signature's family")
            octets = canonicalize(target)
            if self._backend.digest(digest, octets) != _decode(
                _need(reference, f"{{{DS}}}DigestValue")
            ):
                raise InsecureMessage("a digest does not hold")
            signed[target] = octets
        return signed

    def _check_timestamp(self, octets: bytes, now: datetime) -> None:
        stamp = parse(octets)
        created, expires = (
            _read_moment(_need(stamp, f"{{{WSU}}}{name}")) for name in ("Created", "Expires")
        )
        if created > now + self._skew or expires < now - self._skew:
            raise InsecureMessage("the Timestamp is not of this moment")
        if not timedelta() < expires - created <= LONGEST_LIFE:
            raise InsecureMessage("the Timestamp lives too long or not at all")


def canonicalize(element: etree._Element) -> bytes:
    """Return the exclusive canonical form without comments (W3C exc-c14n 1.0)."""
    octets: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    return octets


def _write_timestamp(security: etree._Element, now: datetime) -> etree._Element:
    stamp = etree.SubElement(security, f"{{{WSU}}}Timestamp")
    stamp.set(f"{{{WSU}}}Id", "timestamp")
    for name, moment in (("Created", now), ("Expires", now + LIFE)):
        text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        etree.SubElement(stamp, f"{{{WSU}}}{name}").text = text
    return stamp


def _check_transforms(reference: etree._Element) -> None:
    transforms = reference.findall(f"{{{DS}}}Transforms/{{{DS}}}Transform")
    if [one.get("Algorithm") for one in transforms] != [EXC_C14N]:
        raise InsecureMessage("exclusive canonicalisation is the one transform that is taken")
    if len(transforms[0]):
        raise InsecureMessage("a prefix list is not taken")


def _index_ids(root: etree._Element) -> dict[str, etree._Element]:
    index: dict[str, etree._Element] = {}
    for element in root.iter("*"):
        for name, value in element.items():
            if etree.QName(name).localname.lower() != "id":
                continue
            if str(value) in index:
                raise InsecureMessage("an Id is there twice")
            index[str(value)] = element
    return index


def _only(parent: etree._Element, path: str) -> etree._Element | None:
    found = parent.findall(path)
    if len(found) > 1:
        raise InsecureMessage(f"{path.rpartition('}')[2]} is there twice")
    return found[0] if found else None


def _need(parent: etree._Element, path: str) -> etree._Element:
    found = _only(parent, path)
    if found is None:
        raise InsecureMessage(f"{path.rpartition('}')[2]} is missing")
    return found


def _decode(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InsecureMessage("base64 is broken") from error


def _read_moment(element: etree._Element) -> datetime:
    try:
        moment = datetime.fromisoformat((element.text or "").strip())
    except ValueError as error:
        raise InsecureMessage("the Timestamp is no time") from error
    if moment.tzinfo is None:
        raise InsecureMessage("the Timestamp has no zone")
    return moment
