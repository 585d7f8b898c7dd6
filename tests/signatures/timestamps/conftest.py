"""An authority in the test PKI, and strangers who would like to be one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from gateway.signatures.keys import SigningKey
from tests.signatures.conftest import DAY, NOON, Load
from tests.signatures.timestamps.authority import Stamp, employ

Employ = Callable[..., SigningKey]


@pytest.fixture(scope="session")
def authority(key: Load, pki: object) -> Employ:
    """Return a function that employs an authority under the trusted issuer, or another one."""

    def under(issuer: str = "ru-issuing", **changes: object) -> SigningKey:
        life = {"not_before": NOON - 1000 * DAY, "not_after": NOON + 1000 * DAY, **changes}
        return employ(key(issuer), **life)  # type: ignore[arg-type] # names are checked by the call

    return under


@pytest.fixture
def stamp(authority: Employ) -> partial[Stamp]:
    return partial(Stamp, key=authority())
