"""A test PKI made anew for the run; no key ever lies in the repository."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.signatures.backends import open_backend
from gateway.signatures.declaration import read_declaration
from gateway.signatures.keys import KeyFiles, Role, SigningKey, load_key
from gateway.signatures.testpki import make_test_pki

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
ORGANIZATION = "1.2.643.5.1.13.13.12.2.77.8481"


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    make_test_pki(read_declaration(), folder, now=NOON)
    return folder


@pytest.fixture(scope="session")
def key(pki: Path) -> Callable[[str], SigningKey]:
    def load(name: str) -> SigningKey:
        files = KeyFiles(
            ORGANIZATION, Role.ORGANIZATION, pki / f"{name}.key.pem", pki / f"{name}.cert.pem"
        )
        return load_key(files, open_backend())

    return load
