"""What openssl and curl make of the sandbox's authorities."""

from __future__ import annotations

import base64
import urllib.parse
from pathlib import Path

import pytest

from tests.sandbox.pki.conftest import Ask, Open

pytestmark = pytest.mark.foreign
TWINS = ["", "-gost", "-gost-512", "-ec"]


async def ask_ocsp(
    ask: Ask, url: str, pki: Path, name: str, suffix: str = "", issuer: str = "ru-issuing"
) -> str:
    root = issuer.replace("issuing", "root")
    return await ask(
        *("openssl", "ocsp", "-sha256", "-url", f"{url}/ocsp/{issuer}{suffix}"),
        *("-issuer", pki / f"{issuer}{suffix}.cert.pem"),
        *("-cert", pki / f"{name}.cert.pem"),
        *("-CAfile", pki / f"{root}{suffix}.cert.pem"),
    )


@pytest.mark.parametrize("suffix", TWINS)
async def test_ocsp_of_a_good_certificate_holds(
    authorities: Open, ask: Ask, pki: Path, suffix: str
) -> None:
    async with authorities() as url:
        told = await ask_ocsp(ask, url, pki, f"ru-clinic77-chair{suffix}", suffix)

    assert "Response verify OK" in told
    assert ".cert.pem: good" in told
    assert "WARNING" not in told  # the nonce came back
    assert "Next Update:" in told


@pytest.mark.parametrize(
    ("name", "suffix", "said"),
    [
        ("ru-revoked", "", "Reason: keyCompromise"),
        ("ru-revoked-gost", "-gost", "Reason: keyCompromise"),
        ("ru-superseded", "-ec", "Reason: superseded"),
        ("ru-on-hold-gost", "-gost", "Reason: certificateHold"),
        ("ru-released", "-ec", ": good"),
        ("ru-revoked-today", "-ec", ": revoked"),
    ],
)
async def test_ocsp_says_what_became_of_a_certificate(
    authorities: Open, ask: Ask, pki: Path, name: str, suffix: str, said: str
) -> None:
    async with authorities() as url:
        told = await ask_ocsp(ask, url, pki, name, suffix)

    assert "Response verify OK" in told
    assert said in told


async def test_authority_without_a_responder_answers_itself(
    authorities: Open, ask: Ask, pki: Path
) -> None:
    async with authorities() as url:
        told = await ask_ocsp(ask, url, pki, "ru-issuing", issuer="ru-root")

    assert "Response verify OK" in told
    assert "ru-issuing.cert.pem: good" in told


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("ocsp-good", ": good"),
        ("ocsp-revoked", ": revoked"),
        ("ocsp-unknown", ": unknown"),
        ("ocsp-stale", "status expired"),
        ("ocsp-no-next-update", ": good"),
        ("ocsp-wrong-responder", "Response Verify Failure"),
        ("ocsp-another-certificate", "ERROR: No Status found"),
        ("ocsp-broken-signature", "Response Verify Failure"),
        ("ocsp-try-later", "trylater"),
        ("ocsp-500", "Error querying OCSP responder"),
        ("ocsp-reset", "Error querying OCSP responder"),
        ("ocsp-garbage", "Error querying OCSP responder"),
    ],
)
async def test_ocsp_misbehaves_as_the_scenario_says(
    authorities: Open, ask: Ask, pki: Path, faults: str, said: str
) -> None:
    async with authorities(faults) as url:
        told = await ask_ocsp(ask, url, pki, "ru-clinic77-chair-ec", "-ec")

    assert said in told
    assert ("Next Update:" in told) is (
        said.startswith((": ", "status")) and faults != "ocsp-no-next-update"
    ) or said.startswith("Response")


