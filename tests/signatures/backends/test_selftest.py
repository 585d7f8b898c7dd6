"""What the start tries, and what it says of a machine that cannot."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from gateway.errors import CryptoUnavailable, MalformedMessage
from gateway.signatures.algorithms import DEFAULTS, GOST_512, Family, SignatureAlgorithm
from gateway.signatures.backends import Chooser, PublicKey, open_backend, run_self_test
from gateway.signatures.backends.chooser import assemble
from gateway.signatures.backends.libcrypto import LibcryptoBackend
from gateway.signatures.backends.libgnutls import open_libgnutls
from gateway.signatures.backends.openssl import Libcrypto, open_libcrypto
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.backends.vectors import CERTIFICATES

PUBLISHED = {each.name for each in CERTIFICATES}
FOREIGN_CURVES = PUBLISHED - {"tk-26 256-xcha"}
GOST = {"streebog-256", "streebog-512", "gost-256", "gost-512", "gost-512-kz"}


def test_every_family_works_on_this_machine() -> None:
    tested = run_self_test(open_backend())

    assert not tested.broken
    assert all(tested.families.values()), "install libengine-gost-openssl (make setup does)"
    if os.getenv("OPENSSL_ENGINES"):
        assert tested.backend == "libcrypto+gnutls"
        assert {check.name for check in tested.missing} == FOREIGN_CURVES
    else:
        assert tested.backend == "libcrypto-gost"
        assert not tested.missing


def test_gnutls_does_gost_where_there_is_no_libcrypto() -> None:
    tested = run_self_test(assemble(None, open_libgnutls()))

    assert not tested.broken
    assert {check.name for check in tested.missing} == FOREIGN_CURVES
    assert all("gnutls has no curve" in check.why for check in tested.missing)
    assert tested.families == {
        "rsa": "cryptography",
        "ec": "cryptography",
        "gost-256": "gnutls",
        "gost-512": "gnutls",
        "gost-512-kz": "kz over gnutls",
    }


def test_without_gnutls_too_rsa_and_ec_go_on() -> None:
    tested = run_self_test(assemble(None, None))

    assert tested.backend == "cryptography"
    assert not tested.broken
    assert {check.name for check in tested.missing} == GOST | PUBLISHED
    assert {name for name, backend in tested.families.items() if not backend} == {
        "gost-256",
        "gost-512",
        "gost-512-kz",
    }


def test_engine_comes_before_gnutls() -> None:
    both = assemble(open_libcrypto(), open_libgnutls())

    hidden = bool(os.getenv("OPENSSL_ENGINES"))
    assert both.doing(GOST_512) == ("gnutls" if hidden else "libcrypto-gost")
    assert all(both.doing(row) for row in DEFAULTS.values())


HIDDEN = """
from gateway.signatures.algorithms import Family
from gateway.signatures.backends import open_backend, run_self_test
from gateway.signatures.backends.chooser import assemble
from gateway.signatures.backends.openssl import open_libcrypto
both, alone = open_backend(), assemble(open_libcrypto(), None)
for backend in (both, alone):
    tested = run_self_test(backend)
    print(backend.name, len(tested.broken), len(tested.missing))
key = both.generate(Family.GOST_256)
for read, octets in ((alone.load_private, key), (alone.load_public, both.load_private(key).spki)):
    try:
        read(octets)
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_engine_that_is_hidden_leaves_gost_to_gnutls_or_to_nobody() -> None:
    done = subprocess.run(
        ["env", "OPENSSL_ENGINES=/nonexistent", sys.executable, "-c", HIDDEN],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"libcrypto+gnutls 0 {len(FOREIGN_CURVES)}",
        f"libcrypto 0 {len(GOST | PUBLISHED)}",
        "CryptoUnavailable GOST keys need libengine-gost-openssl",
        "CryptoUnavailable no backend here can use a public key of gost-256",
    ]


@pytest.mark.parametrize("family", [Family.GOST_256, Family.GOST_512])
def test_libcrypto_without_its_engine_says_what_a_gost_key_needs(family: Family) -> None:
    class Plain(Libcrypto):
        """As where the engine is not installed: no GOST hash, no GOST key."""

        def __init__(self) -> None:
            super().__init__(ctypes.CDLL("libcrypto.so.3"))
            self.has_gost = False

        def read_private(self, key: bytes, password: bytes | None) -> None:
            return None

        def read_public(self, spki: bytes) -> None:
            return None

    key, plain = open_backend().generate(family), LibcryptoBackend(Plain())
    spki = open_backend().load_private(key).spki

    for read, octets in ((plain.load_private, key), (plain.load_public, spki)):
        with pytest.raises(CryptoUnavailable, match="need libengine-gost-openssl"):
            read(octets)
    assert plain.name == "libcrypto"
    assert not plain.supports(GOST_512)
    with pytest.raises(CryptoUnavailable):
        plain.generate(family)


class Liar(Pyca):
    """Calls every signature good."""

    name = "liar"

    def verify(self, *_: object) -> bool:
        return True


class Sulker(Pyca):
    """Calls every signature bad."""

    name = "sulker"

    def verify(self, *_: object) -> bool:
        return False


@pytest.mark.parametrize("kind", [Liar, Sulker])
def test_self_test_catches_a_backend_that_always_says_the_same(kind: type[Pyca]) -> None:
    tested = run_self_test(Chooser([kind()]))

    assert {check.name for check in tested.broken} == {
        "rsa-sha256",
        "ecdsa-sha256",
        "ecdsa-sha384",
    }
    assert {check.why for check in tested.broken} == {"wrong verdict"}


class Overhearing(Chooser):
    """Turns the answers about other content than was signed around, or those about it."""

    def __init__(self, *turned: bool) -> None:
        super().__init__([])
        self._turned = turned

    def doing(self, algorithm: SignatureAlgorithm) -> str:
        return open_backend().doing(algorithm)

    def load_public(self, spki: bytes) -> PublicKey:
        return open_backend().load_public(spki)

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        turn = self._turned[content.endswith(b"!")]
        return open_backend().verify(key, algorithm, signature, content) ^ turn


@pytest.mark.parametrize("answers", [(True, False), (False, True)])
def test_published_certificate_must_verify_and_must_not_when_changed(
    answers: tuple[bool, bool],
) -> None:
    broken = {check.name for check in run_self_test(Overhearing(*answers)).broken}

    assert "tk-26 256-xcha" in broken


def test_published_certificate_that_cannot_be_read_is_a_fault_and_no_want() -> None:
    class Illiterate(Overhearing):
        def load_public(self, spki: bytes) -> PublicKey:
            raise MalformedMessage("the public key cannot be read")

    tested = run_self_test(Illiterate(False, False))

    assert "tk-26 256-xcha" in {check.name for check in tested.broken}


def test_wrong_hash_is_a_fault() -> None:
    class Careless(Pyca):
        name = "careless"

        def digest(self, *_: object) -> bytes:
            return b"\0" * 32

    (check,) = (
        one for one in run_self_test(Chooser([Careless()])).broken if one.why == "wrong hash"
    )

    assert (check.name, check.backend) == ("sha-256", "careless")
