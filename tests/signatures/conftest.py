"""A test PKI made anew for the run; no key ever lies in the repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import CryptoUnavailable
from gateway.signatures.algorithms import GOST_256, Family, signs_with
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import read_certificate
from gateway.signatures.chain import Trust, load_trust
from gateway.signatures.declaration import read_declaration
from gateway.signatures.issuing import Issuer, Template, make_certificate, make_name
from gateway.signatures.keys import KeyFiles, Role, SigningKey, load_key
from gateway.signatures.testpki import make_test_pki
from tests.signatures.tokens import SoftHsm, open_softhsm

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ORGANIZATION = "1.2.643.5.1.13.13.12.2.77.8481"

Load = Callable[[str], SigningKey]
Issue = Callable[..., SigningKey]


def _run(outcome: Generator[None, object, object]) -> Generator[None, object, object]:
    """Skip what needs GOST where there is none; CI must not pass by not looking."""
    try:
        return (yield from outcome)
    except CryptoUnavailable as error:
        if os.getenv("MSE_GATEWAY_REQUIRE_FOREIGN"):
            raise
        pytest.skip(error.text)


def _go_on() -> Generator[None, object, object]:
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _run(_go_on()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _run(_go_on()))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    make_test_pki(read_declaration(), folder, now=NOON)
    return folder


@pytest.fixture(scope="session")
def trust(pki: Path) -> Trust:
    return load_trust(pki / "trust")


@pytest.fixture(scope="session")
def key(pki: Path) -> Load:
    def load(name: str) -> SigningKey:
        if name.endswith("-gost") and not open_backend().supports(GOST_256):
            raise CryptoUnavailable("GOST needs the system package libengine-gost-openssl")
        files = KeyFiles(
            ORGANIZATION, Role.ORGANIZATION, pki / f"{name}.key.pem", pki / f"{name}.cert.pem"
        )
        return load_key(files, open_backend())

    return load


@pytest.fixture(scope="session")
def softhsm(
    foreign: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SoftHsm]:
    """Return a token; one a run, for a PKCS#11 module reads its settings once."""
    with pytest.MonkeyPatch.context() as environ:
        folder = tmp_path_factory.mktemp("softhsm")
        yield open_softhsm(foreign("softhsm2-util"), folder, environ)


@pytest.fixture(scope="session")
def issue(key: Load) -> Issue:
    """Return a function that makes a certificate as no declaration would ask for it."""

    def make(
        issuer: str | SigningKey = "ru-issuing",
        family: Family = Family.EC,
        der: bytes = b"",
        **changes: object,
    ) -> SigningKey:
        backend = open_backend()
        private = backend.load_private(der or backend.generate(family))
        above = key(issuer) if isinstance(issuer, str) else issuer
        template = {
            "subject": make_name(common_name="Вымышленный подписант"),
            "not_before": NOON - DAY,
            "not_after": NOON + DAY,
            "key_usage": ("digital_signature",),
            **changes,
        }
        certificate = read_certificate(
            make_certificate(
                Template(spki=private.spki, **template),  # type: ignore[arg-type] # checked by the dataclass
                Issuer(above.certificate.subject_name, above.private, backend),
            )
        )
        return SigningKey(
            key_id=certificate.sha256[:16],
            organization=ORGANIZATION,
            role=Role.ORGANIZATION,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            algorithm=signs_with(private.family, private.bits),
            certificate=certificate,
            private=private,
            backend=backend,
        )

    return make
