"""Makes of a PKCS#12 that openssl wrote one as НУЦ РК gives it: the same key under its OIDs.

No container of the authority may be shown here, so this is what the tests try.
"""

from __future__ import annotations

import hashlib
import hmac

from asn1crypto import pkcs12
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

RUSSIAN = bytes.fromhex("302106082a85030701010102301506092a850307010201020106082a85030701010203")


def relabel(key: bytes) -> bytes:
    """Return a PKCS#8 key of TC26-512-A under the OIDs of НУЦ РК."""
    body = key[2:] if key[1] < 0x80 else key[3:]
    assert body[3 : 3 + len(RUSSIAN)] == RUSSIAN
    changed = body[:3] + kazakh() + body[3 + len(RUSSIAN) :]
    return bytes((0x30, len(changed))) + changed


def kazakh() -> bytes:
    """Return the AlgorithmIdentifier of НУЦ РК, its lengths counted."""

    def sequence(*parts: bytes) -> bytes:
        joined = b"".join(parts)
        return bytes((0x30, len(joined))) + joined

    def oid(text: str) -> bytes:
        octets = bytes.fromhex(text)
        return bytes((0x06, len(octets))) + octets

    # 1.2.398.3.10.1.1.2.2, its parameters …2.2.1, the hash 1.2.398.3.10.1.3.3
    return sequence(
        oid("2a830e030a01010202"), sequence(oid("2a830e030a0101020201"), oid("2a830e030a010303"))
    )


def relabel_container(content: bytes, password: str) -> bytes:
    """Return the container with its one key relabelled, sealed with 3DES and sealed over again."""
    pfx = pkcs12.Pfx.load(content)
    safes = []
    for safe in pfx.authenticated_safe:
        bags = pkcs12.SafeContents.load(safe["content"].native)
        for bag in bags:
            _reseal(bag["bag_value"], password)
        safe["content"] = bags.dump(force=True)
        safes.append(safe)
    authenticated = pkcs12.AuthenticatedSafe(safes).dump(force=True)
    pfx["auth_safe"]["content"] = authenticated
    mac = pfx["mac_data"]
    key = derive(password, mac["mac_salt"].native, mac["iterations"].native, 3, 32, "sha256")
    mac["mac"]["digest"] = hmac.digest(key, authenticated, "sha256")
    result: bytes = pfx.dump(force=True)
    return result


def _reseal(sealed: object, password: str) -> None:
    algorithm = sealed["encryption_algorithm"]  # type: ignore[index] # asn1crypto has no types
    parameters = algorithm["parameters"].native
    salt, iterations = parameters["salt"], parameters["iterations"]
    cipher = Cipher(
        TripleDES(derive(password, salt, iterations, 1, 24, "sha1")),
        modes.CBC(derive(password, salt, iterations, 2, 8, "sha1")),
    )
    opener, unpadder = cipher.decryptor(), PKCS7(64).unpadder()
    octets = sealed["encrypted_data"].native  # type: ignore[index] # as above
    plain = unpadder.update(opener.update(octets) + opener.finalize()) + unpadder.finalize()
    sealer, padder = cipher.encryptor(), PKCS7(64).padder()
    padded = padder.update(relabel(plain)) + padder.finalize()
    sealed["encrypted_data"] = sealer.update(padded) + sealer.finalize()  # type: ignore[index] # as above


def derive(
    password: str, salt: bytes, iterations: int, purpose: int, size: int, name: str
) -> bytes:
    """Return octets of a password (RFC 7292 appendix B.2)."""
    block = hashlib.new(name).block_size
    word = password.encode("utf-16-be") + b"\0\0"
    filled = _fill(salt, block) + _fill(word, block)
    made = b""
    while len(made) < size:
        one = bytes([purpose]) * block + filled
        for _ in range(iterations):
            one = hashlib.new(name, one).digest()
        made += one
        add = int.from_bytes((one * block)[:block], "big") + 1
        filled = b"".join(
            ((int.from_bytes(filled[at : at + block], "big") + add) % (1 << 8 * block)).to_bytes(
                block, "big"
            )
            for at in range(0, len(filled), block)
        )
    return made[:size]


def _fill(octets: bytes, block: int) -> bytes:
    """Repeat the octets up to whole blocks."""
    size = block * -(-len(octets) // block)
    return (octets * block)[:size]
