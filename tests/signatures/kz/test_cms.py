"""CMS of Kazakhstan: made by Kalkan and judged by us, made by us and judged by OpenSSL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.signatures.algorithms import Family
from gateway.signatures.cades import DOCUMENT, KZ, RU, add_signer, sign_cms, verify_cms
from gateway.signatures.certificates import read_certificate
from gateway.signatures.chain import Trust
from gateway.signatures.cms.container import read_container
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome
from tests.signatures.conftest import NOON, Issue

SIGNED = datetime(2022, 9, 27, 21, 17, 59, tzinfo=UTC)
CONTENT = b"test123"
JUDGE = Path(__file__).parents[2] / "foreign" / "kz_cms.py"


@pytest.fixture
def several(packs_folder: Path) -> bytes:
    return (packs_folder / "kz/signed/ncanode-cms-signed_cms.p7s").read_bytes()


def facts(cms: bytes, trust: Trust, at: datetime = SIGNED) -> set[Fact]:
    return {one.fact for one in verify_cms(cms, None, trust, at=at, profile=KZ).verdict.reasons}


@pytest.mark.packs
def test_signatures_of_kalkan_hold_and_its_signers_are_read(several: bytes) -> None:
    verdict = verify_cms(several, None, Trust(), at=SIGNED, profile=KZ).verdict

    # Nobody trusts anybody here, and the RSA signer's certificate had expired before it signed.
    assert {one.fact for one in verdict.reasons} == {
        *(Fact.CHAIN_NOT_FOUND, Fact.SIGNED_OUTSIDE_LIFE, Fact.ATTRIBUTE_ABSENT)
    }
    assert [one.algorithm for one in verdict.signers] == ["gost-512-kz", "rsa-sha256"]
    assert {one.signed_at for one in verdict.signers} == {SIGNED}
    assert read_container(several).content == CONTENT


@pytest.mark.packs
def test_signer_of_kalkan_is_trusted_under_its_own_authority(
    several: bytes, packs_folder: Path
) -> None:
    root = read_certificate((packs_folder / "kz/pki/nca_gost2015_test.cer").read_bytes())
    trust = Trust(roots=(root,), revocation_required=False)
    verified = verify_cms(several, None, trust, at=SIGNED, profile=KZ)

    # What is left is the RSA signer, who has another authority and an expired certificate.
    assert {one.fact for one in verified.verdict.reasons} == {
        *(Fact.REVOCATION_NOT_ASKED, Fact.SIGNED_OUTSIDE_LIFE, Fact.CHAIN_NOT_FOUND),
        Fact.ATTRIBUTE_ABSENT,
    }
    assert verified.content is None


@pytest.mark.packs
def test_cms_of_kalkan_fails_unreversed(several: bytes) -> None:
    gost = next(one for one in read_container(several).signers if len(one.signature) == 128)

    turned = several.replace(gost.signature, gost.signature[::-1])

    assert turned != several
    assert Fact.SIGNATURE_BROKEN in facts(turned, Trust())


@pytest.mark.packs
def test_changed_content_of_kalkan_is_noticed_for_both_signers(several: bytes) -> None:
    changed = several.replace(CONTENT, b"test124")

    verdict = verify_cms(changed, None, Trust(), at=SIGNED, profile=KZ).verdict

    assert verdict.has(Fact.DIGEST_MISMATCH)
    assert verdict.outcome is Outcome.INVALID


@pytest.mark.packs
def test_several_signers_of_kalkan_are_refused_where_one_is_wanted(several: bytes) -> None:
    for profile in (DOCUMENT, RU):
        verdict = verify_cms(several, None, Trust(), at=SIGNED, profile=profile).verdict
        assert verdict.has(Fact.WRONG_SIGNER_COUNT)
        assert verdict.has(Fact.ATTRIBUTE_MISSING)  # Kalkan writes no signing-certificate


@pytest.mark.packs
def test_one_signer_of_kalkan_holds_too(packs_folder: Path) -> None:
    cms = (packs_folder / "kz/signed/ncanode-cms-signed_cms_one_signer.p7s").read_bytes()

    found = facts(cms, Trust(), at=datetime(2022, 9, 28, 14, 40, 30, tzinfo=UTC))

    assert found == {Fact.CHAIN_NOT_FOUND, Fact.SIGNED_OUTSIDE_LIFE, Fact.ATTRIBUTE_ABSENT}


@pytest.mark.packs
def test_we_add_a_signer_to_what_kalkan_has_signed(
    several: bytes, issue: Issue, trust: Trust
) -> None:
    three = add_signer(several, issue(family=Family.GOST_512_KZ), at=NOON)

    verdict = verify_cms(three, None, trust, at=NOON, profile=KZ).verdict

    assert len(verdict.signers) == 3
    assert not verdict.has(Fact.SIGNATURE_BROKEN)
    assert not verdict.has(Fact.DIGEST_MISMATCH)


def judge_by_openssl(openssl: str, folder: Path, cms: bytes, *extra: str) -> str:
    (folder / "cms").write_bytes(cms)
    done = subprocess.run(
        [sys.executable, JUDGE, openssl, folder / "cms", *extra],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return done.stdout + done.stderr


@pytest.mark.foreign
@pytest.mark.parametrize("detached", [True, False])
def test_openssl_finds_good_what_we_sign_for_kazakhstan(
    foreign: Callable[[str], str], issue: Issue, tmp_path: Path, *, detached: bool
) -> None:
    signer = issue(family=Family.GOST_512_KZ)
    cms = sign_cms(CONTENT, signer, at=NOON, detached=detached)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "other").write_bytes(b"other")

    good = judge_by_openssl(foreign("openssl"), tmp_path, cms, "content")
    bad = judge_by_openssl(foreign("openssl"), tmp_path, cms, "other")

    assert good.splitlines() == ["signature: Verified OK", "digest: equal"]
    assert bad.splitlines() == ["signature: Verified OK", "digest: different"]


@pytest.mark.foreign
def test_openssl_refuses_what_we_sign_for_kazakhstan_unreversed(
    foreign: Callable[[str], str], issue: Issue, tmp_path: Path
) -> None:
    cms = sign_cms(CONTENT, issue(family=Family.GOST_512_KZ), at=NOON)
    value = read_container(cms).signers[0].signature
    (tmp_path / "content").write_bytes(CONTENT)

    answer = judge_by_openssl(
        foreign("openssl"), tmp_path, cms.replace(value, value[::-1]), "content"
    )

    assert answer.splitlines() == ["signature: Verification failure", "digest: equal"]


@pytest.mark.foreign
@pytest.mark.packs
def test_the_judge_of_kazakhstan_finds_kalkan_good(
    foreign: Callable[[str], str], several: bytes, tmp_path: Path
) -> None:
    """The script that judges us is itself judged by a container that Kalkan has made."""
    (tmp_path / "content").write_bytes(CONTENT)

    answer = judge_by_openssl(foreign("openssl"), tmp_path, several, "content")

    assert answer.splitlines() == ["signature: Verified OK", "digest: equal"]
