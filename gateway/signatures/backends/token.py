"""A key in a token or an HSM, through PKCS#11: it signs a digest that was made here.

RSA by CKM_RSA_PKCS over the DigestInfo, EC by CKM_ECDSA. GOST-256 by CKM_GOSTR3410 over the
Streebog digest; PKCS#11 leaves open in which order a token takes and gives GOST octets, so every
order is offered to the verifier. No GOST token was here to try
that on. GOST-512 has mechanisms of its vendors alone, which the library under this cannot name:
such a key signs through a service (`remote`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, Protocol, cast

import pkcs11
from pkcs11 import Mechanism, ObjectClass
from pkcs11.exceptions import (
    MultipleObjectsReturned,
    NoSuchKey,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
)

from gateway.errors import CryptoUnavailable, SettingError
from gateway.signatures import der
from gateway.signatures.algorithms import DigestAlgorithm, Family, SignatureAlgorithm
from gateway.signatures.backends.elsewhere import Patience

_MECHANISMS: Final = {
    Family.RSA: Mechanism.RSA_PKCS,
    Family.EC: Mechanism.ECDSA,
    Family.GOST_256: Mechanism.GOSTR3410,
}
_ONE_AT_A_TIME: Final = threading.Lock()
"""A session has one act at a time, and some modules bear no more themselves."""
_WRONG_PIN: Final = (PinIncorrect, PinInvalid, PinLenRange, PinLocked)


class Signing(Protocol):
    """What is used of a key of python-pkcs11."""

    def sign(self, data: bytes, *, mechanism: Mechanism) -> bytes:
        """Sign octets as they are."""


class _Library(Protocol):
    def get_token(self, *, token_label: str) -> pkcs11.Token: ...


class Tray(Protocol):
    """Whatever keys are found in; asked by one thread at a time."""

    @property
    def name(self) -> str:
        """What errors call it."""

    def find(self, label: str) -> Signing:
        """Return the private key with this label; raise PKCS11Error or SettingError."""

    def drop(self) -> None:
        """Forget the session: the next key is looked for in a new one."""


class TokenKey:
    """One key of a token."""

    def __init__(self, tray: Tray, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = tray.name
        self._tray = tray
        self._label = label
        self._patience = Patience(tray.name, clock)

    def sign(self, algorithm: SignatureAlgorithm, digest: bytes) -> Iterator[bytes]:
        """Sign a digest; raise CryptoUnavailable when the token is gone or cannot, SettingError
        when it knows neither the PIN nor the key.
        """  # noqa: D205
        mechanism = _MECHANISMS.get(algorithm.family)
        if mechanism is None:
            raise CryptoUnavailable(f"no PKCS#11 mechanism for {algorithm.name} is known here")
        if algorithm.family is Family.GOST_256:
            return self._in_every_order(mechanism, digest)
        if algorithm.family is Family.RSA:
            digest = _digest_info(algorithm.digest, digest)
        return iter((self._ask(mechanism, digest),))

    def _in_every_order(self, mechanism: Mechanism, digest: bytes) -> Iterator[bytes]:
        for octets in (digest, digest[::-1]):
            yield from _turn(self._ask(mechanism, octets))

    def _ask(self, mechanism: Mechanism, octets: bytes) -> bytes:
        with _ONE_AT_A_TIME:
            self._patience.need()
            try:
                return self._tray.find(self._label).sign(octets, mechanism=mechanism)
            except PKCS11Error as error:
                self._tray.drop()
                raise self._patience.lose(type(error).__name__) from error


class Token:
    """A token that is logged in to once, whatever number of its keys is used."""

    def __init__(self, module: Path, label: str, pin: str) -> None:
        self.name = f"the token {label}"
        self._module, self._label, self._pin = module, label, pin
        self._session: pkcs11.Session | None = None
        self._refused = False

    def find(self, label: str) -> Signing:
        """Return the private key with this label; raise PKCS11Error or SettingError.

        A refused PIN is not shown again: a token locks itself after a few.
        """
        if self._refused:
            raise SettingError(f"{self.name} has refused the PIN")
        try:
            if self._session is None:
                token = _load(self._module).get_token(token_label=self._label)
                self._session = token.open(user_pin=self._pin)
            found = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
        except _WRONG_PIN as error:
            self._refused = True
            raise SettingError(f"{self.name} refuses the PIN") from error
        except (NoSuchKey, MultipleObjectsReturned) as error:
            raise SettingError(f"{self.name} has not one private key {label}") from error
        return cast("Signing", found)  # a key that cannot sign says so when asked to

    def drop(self) -> None:
        """Close the session, as far as the token still listens."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(PKCS11Error):
                session.close()


@cache
def open_token(module: Path, label: str, pin: str) -> Token:
    """Return the token; nothing is asked yet. The same one for every key that lies in it."""
    return Token(module, label, pin)


def _load(module: Path) -> _Library:
    try:
        return pkcs11.lib(str(module))
    except (PKCS11Error, OSError, RuntimeError) as error:
        raise SettingError(f"{module} is no PKCS#11 module") from error


def _digest_info(algorithm: DigestAlgorithm, digest: bytes) -> bytes:
    """Return the DigestInfo that PKCS#1 v1.5 signs (RFC 8017 §9.2)."""
    return der.sequence(der.sequence(der.oid(algorithm.oid), der.NULL), der.octets(digest))


def _turn(made: bytes) -> tuple[bytes, ...]:
    """Return every order that s‖r may have come in: halves swapped, octets reversed."""
    half = len(made) // 2
    swapped = made[half:] + made[:half]
    return made, swapped, made[::-1], swapped[::-1]
