"""One test PKI for every journey of a run."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.doors import SystemClock
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

_BROKEN_ON_PURPOSE = ("ru-expired", "ru-not-yet", "ru-wrong", "ru-client", "ru-revoked")


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a test PKI with the keys that journeys need, RSA only."""
    folder = tmp_path_factory.mktemp("pki")
    declaration = read_declaration()
    names = [one for one in declaration.certificates if not one.startswith(_BROKEN_ON_PURPOSE)]
    wanted = replace(declaration.only(*names), gost=False)
    make_test_pki(wanted, folder, now=SystemClock().now())
    return folder
