"""Does the crypto here work: known answers and a round trip for each family, run at the start."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import GatewayError
from gateway.signatures.algorithms import (
    DEFAULTS,
    SHA_256,
    STREEBOG_256,
    STREEBOG_512,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends.chooser import Chooser

# RFC 6986 §10.1.1, message M1, and FIPS 180-4's "abc". The RFC prints numbers, lowest octet last.
_M1 = b"012345678901234567890123456789012345678901234567890123456789012"
_KNOWN: tuple[tuple[DigestAlgorithm, bytes, str], ...] = (
    (SHA_256, b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
        STREEBOG_256,
        _M1,
        "9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500",
    ),
    (
        STREEBOG_512,
        _M1,
        "1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48",
    ),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing tried: `backend` did it, or is empty when nobody can."""

    name: str
    backend: str
    passed: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What the crypto of this machine can do."""

    backend: str
    checks: tuple[Check, ...]

    @property
    def broken(self) -> tuple[Check, ...]:
        """What a backend claims to do and does wrong: a reason not to start."""
        return tuple(check for check in self.checks if check.backend and not check.passed)

    @property
    def missing(self) -> tuple[Check, ...]:
        """What no backend here can do: a warning; exchanges that need it wait."""
        return tuple(check for check in self.checks if not check.backend)


def run_self_test(backend: Chooser) -> SelfTest:
    """Try every hash and every key family; never raises."""
    hashes = [_check_hash(backend, *known) for known in _KNOWN]
    families = [_check_family(backend, family, row) for family, row in DEFAULTS.items()]
    return SelfTest(backend.name, (*hashes, *families))


def _check_hash(
    backend: Chooser, algorithm: DigestAlgorithm, message: bytes, expected: str
) -> Check:
    doer = next((backend.doing(row) for row in DEFAULTS.values() if row.digest is algorithm), "")
    try:
        passed = backend.digest(algorithm, message).hex() == expected
    except GatewayError as error:
        return Check(algorithm.name, doer, passed=False, why=error.text)
    return Check(algorithm.name, doer, passed, "" if passed else "wrong hash")


def _check_family(backend: Chooser, family: Family, algorithm: SignatureAlgorithm) -> Check:
    doer = backend.doing(algorithm)
    try:
        private = backend.load_private(backend.generate(family))
        public = backend.load_public(private.spki)
        signature = backend.sign(private, algorithm, _M1)
        good = backend.verify(public, algorithm, signature, _M1)
        fooled = backend.verify(public, algorithm, signature, _M1 + b"!")
    except GatewayError as error:
        return Check(algorithm.name, doer, passed=False, why=error.text)
    passed = good and not fooled
    return Check(algorithm.name, doer, passed, "" if passed else "wrong verdict")
