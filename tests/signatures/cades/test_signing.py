"""What we sign, judged by ourselves and by openssl."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.signatures import asn1
from gateway.signatures.algorithms import Family
from gateway.signatures.cades import sign_detached, verify_detached
from gateway.signatures.chain import Trust
from gateway.signatures.verdict import Outcome
from tests.signatures.conftest import DAY, NOON, Issue, Load

CONTENT = "<ClinicalDocument>вымышленный</ClinicalDocument>".encode() * 1000
SUFFIXES = ["", "-gost"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_our_signature_is_valid_and_says_who_signed(key: Load, trust: Trust, suffix: str) -> None:
    cms = sign_detached(CONTENT, key(f"ru-clinic77-chair{suffix}"), NOON)

    verdict = verify_detached(cms, CONTENT, trust=trust, at=NOON + DAY)

    assert verdict.reasons == ()
    assert (verdict.outcome, verdict.etsi) == (Outcome.VALID, "TOTAL-PASSED")
    (signer,) = verdict.signers
    assert (signer.subject, signer.snils) == ("Соколова Ирина Викторовна", "99000014871")
    assert signer.algorithm == ("gost-256" if suffix else "rsa-sha256")
    assert (signer.signed_at, signer.covers) == (NOON, "the whole content")


@pytest.mark.parametrize("family", [Family.EC, Family.GOST_512])
def test_other_families_of_the_table_sign_too(issue: Issue, trust: Trust, family: Family) -> None:
    cms = sign_detached(CONTENT, issue(family=family), NOON)

    assert verify_detached(cms, CONTENT, trust=trust, at=NOON).reasons == ()


def test_our_container_is_der_and_the_same_each_time_for_rsa(key: Load) -> None:
    chair = key("ru-clinic77-chair")

    cms = sign_detached(CONTENT, chair, NOON)

    assert asn1.is_der(cms)
    assert cms == sign_detached(CONTENT, chair, NOON)


@pytest.mark.foreign
@pytest.mark.parametrize("family", ["rsa", "gost", "ec", "gost-512"])
def test_openssl_finds_our_signature_good(
    pki: Path,
    key: Load,
    issue: Issue,
    foreign: Callable[[str], str],
    tmp_path: Path,
    family: str,
) -> None:
    openssl = foreign("openssl")
    names = {"rsa": "ru-clinic77-organization", "gost": "ru-clinic77-organization-gost"}
    signer = key(names[family]) if family in names else issue(family=Family(family))
    suffix = "-gost" if family == "gost" else ""
    engine = ("-engine", "gost") if "gost" in family else ()
    (tmp_path / "cms").write_bytes(sign_detached(CONTENT, signer, NOON))
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "trusted").write_bytes(
        (pki / f"ru-root{suffix}.cert.pem").read_bytes()
        + (pki / f"ru-issuing{suffix}.cert.pem").read_bytes()
    )

    done = subprocess.run(
        [
            *(openssl, "cms", *engine, "-verify", "-cades", "-binary"),
            *("-inform", "DER", "-in", tmp_path / "cms", "-content", tmp_path / "content"),
            *("-CAfile", tmp_path / "trusted", "-purpose", "any", "-out", tmp_path / "out"),
            *("-attime", str(int(NOON.timestamp()))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "CAdES Verification successful" in done.stderr, done.stderr
    assert (tmp_path / "out").read_bytes() == CONTENT


@pytest.mark.foreign
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("identity", ["-nodetach", "-keyid", "-signed"])
def test_we_find_good_what_openssl_signs(
    pki: Path,
    key: Load,
    foreign: Callable[[str], str],
    trust: Trust,
    tmp_path: Path,
    suffix: str,
    identity: str,
) -> None:
    openssl = foreign("openssl")
    key(f"ru-clinic77-chair{suffix}")  # skips where there is no GOST
    engine = ("-engine", "gost") if suffix else ()
    name = pki / f"ru-clinic77-chair{suffix}"
    (tmp_path / "content").write_bytes(CONTENT)
    subprocess.run(
        [
            *(openssl, "cms", *engine, "-sign", "-cades", "-binary", "-outform", "DER"),
            *("-in", tmp_path / "content", "-out", tmp_path / "cms"),
            *("-signer", f"{name}.cert.pem", "-inkey", f"{name}.key.pem"),
            *("-md", "md_gost12_256" if suffix else "sha256"),
            *([identity] if identity != "-signed" else []),
        ],
        capture_output=True,
        check=True,
    )

    verdict = verify_detached((tmp_path / "cms").read_bytes(), CONTENT, trust=trust, at=NOON)

    # openssl signs with the clock of this machine, which is not ours.
    found = {reason.fact.code for reason in verdict.reasons}
    found -= {"signed-in-the-future", "signed-outside-certificate-life"}
    assert found == ({"structure-forbidden"} if identity == "-nodetach" else set())
