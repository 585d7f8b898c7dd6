"""Judges a CMS of Kazakhstan with OpenSSL alone: `kz_cms.py OPENSSL CMS CONTENT`.

Imports nothing of the gateway. The key's OIDs are rewritten to those of RFC 9215, the octets of the
signature turned round, and `openssl dgst -md_gost12_512` does the rest. Prints whether the
signature fits the signed attributes, and whether their digest is the content's.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from asn1crypto import cms, core

KZ_KEY, RU_KEY = "1.2.398.3.10.1.1.2.2", "1.2.643.7.1.1.1.2"
KZ_DIGEST, RU_DIGEST = "1.2.398.3.10.1.3.3", "1.2.643.7.1.1.2.3"
RU_CURVE = "1.2.643.7.1.2.1.2.1"


def oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])
    return bytes([tag]) + length + body


def russian_key(certificate: cms.Certificate) -> bytes:
    """Return SubjectPublicKeyInfo with the same point under the names of RFC 9215."""
    spki = certificate["tbs_certificate"]["subject_public_key_info"]
    members = core.SequenceOf.load(spki.dump(), spec=core.Any)
    point = members[1].dump()
    assert oid(KZ_KEY) in members[0].dump()
    return tlv(0x30, tlv(0x30, oid(RU_KEY), tlv(0x30, oid(RU_CURVE), oid(RU_DIGEST))), point)


def run(*command: object) -> bytes:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False).stdout


def main(openssl: str, container: Path, content: Path) -> None:
    signed = cms.ContentInfo.load(container.read_bytes())["content"]
    signer = next(
        one
        for one in signed["signer_infos"]
        if one["digest_algorithm"]["algorithm"].dotted == KZ_DIGEST
    )
    serial = signer["sid"].chosen["serial_number"].native
    certificate = next(
        one.chosen
        for one in signed["certificates"]
        if one.chosen["tbs_certificate"]["serial_number"].native == serial
    )
    stated = next(
        one["values"][0].native
        for one in signer["signed_attrs"]
        if one["type"].native == "message_digest"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key").write_bytes(russian_key(certificate))
        (folder / "value").write_bytes(signer["signature"].native[::-1])
        (folder / "signed").write_bytes(b"\x31" + signer["signed_attrs"].dump()[1:])
        run(openssl, "pkey", "-engine", "gost", "-pubin", "-inform", "DER", "-in", folder / "key",
            "-out", folder / "pem")  # fmt: skip
        judged = run(
            openssl, "dgst", "-engine", "gost", "-md_gost12_512", "-verify", folder / "pem",
            "-signature", folder / "value", folder / "signed",
        )  # fmt: skip
    real = run(openssl, "dgst", "-engine", "gost", "-md_gost12_512", "-binary", content)
    sys.stdout.write(f"signature: {judged.decode().strip() or 'nothing'}\n")
    sys.stdout.write(f"digest: {'equal' if real == stated else 'different'}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
