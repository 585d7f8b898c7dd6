"""Keys in a token: SoftHSM for RSA and EC; for GOST a double, for no token with it was here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pkcs11 import Mechanism
from pkcs11.exceptions import DeviceRemoved

from gateway.errors import CryptoUnavailable, SettingError
from gateway.signatures.algorithms import (
    ECDSA_SHA256,
    ECDSA_SHA384,
    GOST_256,
    GOST_512,
    RSA_SHA256,
    RSA_SHA512,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends import PrivateKey, open_backend
from gateway.signatures.backends.elsewhere import BREATH, Elsewhere
from gateway.signatures.backends.token import Token, TokenKey, open_token
from gateway.signatures.certificates import write_pem
from tests.signatures.tokens import LOCKED, PIN, TOKEN, SoftHsm

BACKEND = open_backend()
KEYS = [
    pytest.param(Family.RSA, 0, RSA_SHA256, id="rsa-2048"),
    pytest.param(Family.RSA, 4096, RSA_SHA512, id="rsa-4096"),
    pytest.param(Family.EC, 0, ECDSA_SHA256, id="p-256"),
    pytest.param(Family.EC, 384, ECDSA_SHA384, id="p-384"),
]


@pytest.fixture(scope="module")
def stored(softhsm: SoftHsm, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., PrivateKey]:
    """Return a function that makes a key and puts it on the token under a label."""
    folder = tmp_path_factory.mktemp("keys")
    numbers = iter(range(1, 255))

    def store(label: str, family: Family = Family.RSA, bits: int = 0) -> PrivateKey:
        key = BACKEND.generate(family, bits)
        (folder / label).write_bytes(write_pem("PRIVATE KEY", key))
        softhsm.store(folder / label, label, next(numbers))
        return BACKEND.load_private(key)

    return store


@pytest.mark.foreign
@pytest.mark.parametrize(("family", "bits", "algorithm"), KEYS)
def test_token_signs_what_its_certificate_verifies(
    softhsm: SoftHsm,
    stored: Callable[..., PrivateKey],
    family: Family,
    bits: int,
    algorithm: SignatureAlgorithm,
) -> None:
    twin = stored(algorithm.name, family, bits)
    token = open_token(softhsm.module, TOKEN, PIN)
    backend = Elsewhere(BACKEND, TokenKey(token, algorithm.name), twin.spki)

    made = backend.sign(backend.private, algorithm, b"payload")

    public = BACKEND.load_public(twin.spki)
    assert BACKEND.verify(public, algorithm, made, b"payload")
    assert not BACKEND.verify(public, algorithm, made, b"payloae")
    if family is Family.RSA:
        assert made == BACKEND.sign(twin, algorithm, b"payload")


@pytest.mark.foreign
def test_two_keys_of_one_token_share_its_session(
    softhsm: SoftHsm, stored: Callable[..., PrivateKey]
) -> None:
    first, second = stored("first"), stored("second")
    backends = [
        Elsewhere(BACKEND, TokenKey(open_token(softhsm.module, TOKEN, PIN), label), twin.spki)
        for label, twin in (("first", first), ("second", second), ("first", first))
    ]

    def sign(backend: Elsewhere) -> None:
        for _ in range(20):
            backend.sign(backend.private, RSA_SHA256, b"payload")
        done.append(backend)

    done: list[Elsewhere] = []
    threads = [threading.Thread(target=sign, args=(each,)) for each in backends]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(done) == 3


@pytest.mark.foreign
def test_key_of_another_certificate_is_found_out(
    softhsm: SoftHsm, stored: Callable[..., PrivateKey]
) -> None:
    stored("ours")
    other = BACKEND.load_private(BACKEND.generate(Family.RSA))
    token = open_token(softhsm.module, TOKEN, PIN)
    backend = Elsewhere(BACKEND, TokenKey(token, "ours"), other.spki)

    with pytest.raises(CryptoUnavailable, match="another key than the certificate's"):
        backend.sign(backend.private, RSA_SHA256, b"payload")


@pytest.mark.foreign
def test_label_that_is_not_there_or_there_twice_is_named(
    softhsm: SoftHsm, stored: Callable[..., PrivateKey]
) -> None:
    token = open_token(softhsm.module, TOKEN, PIN)
    stored("twice")
    stored("twice")

    for label in ("nowhere", "twice"):
        with pytest.raises(SettingError, match=f"has not one private key {label}"):
            tuple(TokenKey(token, label).sign(RSA_SHA256, bytes(32)))


@pytest.mark.foreign
def test_token_that_is_not_there_means_not_now(softhsm: SoftHsm) -> None:
    moment = [0.0]
    key = TokenKey(Token(softhsm.module, "elsewhere", PIN), "key", clock=lambda: moment[0])

    with pytest.raises(CryptoUnavailable, match="the token elsewhere: NoSuchToken"):
        key.sign(RSA_SHA256, bytes(32))
    with pytest.raises(CryptoUnavailable, match="a moment ago"):
        key.sign(RSA_SHA256, bytes(32))
    moment[0] = BREATH
    with pytest.raises(CryptoUnavailable, match="NoSuchToken"):
        key.sign(RSA_SHA256, bytes(32))


@pytest.mark.foreign
def test_refused_pin_is_shown_once(softhsm: SoftHsm) -> None:
    token = Token(softhsm.module, LOCKED, "0000")

    with pytest.raises(SettingError, match="refuses the PIN"):
        TokenKey(token, "key").sign(RSA_SHA256, bytes(32))
    with pytest.raises(SettingError, match="has refused the PIN"):
        TokenKey(token, "key").sign(RSA_SHA256, bytes(32))


@pytest.mark.parametrize("name", ["nowhere.so", "junk.so"])
def test_module_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "junk.so").write_bytes(b"junk")

    with pytest.raises(SettingError, match=f"{name} is no PKCS#11 module"):
        TokenKey(Token(tmp_path / name, TOKEN, PIN), "key").sign(RSA_SHA256, bytes(32))


def test_token_that_was_never_opened_is_dropped_in_silence(tmp_path: Path) -> None:
    Token(tmp_path, TOKEN, PIN).drop()


@pytest.mark.foreign
def test_session_that_was_lost_is_opened_anew(
    softhsm: SoftHsm, stored: Callable[..., PrivateKey]
) -> None:
    stored("kept")
    token = open_token(softhsm.module, TOKEN, PIN)
    first = token.find("kept")

    token.drop()
    again = token.find("kept")

    assert first is not again
    assert again.sign(b"x" * 51, mechanism=Mechanism.RSA_PKCS)


@dataclass
class Double:
    """A token that takes and gives GOST octets in some order, as PKCS#11 leaves open."""

    private: PrivateKey
    takes: Callable[[bytes], bytes] = bytes
    gives: Callable[[bytes], bytes] = bytes
    content: bytes = b"payload"
    name: str = "the double"
    mechanisms: list[Mechanism] = field(default_factory=list)
    dropped: int = 0
    gone: bool = False

    def find(self, label: str) -> Double:
        assert label == "key"
        if self.gone:
            raise DeviceRemoved
        return self

    def drop(self) -> None:
        self.dropped += 1

    def sign(self, data: bytes, *, mechanism: Mechanism) -> bytes:
        self.mechanisms.append(mechanism)
        digest = BACKEND.digest(GOST_256.digest, self.content)
        content = self.content if self.takes(data) == digest else b"something else"
        return self.gives(BACKEND.sign(self.private, GOST_256, content))


