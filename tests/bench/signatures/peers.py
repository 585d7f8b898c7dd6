"""The same work by libraries that are not ours: signxml, xmlsec, gostcrypto."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_private_key
from lxml import etree

from gateway.signatures.algorithms import Family
from gateway.signatures.certificates import write_pem
from tests.bench.signatures.material import NOON, Material
from tests.bench.signatures.meter import Work

_APART = Path(__file__).parents[3] / ".venv" / "peers"
"""Installed there by the Makefile: gostcrypto brings a top-level package `tests`."""
_EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_CURVE = "id-tc26-gost-3410-2012-256-paramSetB"  # CryptoPro-A by its newer name


def _load(name: str) -> Any:
    """Import a peer; one module of each is enough and none has types."""
    if str(_APART) not in sys.path:
        sys.path.append(str(_APART))
    return importlib.import_module(name)


def peers(material: Material, document: bytes) -> Iterator[tuple[str, str, Work]]:
    """Yield (row, peer, work) for every row that a peer can do."""
    if material.key.private.family in {Family.RSA, Family.EC}:
        yield from _signxml(material, document)
        yield from _xmlsec(material, document)


def _signxml(material: Material, document: bytes) -> Iterator[tuple[str, str, Work]]:
    signxml = _load("signxml")
    rsa = material.key.private.family is Family.RSA
    key = load_der_private_key(material.pkcs8, None)  # once: it checks RSA keys for long
    certificate = write_pem("CERTIFICATE", material.key.certificate.der).decode()
    signer = signxml.XMLSigner(
        method=signxml.methods.enveloped,
        signature_algorithm="rsa-sha256" if rsa else "ecdsa-sha256",
        c14n_algorithm=_EXC_C14N,
    )

    def sign() -> bytes:
        root = signer.sign(etree.fromstring(document), key=key, cert=certificate)
        return etree.tostring(root)

    signed = sign()
    wanted = signxml.SignatureConfiguration(verification_time=NOON)

    def verify() -> None:
        signxml.XMLVerifier().verify(signed, x509_cert=certificate, expect_config=wanted)

    yield "xmldsig_sign", "signxml", sign
    yield "xmldsig_verify", "signxml", verify


def _xmlsec(material: Material, document: bytes) -> Iterator[tuple[str, str, Work]]:
    xmlsec = _load("xmlsec")
    rsa = material.key.private.family is Family.RSA
    method = xmlsec.Transform.RSA_SHA256 if rsa else xmlsec.Transform.ECDSA_SHA256
    private = xmlsec.Key.from_memory(
        write_pem("PRIVATE KEY", material.pkcs8), xmlsec.KeyFormat.PEM, None
    )
    public = xmlsec.Key.from_memory(
        write_pem("CERTIFICATE", material.key.certificate.der), xmlsec.KeyFormat.CERT_PEM, None
    )

    def sign() -> bytes:
        root = etree.fromstring(document)
        node = xmlsec.template.create(root, xmlsec.Transform.EXCL_C14N, method)
        root.append(node)
        reference = xmlsec.template.add_reference(node, xmlsec.Transform.SHA256, uri="")
        xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        context = xmlsec.SignatureContext()
        context.key = private
        context.sign(node)
        return etree.tostring(root)

    signed = sign()

    def verify() -> None:
        root = etree.fromstring(signed)
        context = xmlsec.SignatureContext()
        context.key = public
        context.verify(xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature))

    yield "xmldsig_sign", "xmlsec", sign
    yield "xmldsig_verify", "xmlsec", verify


def gostcrypto_primitive(content: bytes) -> tuple[Work, Work]:
    """Return hash-and-sign and hash-and-verify by gostcrypto, which has no containers."""
    library = _load("gostcrypto")
    hashes, signatures = library.gosthash, library.gostsignature
    maker = signatures.new(signatures.MODE_256, signatures.CURVES_R_1323565_1_024_2019[_CURVE])
    private = bytearray(range(1, 33))
    public = maker.public_key_generate(private)

    def digest() -> Any:
        return hashes.new("streebog256", data=bytearray(content)).digest()

    made = maker.sign(private, digest())
    return (
        lambda: maker.sign(private, digest()),
        lambda: maker.verify(public, digest(), made),
    )
