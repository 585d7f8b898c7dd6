"""CMS of ours judged by openssl and certtool, and theirs by us."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.signatures.algorithms import Family
from gateway.signatures.backends import open_backend
from gateway.signatures.cades import DOCUMENT, add_signer, sign_cms, verify_cms
from gateway.signatures.certificates import write_pem
from gateway.signatures.chain import Trust
from gateway.signatures.keys import SigningKey
from gateway.signatures.reasons import Fact
from tests.signatures.conftest import DAY, NOON, Issue, Load

CONTENT = "<ClinicalDocument>вымышленный</ClinicalDocument>".encode() * 100
FAMILIES = [Family.RSA, Family.EC, Family.GOST_256, Family.GOST_512]
TWO = replace(DOCUMENT, fewest=2, most=2)
MD = {Family.GOST_256: "md_gost12_256", Family.GOST_512: "md_gost12_512"}
# openssl and certtool sign with the clock of this machine, which is not that of the tests.
CLOCK = {Fact.SIGNED_IN_FUTURE, Fact.SIGNED_OUTSIDE_LIFE}


@pytest.fixture
def trusted(tmp_path: Path, key: Load, pki: Path) -> Path:
    """Return the authority of everybody here as a PEM file."""
    path = tmp_path / "trusted"
    path.write_bytes(
        (pki / "ru-root.cert.pem").read_bytes() + (pki / "ru-issuing.cert.pem").read_bytes()
    )
    return path


def run(*command: object, good: bool = True) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    answer = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert (done.returncode == 0) == good, answer
    return answer


def judge_by_openssl(openssl: str, cms: Path, trusted: Path, content: Path | None) -> str:
    return run(
        *(openssl, "cms", "-engine", "gost", "-verify", "-cades", "-binary", "-inform", "DER"),
        *("-in", cms, "-CAfile", trusted, "-purpose", "any", "-attime", int(NOON.timestamp())),
        *("-out", cms.with_name("out")),
        *(("-content", content) if content else ()),
    )


@pytest.mark.foreign
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize("others", [(), (Family.GOST_256,), (Family.RSA, Family.EC)])
def test_openssl_finds_ours_good(
    foreign: Callable[[str], str],
    issue: Issue,
    trusted: Path,
    tmp_path: Path,
    family: Family,
    others: tuple[Family, ...],
    *,
    detached: bool,
) -> None:
    cms = sign_cms(CONTENT, issue(family=family), at=NOON, detached=detached)
    for other in others:
        cms = add_signer(cms, issue(family=other), at=NOON, content=CONTENT if detached else None)
    (tmp_path / "cms").write_bytes(cms)
    (tmp_path / "content").write_bytes(CONTENT)
    content = tmp_path / "content" if detached else None

    answer = judge_by_openssl(foreign("openssl"), tmp_path / "cms", trusted, content)

    assert "CAdES Verification successful" in answer
    assert (tmp_path / "out").read_bytes() == CONTENT


@pytest.mark.foreign
def test_openssl_finds_a_changed_one_of_ours_bad(
    foreign: Callable[[str], str], issue: Issue, trusted: Path, tmp_path: Path
) -> None:
    (tmp_path / "cms").write_bytes(sign_cms(CONTENT, issue(), at=NOON))
    (tmp_path / "content").write_bytes(CONTENT + b" ")

    with pytest.raises(AssertionError, match="CAdES Verification failure"):
        judge_by_openssl(foreign("openssl"), tmp_path / "cms", trusted, tmp_path / "content")


def issue_on_disk(issue: Issue, folder: Path, family: Family, name: str) -> SigningKey:
    """Return a new key that openssl can read from the disk and that lives today."""
    backend = open_backend()
    key = backend.generate(family)
    today = datetime.now(UTC)  # noqa: TID251 - the clock that openssl signs with
    signer = issue(family=family, der=key, not_before=NOON - DAY, not_after=today + 900 * DAY)
    (folder / f"{name}.key").write_bytes(write_pem("PRIVATE KEY", key))
    (folder / f"{name}.cert").write_bytes(write_pem("CERTIFICATE", signer.certificate.der))
    return signer


@pytest.mark.foreign
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "options", [(), ("-nodetach",), ("-nodetach", "-stream"), ("-nodetach", "-keyid")]
)
def test_we_find_good_what_openssl_signs(
    foreign: Callable[[str], str],
    issue: Issue,
    trust: Trust,
    tmp_path: Path,
    family: Family,
    options: tuple[str, ...],
) -> None:
    issue_on_disk(issue, tmp_path, family, "one")
    (tmp_path / "content").write_bytes(CONTENT)
    run(
        *(foreign("openssl"), "cms", "-engine", "gost", "-sign", "-cades", "-binary"),
        *("-outform", "DER", "-in", tmp_path / "content", "-out", tmp_path / "cms"),
        *("-signer", tmp_path / "one.cert", "-inkey", tmp_path / "one.key"),
        *("-md", MD.get(family, "sha256"), *options),
    )
    content = None if "-nodetach" in options else CONTENT

    verified = verify_cms((tmp_path / "cms").read_bytes(), content, trust, at=NOON)

    assert {reason.fact for reason in verified.verdict.reasons} <= CLOCK
    changed = (tmp_path / "cms").read_bytes().replace(CONTENT[:20], CONTENT[20:40])
    if content is None:
        verdict = verify_cms(changed, None, trust, at=NOON).verdict
        assert verdict.has(Fact.DIGEST_MISMATCH)


@pytest.mark.foreign
def test_we_find_good_what_two_have_signed_with_openssl(
    foreign: Callable[[str], str], issue: Issue, trust: Trust, tmp_path: Path
) -> None:
    for name, family in (("one", Family.GOST_512), ("two", Family.RSA)):
        issue_on_disk(issue, tmp_path, family, name)
    (tmp_path / "content").write_bytes(CONTENT)
    run(
        *(foreign("openssl"), "cms", "-engine", "gost", "-sign", "-cades", "-binary", "-nodetach"),
        *("-outform", "DER", "-in", tmp_path / "content", "-out", tmp_path / "cms"),
        *("-signer", tmp_path / "one.cert", "-inkey", tmp_path / "one.key"),
        *("-signer", tmp_path / "two.cert", "-inkey", tmp_path / "two.key"),
    )

    verified = verify_cms((tmp_path / "cms").read_bytes(), None, trust, at=NOON, profile=TWO)

    assert {reason.fact for reason in verified.verdict.reasons} <= CLOCK
    assert {one.algorithm for one in verified.verdict.signers} == {"gost-512", "rsa-sha256"}


# certtool judges by the clock of this machine.
@pytest.mark.foreign
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("detached", [True, False])
def test_certtool_finds_ours_good(
    foreign: Callable[[str], str],
    issue: Issue,
    tmp_path: Path,
    family: Family,
    *,
    detached: bool,
) -> None:
    signer = issue_on_disk(issue, tmp_path, family, "one")
    (tmp_path / "cms").write_bytes(sign_cms(CONTENT, signer, at=NOON, detached=detached))
    (tmp_path / "signer").write_bytes(write_pem("CERTIFICATE", signer.certificate.der))
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "other").write_bytes(CONTENT + b" ")
    certtool = foreign("certtool")

    def judge(content: str, *, good: bool) -> str:
        return run(
            *(certtool, "--p7-verify", "--inder", "--infile", tmp_path / "cms"),
            *("--load-certificate", tmp_path / "signer"),
            *(("--load-data", tmp_path / content) if detached else ()),
            good=good,
        )

    assert "Signature status: ok" in judge("content", good=True)
    if detached:
        assert "Signature status: verification failed" in judge("other", good=False)


@pytest.mark.foreign
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("detached", [True, False])
def test_we_find_good_what_certtool_signs(
    foreign: Callable[[str], str],
    issue: Issue,
    trust: Trust,
    tmp_path: Path,
    family: Family,
    *,
    detached: bool,
) -> None:
    issue_on_disk(issue, tmp_path, family, "one")
    (tmp_path / "content").write_bytes(CONTENT)
    run(
        *(foreign("certtool"), "--p7-detached-sign" if detached else "--p7-sign", "--outder"),
        *("--p7-time", "--p7-include-cert"),
        *("--load-privkey", tmp_path / "one.key", "--load-certificate", tmp_path / "one.cert"),
        *("--infile", tmp_path / "content", "--outfile", tmp_path / "cms"),
    )

    verified = verify_cms(
        (tmp_path / "cms").read_bytes(), CONTENT if detached else None, trust, at=NOON
    )

    # GnuTLS writes no signing-certificate attribute.
    found = {reason.fact for reason in verified.verdict.reasons} - CLOCK
    assert found == {Fact.ATTRIBUTE_MISSING}