def turned(octets: bytes) -> bytes:
    return octets[::-1]


def swapped(octets: bytes) -> bytes:
    return octets[32:] + octets[:32]


@pytest.mark.parametrize("takes", [bytes, turned])
@pytest.mark.parametrize("gives", [bytes, turned, swapped, lambda made: turned(swapped(made))])
def test_gost_token_is_understood_in_whatever_order_it_speaks(
    takes: Callable[[bytes], bytes], gives: Callable[[bytes], bytes]
) -> None:
    double = Double(BACKEND.load_private(BACKEND.generate(Family.GOST_256)), takes, gives)
    backend = Elsewhere(BACKEND, TokenKey(double, "key"), double.private.spki)

    made = backend.sign(backend.private, GOST_256, b"payload")

    public = BACKEND.load_public(double.private.spki)
    assert BACKEND.verify(public, GOST_256, made, b"payload")
    assert double.mechanisms == [Mechanism.GOSTR3410] * (1 if takes is bytes else 2)


def test_gost_token_that_signs_something_else_is_found_out() -> None:
    double = Double(BACKEND.load_private(BACKEND.generate(Family.GOST_256)), content=b"another")
    backend = Elsewhere(BACKEND, TokenKey(double, "key"), double.private.spki)

    with pytest.raises(CryptoUnavailable, match="another key"):
        backend.sign(backend.private, GOST_256, b"payload")


def test_gost_512_is_not_asked_of_a_token() -> None:
    double = Double(BACKEND.load_private(BACKEND.generate(Family.GOST_512)))
    backend = Elsewhere(BACKEND, TokenKey(double, "key"), double.private.spki)

    with pytest.raises(CryptoUnavailable, match="no PKCS#11 mechanism for gost-512"):
        backend.sign(backend.private, GOST_512, b"payload")
    assert double.mechanisms == []


def test_token_that_was_pulled_out_means_not_now_and_its_session_is_forgotten() -> None:
    double = Double(BACKEND.load_private(BACKEND.generate(Family.GOST_256)), gone=True)
    backend = Elsewhere(BACKEND, TokenKey(double, "key"), double.private.spki)

    with pytest.raises(CryptoUnavailable, match="DeviceRemoved"):
        backend.sign(backend.private, GOST_256, b"payload")

    assert double.dropped == 1