async def test_ocsp_refuses_what_is_about_another_authority(
    authorities: Open, ask: Ask, pki: Path
) -> None:
    async with authorities() as url:
        told = await ask(
            *("openssl", "ocsp", "-url", f"{url}/ocsp/ru-root"),
            *("-issuer", pki / "ru-issuing.cert.pem", "-cert", pki / "ru-revoked.cert.pem"),
        )

    assert "unauthorized" in told


async def test_ocsp_over_get_is_that_over_post(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path
) -> None:
    request, answer = tmp_path / "request", tmp_path / "answer"
    await ask(
        *("openssl", "ocsp", "-no_nonce", "-reqout", request),
        *("-issuer", pki / "ru-issuing.cert.pem", "-cert", pki / "ru-revoked.cert.pem"),
    )
    encoded = urllib.parse.quote(base64.b64encode(request.read_bytes()), safe="")

    async with authorities() as url:
        kind = await ask("curl", "-s", "-o", answer, "-w", "%{http_code} %{content_type}",
                         f"{url}/ocsp/ru-issuing/{encoded}")  # fmt: skip

    told = await ask(
        *("openssl", "ocsp", "-no_nonce", "-respin", answer),
        *("-issuer", pki / "ru-issuing.cert.pem", "-cert", pki / "ru-revoked.cert.pem"),
        *("-CAfile", pki / "ru-root.cert.pem"),
    )
    assert kind == "200 application/ocsp-response"
    assert "Response verify OK" in told
    assert "revoked" in told


@pytest.mark.parametrize("suffix", TWINS)
async def test_lists_hold_and_the_delta_fits_the_complete_one(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path, suffix: str
) -> None:
    told = {}
    async with authorities() as url:
        for name in ("", "-delta"):
            file = tmp_path / f"list{name}.crl"
            await ask("curl", "-s", "-o", file, f"{url}/crl/ru-issuing{suffix}{name}.crl")
            told[name] = await ask(
                *("openssl", "crl", "-inform", "DER", "-in", file, "-noout", "-text"),
                *("-CAfile", pki / f"ru-issuing{suffix}.cert.pem"),
            )

    assert "verify OK" in told[""]
    assert "verify OK" in told["-delta"]
    assert "X509v3 Delta CRL Indicator: critical" in told["-delta"]
    assert "Delta CRL Indicator" not in told[""]
    if suffix in ("-ec", "-gost"):
        assert told[""].count("Certificate Hold") == 2  # on hold, and released since
        assert told["-delta"].count("Remove From CRL") == 1
        assert told["-delta"].count("Key Compromise") == 1
        assert "Superseded" in told[""]


async def test_openssl_believes_the_complete_list_over_the_wire(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path
) -> None:
    files = {}
    async with authorities() as url:
        for name in ("ru-issuing-ec", "ru-issuing-ec-delta"):
            files[name] = tmp_path / f"{name}.pem"
            await ask("curl", "-s", "-o", tmp_path / name, f"{url}/crl/{name}.crl")
            await ask("openssl", "crl", "-inform", "DER", "-in", tmp_path / name,
                      "-out", files[name])  # fmt: skip

    async def verify(name: str, *more: object) -> str:
        return await ask(
            *("openssl", "verify", "-crl_check", "-CAfile", pki / "ru-root-ec.cert.pem"),
            *("-untrusted", pki / "ru-issuing-ec.cert.pem"),
            *("-CRLfile", files["ru-issuing-ec"], *more, pki / f"{name}.cert.pem"),
        )

    delta = ("-extended_crl", "-use_deltas", "-CRLfile", files["ru-issuing-ec-delta"])
    assert "OK" in await verify("ru-clinic77-chair-ec")
    assert "certificate revoked" in await verify("ru-superseded")
    assert "OK" in await verify("ru-revoked-today")
    assert "certificate revoked" in await verify("ru-revoked-today", *delta)


