"""Does the crypto here work: known answers and a round trip for each family, run at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import CryptoUnavailable, GatewayError
from gateway.signatures.algorithms import DEFAULTS, DigestAlgorithm, Family, signs_with
from gateway.signatures.backends.chooser import Chooser
from gateway.signatures.backends.vectors import CERTIFICATES, HASHES, M1, Signed

_KEYS = (*((family, 0) for family in DEFAULTS), (Family.EC, 384))


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
    families: Mapping[str, str]
    """Who does each family of keys; empty where nobody can."""

    @property
    def broken(self) -> tuple[Check, ...]:
        """What a backend claims to do and does wrong: a reason not to start."""
        return tuple(check for check in self.checks if check.backend and not check.passed)

    @property
    def missing(self) -> tuple[Check, ...]:
        """What no backend here can do: a warning; exchanges that need it wait."""
        return tuple(check for check in self.checks if not check.backend)


def run_self_test(backend: Chooser) -> SelfTest:
    """Try every hash, every key family and every published certificate; never raises."""
    hashes = [_check_hash(backend, *known) for known in HASHES]
    keys = [_check_key(backend, family, bits) for family, bits in _KEYS]
    published = [_check_certificate(backend, each) for each in CERTIFICATES]
    families = {family.value: backend.doing(row) for family, row in DEFAULTS.items()}
    return SelfTest(backend.name, (*hashes, *keys, *published), families)


def _check_hash(
    backend: Chooser, algorithm: DigestAlgorithm, message: bytes, expected: str
) -> Check:
    doer = next((backend.doing(row) for row in DEFAULTS.values() if row.digest is algorithm), "")
    try:
        passed = backend.digest(algorithm, message).hex() == expected
    except GatewayError as error:
        return Check(algorithm.name, doer, passed=False, why=error.text)
    return Check(algorithm.name, doer, passed, "" if passed else "wrong hash")


def _check_key(backend: Chooser, family: Family, bits: int) -> Check:
    algorithm = signs_with(family, bits)
    doer = backend.doing(algorithm)
    try:
        private = backend.load_private(backend.generate(family, bits))
        public = backend.load_public(private.spki)
        signature = backend.sign(private, algorithm, M1)
        good = backend.verify(public, algorithm, signature, M1)
        fooled = backend.verify(public, algorithm, signature, M1 + b"!")
    except GatewayError as error:
        return Check(algorithm.name, doer, passed=False, why=error.text)
    passed = good and not fooled
    return Check(algorithm.name, doer, passed, "" if passed else "wrong verdict")


def _check_certificate(backend: Chooser, signed: Signed) -> Check:
    spki, signature, content = signed.open()
    try:
        public = backend.load_public(spki)
    except CryptoUnavailable as error:  # the curve: there are more of them than GnuTLS knows
        return Check(signed.name, "", passed=False, why=error.text)
    except GatewayError as error:
        return Check(signed.name, backend.doing(signed.algorithm), passed=False, why=error.text)
    good = backend.verify(public, signed.algorithm, signature, content)
    fooled = backend.verify(public, signed.algorithm, signature, content + b"!")
    passed = good and not fooled
    return Check(signed.name, public.backend, passed, "" if passed else "wrong verdict")
