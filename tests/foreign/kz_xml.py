"""Judges an XML signature of Kazakhstan with OpenSSL alone: `kz_xml.py OPENSSL DOCUMENT`.

Imports nothing of the gateway. The last child of the root is the signature; the rest is made
canonical and hashed. The key's OIDs are rewritten to those of RFC 9215, the octets of the signature
turned round, and `openssl dgst -md_gost12_512` does the rest. Prints whether the signature fits
SignedInfo, and whether the digest is the document's.
"""

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

from asn1crypto import core, x509
from lxml import etree

DS = "{http://www.w3.org/2000/09/xmldsig#}"
KZ_KEY, RU_KEY = "1.2.398.3.10.1.1.2.2", "1.2.643.7.1.1.1.2"
RU_DIGEST, RU_CURVE = "1.2.643.7.1.1.2.3", "1.2.643.7.1.2.1.2.1"


def oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])
    return bytes([tag]) + length + body


def russian_key(certificate: bytes) -> bytes:
    """Return SubjectPublicKeyInfo with the same point under the names of RFC 9215."""
    spki = x509.Certificate.load(certificate)["tbs_certificate"]["subject_public_key_info"]
    members = core.SequenceOf.load(spki.dump(), spec=core.Any)
    assert oid(KZ_KEY) in members[0].dump()
    names = tlv(0x30, oid(RU_KEY), tlv(0x30, oid(RU_CURVE), oid(RU_DIGEST)))
    return tlv(0x30, names, members[1].dump())


def octets(signature: etree._Element, path: str) -> bytes:
    text = signature.findtext(f".//{DS}{path}")
    assert text is not None
    return base64.b64decode(text)


def run(*command: object) -> bytes:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).stdout


def main(openssl: str, document: Path) -> None:
    root = etree.fromstring(document.read_bytes())
    signature = root[-1]
    signed_info = signature.find(f"{DS}SignedInfo")
    assert signed_info is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key").write_bytes(russian_key(octets(signature, "X509Certificate")))
        (folder / "value").write_bytes(octets(signature, "SignatureValue")[::-1])
        (folder / "signed").write_bytes(etree.tostring(signed_info, method="c14n"))
        stated = octets(signature, "DigestValue")
        root.remove(signature)
        (folder / "content").write_bytes(etree.tostring(root, method="c14n", with_comments=False))
        run(openssl, "pkey", "-engine", "gost", "-pubin", "-inform", "DER", "-in", folder / "key",
            "-out", folder / "pem")  # fmt: skip
        judged = run(
            openssl, "dgst", "-engine", "gost", "-md_gost12_512", "-verify", folder / "pem",
            "-signature", folder / "value", folder / "signed",
        )  # fmt: skip
        real = run(
            openssl, "dgst", "-engine", "gost", "-md_gost12_512", "-binary", folder / "content"
        )
    sys.stdout.write(f"signature: {judged.decode().strip() or 'nothing'}\n")
    sys.stdout.write(f"digest: {'equal' if real == stated else 'different'}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