@pytest.mark.parametrize(
    ("faults", "said"), [("crl-stale", "expired"), ("crl-broken-signature", "signature failure")]
)
async def test_lists_misbehave_as_the_scenario_says(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path, faults: str, said: str
) -> None:
    async with authorities(faults) as url:
        await ask("curl", "-s", "-o", tmp_path / "der", f"{url}/crl/ru-issuing-ec.crl")
    await ask("openssl", "crl", "-inform", "DER", "-in", tmp_path / "der",
              "-out", tmp_path / "pem")  # fmt: skip

    told = await ask(
        *("openssl", "verify", "-crl_check", "-CAfile", pki / "ru-root-ec.cert.pem"),
        *("-untrusted", pki / "ru-issuing-ec.cert.pem", "-CRLfile", tmp_path / "pem"),
        pki / "ru-clinic77-chair-ec.cert.pem",
    )

    assert said in told


async def test_authoritys_certificate_is_to_be_had(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path
) -> None:
    async with authorities() as url:
        await ask("curl", "-s", "-o", tmp_path / "der", f"{url}/ca/ru-issuing-gost.cer")

    got = await ask("openssl", "x509", "-inform", "DER", "-in", tmp_path / "der")
    assert got.split() == (pki / "ru-issuing-gost.cert.pem").read_text().split()


async def have_stamped(
    ask: Ask, url: str, pki: Path, folder: Path, suffix: str, tsa: str = "ru-tsa"
) -> str:
    content, query, reply = (folder / name for name in ("content", "query", "reply"))
    content.write_bytes(b"what was there at this time")
    digest = {"-gost": "md_gost12_256", "-gost-512": "md_gost12_512"}.get(suffix, "sha256")
    await ask("openssl", "ts", "-query", "-data", content, f"-{digest}", "-cert", "-out", query)
    await ask("curl", "-s", "-o", reply, "-H", "Content-Type: application/timestamp-query",
              "--data-binary", f"@{query}", f"{url}/tsa/{tsa}{suffix}")  # fmt: skip
    return await ask(
        *("openssl", "ts", "-verify", "-queryfile", query, "-in", reply),
        *("-CAfile", pki / f"ru-root{suffix}.cert.pem"),
        *("-untrusted", pki / f"ru-issuing{suffix}.cert.pem"),
    )


@pytest.mark.parametrize("suffix", TWINS)
async def test_time_stamp_holds(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path, suffix: str
) -> None:
    async with authorities() as url:
        told = await have_stamped(ask, url, pki, tmp_path, suffix)

    assert "Verification: OK" in told


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ("tsa-refuses", "no time stamp token"),
        ("tsa-wrong-imprint", "message imprint mismatch"),
        ("tsa-no-certificate", "signer certificate not found"),
        ("tsa-broken-signature", "signature failure"),
        ("tsa-down", "Verification: FAILED"),
        ("authorities-down", "reply"),
    ],
)
async def test_time_stamps_misbehave_as_the_scenario_says(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path, faults: str, said: str
) -> None:
    async with authorities(faults) as url:
        told = await have_stamped(ask, url, pki, tmp_path, "")

    assert said in told
    assert "Verification: OK" not in told


async def test_clock_of_the_stamper_may_be_a_day_ahead(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path
) -> None:
    times = {}
    for faults in ("", "tsa-future"):
        async with authorities(faults) as url:
            await have_stamped(ask, url, pki, tmp_path, "-ec")
        times[faults] = await ask("openssl", "ts", "-reply", "-in", tmp_path / "reply", "-text")

    day = {faults: next(line.split()[3] for line in told.splitlines() if "Time stamp:" in line)
           for faults, told in times.items()}  # fmt: skip
    assert day[""] != day["tsa-future"]


async def test_certificate_without_the_purpose_stamps_and_is_not_believed(
    authorities: Open, ask: Ask, pki: Path, tmp_path: Path
) -> None:
    async with authorities() as url:
        told = await have_stamped(ask, url, pki, tmp_path, "-gost", tsa="ru-tsa-without-purpose")

    assert "Verification: FAILED" in told
    assert "purpose" in told
