"""Writes signed documents with one thing wrong, from the standard and not from our signer."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace

from lxml import etree

from gateway.signatures.algorithms import DigestAlgorithm
from gateway.signatures.backends.octets import value_in_xml
from gateway.signatures.keys import SigningKey

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
ENVELOPED = f"{DS}enveloped-signature"
SMEV = "urn://smev-gov-ru/xmldsig/transform"


def transform(algorithm: str, inside: str = "") -> str:
    return f'<ds:Transform Algorithm="{algorithm}">{inside}</ds:Transform>'


@dataclass(frozen=True)
class Forgery:
    """A well-made signed document; change one field and it is broken.

    `document` holds `<SIGNATURE/>` where the signature goes. `uri` leads to what is hashed: the
    whole without the signature, or the element of that Id.
    """

    key: SigningKey
    document: str = '<a xmlns="urn:a"><amount Id="x">100</amount><SIGNATURE/></a>'
    uri: str | None = ""
    transforms: tuple[str, ...] = (transform(ENVELOPED), transform(EXCLUSIVE))
    method: str = EXCLUSIVE
    method_inside: str = ""
    algorithm: str = ""
    algorithm_inside: str = ""
    digest: DigestAlgorithm | None = None
    digest_uri: str = ""
    octets: bytes | None = None
    """What is hashed, where it is not what `uri` leads to."""
    references: int = 1
    attributes: str = ""
    key_info: str = (
        "<ds:X509Data><ds:X509Certificate>CERTIFICATE</ds:X509Certificate></ds:X509Data>"
    )
    inside: str = ""
    value: bytes | None = None
    prologue: str = ""
    replacements: dict[str, str] = field(default_factory=dict)
    """Done after the signing."""

    def but(self, **changes: object) -> Forgery:
        return replace(self, **changes)  # type: ignore[arg-type] # the dataclass checks names

    def write(self) -> bytes:
        text = self.document.replace("<SIGNATURE/>", self._signature())
        signed_info = etree.fromstring(text.encode()).find(f".//{{{DS}}}SignedInfo")
        assert signed_info is not None
        octets = etree.tostring(
            signed_info, method="c14n", exclusive=self.method.startswith(EXCLUSIVE)
        )
        signature = value_in_xml(self.key.algorithm.family, self.key.sign(octets))
        value = base64.b64encode(self.value or signature).decode()
        text = self.prologue + text.replace("VALUE", value)
        for old, new in self.replacements.items():
            assert old in text, old
            text = text.replace(old, new)
        return text.encode()

    def _signature(self) -> str:
        certificate = base64.b64encode(self.key.certificate.der).decode()
        uri = self.algorithm or self.key.algorithm.uri
        return (
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
            f'<ds:CanonicalizationMethod Algorithm="{self.method}">{self.method_inside}'
            "</ds:CanonicalizationMethod>"
            f'<ds:SignatureMethod Algorithm="{uri}">{self.algorithm_inside}</ds:SignatureMethod>'
            f"{self._reference() * self.references}</ds:SignedInfo>"
            "<ds:SignatureValue>VALUE</ds:SignatureValue>"
            f"<ds:KeyInfo>{self.key_info.replace('CERTIFICATE', certificate)}</ds:KeyInfo>"
            f"{self.inside}</ds:Signature>"
        )

    def _reference(self) -> str:
        digest = self.digest or self.key.algorithm.digest
        value = base64.b64encode(self.key.backend.digest(digest, self._octets())).decode()
        uri = "" if self.uri is None else f' URI="{self.uri}"'
        steps = f"<ds:Transforms>{''.join(self.transforms)}</ds:Transforms>"
        return (
            f"<ds:Reference{uri}{self.attributes}>{steps if self.transforms else ''}"
            f'<ds:DigestMethod Algorithm="{self.digest_uri or digest.uri}"/>'
            f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
        )

    def _octets(self) -> bytes:
        if self.octets is not None:
            return self.octets
        root = etree.fromstring(self.document.replace("<SIGNATURE/>", "").encode())
        name = (self.uri or "").lstrip("#")
        found = root.xpath("//*[@Id = $name]", name=name) if name else [root]
        assert isinstance(found, list)
        return etree.tostring(
            found[0],  # type: ignore[arg-type] # the XPath answers with elements
            method="c14n",
            exclusive=any(EXCLUSIVE in each for each in self.transforms),
            with_comments=False,
        )
