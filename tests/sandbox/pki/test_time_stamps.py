"""The sandbox's time-stamping authority meets those who ask and judge here."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from gateway.doors import SystemClock
from gateway.errors import WeatherError
from gateway.signatures.backends import open_backend
from gateway.signatures.cades import sign_cms, stamp, verify_cms
from gateway.signatures.chain import load_trust
from gateway.signatures.keys import KeyFiles, Role, load_key
from gateway.signatures.timestamps import TimestampRefused
from gateway.transports.evidence import Fetcher
from gateway.transports.timestamps import FixedTrust, Tsa
from tests.sandbox.pki.conftest import Open

CONTENT = b"<ClinicalDocument/>"


async def stamp_by(pki: Path, address: str, certificate: str) -> None:
    """Sign, have it stamped by this certificate, and verify."""
    now, trust = SystemClock().now, load_trust(pki / "trust")
    name = "ru-clinic77-chair"
    files = KeyFiles("1.2.3", Role.ORGANIZATION, pki / f"{name}.key.pem", pki / f"{name}.cert.pem")
    cms = sign_cms(CONTENT, load_key(files, open_backend()), at=now())
    async with aiohttp.ClientSession() as session:
        tsa = Tsa(
            url=f"{address}/tsa/{certificate}",
            fetcher=Fetcher(plain=session, guarded=session),
            desk=FixedTrust(trust),
            now=now,
        )
        stamped = await stamp(cms, tsa)
    verified = verify_cms(stamped, CONTENT, trust, at=now())
    assert verified.verdict.reasons == ()
    assert verified.verdict.signers[0].timestamped_at is not None


async def test_our_signatures_are_stamped_by_the_sandbox(authorities: Open, pki: Path) -> None:
    async with authorities() as address:
        await stamp_by(pki, address, "ru-tsa")


@pytest.mark.parametrize(
    ("faults", "why"),
    [
        ("tsa-refuses", "no time-stamp: status 2"),
        ("tsa-wrong-imprint", "digest-mismatch"),
        ("tsa-no-certificate", "certificate-missing"),
        ("tsa-broken-signature", "signature-broken"),
        ("tsa-future", "signed-in-the-future"),
    ],
)
async def test_stamp_that_is_not_good_is_never_put_in(
    authorities: Open, pki: Path, faults: str, why: str
) -> None:
    async with authorities(faults) as address:
        with pytest.raises(TimestampRefused, match=why):
            await stamp_by(pki, address, "ru-tsa")


async def test_stamper_that_is_down_is_weather(authorities: Open, pki: Path) -> None:
    async with authorities("tsa-down") as address:
        with pytest.raises(WeatherError):
            await stamp_by(pki, address, "ru-tsa")


async def test_stamp_of_a_certificate_without_the_purpose_is_never_put_in(
    authorities: Open, pki: Path
) -> None:
    async with authorities() as address:
        with pytest.raises(TimestampRefused, match="certificate-unfit"):
            await stamp_by(pki, address, "ru-tsa-without-purpose")
