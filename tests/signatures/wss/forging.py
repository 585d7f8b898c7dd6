"""Writes signed envelopes with one thing wrong, from the standard and not from our signer."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lxml import etree

from gateway.signatures.algorithms import DigestAlgorithm
from gateway.signatures.keys import SigningKey

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
DS = "http://www.w3.org/2000/09/xmldsig#"
WSA = "http://www.w3.org/2005/08/addressing"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = f"{OASIS}wssecurity-secext-1.0.xsd"
WSU = f"{OASIS}wssecurity-utility-1.0.xsd"
X509 = f"{OASIS}x509-token-profile-1.0#X509v3"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
PLAIN = (f'<ds:Transform Algorithm="{EXCLUSIVE}"/>',)


@dataclass(frozen=True)
class Forgery:
    """A well-made envelope; change one field and it is broken."""

    key: SigningKey
    created: datetime
    soap: str = SOAP
    body: str = '<s:Body wsu:Id="b"><m:notice xmlns:m="urn:m">1</m:notice></s:Body>'
    headers: str = '<wsa:MessageID wsu:Id="m">urn:uuid:1</wsa:MessageID>'
    timestamp: str = ""
    signed: tuple[str, ...] = ("b", "t", "m")
    transforms: tuple[str, ...] = PLAIN
    canonicalisation: str = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
    prefixes: tuple[str, ...] = ()
    digest: DigestAlgorithm | None = None
    digest_uri: str = ""
    signature_uri: str = ""
    method: str = ""
    key_info: str = '<wsse:Reference URI="#k"/>'
    token: bytes | None = None
    token_type: str = X509
    uri: str = "#{}"
    security: str = 's:mustUnderstand="1"'
    inside: str = ""
    prologue: str = ""
    outside: str = ""
    replacements: dict[str, str] = field(default_factory=dict)
    """Done after the signing."""

    def but(self, **changes: object) -> Forgery:
        return replace(self, **changes)  # type: ignore[arg-type] # the dataclass checks names

    def write(self) -> bytes:
        text = self._text().replace("<SIGNATURE/>", self._signature())
        root = etree.fromstring(text.encode())
        signed_info = root.find(f".//{{{DS}}}SignedInfo")
        assert signed_info is not None
        octets = etree.tostring(
            signed_info, method="c14n", exclusive=True, inclusive_ns_prefixes=list(self.prefixes)
        )
        value = base64.b64encode(self.key.sign(octets)).decode()
        text = self.prologue + text.replace("VALUE", value)
        for old, new in self.replacements.items():
            assert old in text, old
            text = text.replace(old, new)
        return text.encode()

    def _text(self) -> str:
        token = base64.b64encode(
            self.key.certificate.der if self.token is None else self.token
        ).decode()
        expires = self.created + timedelta(minutes=10)
        life = self.timestamp or (
            f'<wsu:Timestamp wsu:Id="t"><wsu:Created>{self.created:%Y-%m-%dT%H:%M:%SZ}'
            f"</wsu:Created><wsu:Expires>{expires:%Y-%m-%dT%H:%M:%SZ}</wsu:Expires></wsu:Timestamp>"
        )
        return (
            f'<s:Envelope xmlns:s="{self.soap}" xmlns:wsa="{WSA}" xmlns:wsse="{WSSE}"'
            f' xmlns:wsu="{WSU}" xmlns:ds="{DS}" xmlns:x="urn:x"><s:Header>{self.headers}'
            f"<wsse:Security {self.security}>"
            f'<wsse:BinarySecurityToken ValueType="{self.token_type}" wsu:Id="k">{token}'
            f"</wsse:BinarySecurityToken>{life}{self.inside}<SIGNATURE/></wsse:Security>"
            f"</s:Header>{self.body}{self.outside}</s:Envelope>"
        )

    def _signature(self) -> str:
        uri = self.signature_uri or self.key.algorithm.uri
        method = self.method or f'<ds:SignatureMethod Algorithm="{uri}"/>'
        references = "".join(self._reference(one) for one in self.signed)
        return (
            f"<ds:Signature><ds:SignedInfo>{self.canonicalisation}{method}{references}"
            "</ds:SignedInfo><ds:SignatureValue>VALUE</ds:SignatureValue><ds:KeyInfo>"
            f"<wsse:SecurityTokenReference>{self.key_info}</wsse:SecurityTokenReference>"
            "</ds:KeyInfo></ds:Signature>"
        )

    def _reference(self, name: str) -> str:
        digest = self.digest or self.key.algorithm.digest
        root = etree.fromstring(self._text().replace("<SIGNATURE/>", "").encode())
        found = root.xpath("//*[@*[contains('Id ID id', local-name())] = $name]", name=name)
        assert isinstance(found, list)
        octets = b"".join(
            etree.tostring(
                one,  # type: ignore[arg-type] # the XPath answers with elements
                method="c14n",
                exclusive=True,
                with_comments=False,
                inclusive_ns_prefixes=list(self.prefixes),
            )
            for one in found[:1]
        )
        value = base64.b64encode(self._hash(digest, octets)).decode()
        return (
            f'<ds:Reference URI="{self.uri.format(name)}"><ds:Transforms>'
            f"{''.join(self.transforms)}</ds:Transforms>"
            f'<ds:DigestMethod Algorithm="{self.digest_uri or digest.uri}"/>'
            f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
        )

    def _hash(self, digest: DigestAlgorithm, octets: bytes) -> bytes:
        if digest.name in {"sha-1", "md5"}:
            return hashlib.new(digest.name.replace("-", ""), octets).digest()
        return self.key.backend.digest(digest, octets)
