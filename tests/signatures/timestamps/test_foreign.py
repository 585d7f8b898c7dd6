"""openssl as the time-stamping authority, and as the judge of what we have stamped."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.signatures.algorithms import (
    SHA_256,
    SHA_512,
    STREEBOG_256,
    STREEBOG_512,
    DigestAlgorithm,
    Family,
)
from gateway.signatures.backends import open_backend
from gateway.signatures.cades import add_signer, sign_cms, stamp, verify_cms
from gateway.signatures.certificates import write_pem
from gateway.signatures.chain import Trust
from gateway.signatures.cms.attributes import read_tokens
from gateway.signatures.cms.container import read_container
from gateway.signatures.reasons import Fact
from gateway.signatures.timestamps import TimestampRefused, judge_token, read_answer
from gateway.signatures.timestamps.query import write_query
from gateway.signatures.verdict import Outcome
from gateway.transports.evidence import Fetcher
from gateway.transports.timestamps import FixedTrust, Tsa
from tests.signatures.conftest import DAY, Issue
from tests.signatures.timestamps.conftest import Employ

CONTENT = b"<ClinicalDocument/>"
STAMPED = b"the octets of a signature"
NAMES = {
    SHA_256: "sha256",
    SHA_512: "sha512",
    STREEBOG_256: "md_gost12_256",
    STREEBOG_512: "md_gost12_512",
}
SIGNER_DIGESTS = {
    Family.RSA: SHA_256,
    Family.EC: SHA_256,
    Family.GOST_256: STREEBOG_256,
    Family.GOST_512: STREEBOG_512,
}
CONFIG = """
openssl_conf = start
[start]
engines = engines
[engines]
gost = gost
[gost]
engine_id = gost
default_algorithms = ALL
[tsa]
default_tsa = office
[office]
serial = {folder}/serial
signer_cert = {folder}/tsa.cert
certs = {folder}/issuer.cert
signer_key = {folder}/tsa.key
signer_digest = {digest}
default_policy = 1.2.643.99.1
other_policies = 1.2.643.99.2
digests = {digests}
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = {ess}
"""


def now() -> datetime:
    """Return the moment of the clock that openssl stamps with."""
    return datetime.now(UTC)  # noqa: TID251 - the foreign authority's clock


@dataclass
class Office:
    """openssl ts -reply behind the time-stamp protocol over HTTP."""

    openssl: str
    folder: Path

    def run(self, *command: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.openssl, *(str(part) for part in command)],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={"OPENSSL_CONF": str(self.folder / "config"), "PATH": "/usr/bin"},
        )

    def reply(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        done = self.run(
            *("ts", "-reply", "-config", self.folder / "config", "-section", "office"),
            *("-queryfile", self.folder / "query", "-out", self.folder / "reply"),
        )
        assert done.returncode == 0, done.stderr
        return (self.folder / "reply").read_bytes()

    def verify(self, token: bytes, stamped: bytes) -> str:
        (self.folder / "token").write_bytes(token)
        (self.folder / "stamped").write_bytes(stamped)
        done = self.run(
            *("ts", "-verify", "-token_in", "-in", self.folder / "token"),
            *("-data", self.folder / "stamped", "-CAfile", self.folder / "trusted"),
        )
        return (done.stdout + done.stderr).decode("utf-8", "replace")


Found = Callable[..., Office]


@pytest.fixture
def found(foreign: Callable[[str], str], authority: Employ, pki: Path, tmp_path: Path) -> Found:
    """Return a function that founds an office with a key of this family."""

    def make(family: Family = Family.RSA, ess: str = "sha256") -> Office:
        key = open_backend().generate(family)
        tsa = authority(family=family, pkcs8=key)
        (tmp_path / "tsa.key").write_bytes(write_pem("PRIVATE KEY", key))
        (tmp_path / "tsa.cert").write_bytes(write_pem("CERTIFICATE", tsa.certificate.der))
        issuer = (pki / "ru-issuing.cert.pem").read_bytes()
        (tmp_path / "issuer.cert").write_bytes(issuer)
        (tmp_path / "trusted").write_bytes((pki / "ru-root.cert.pem").read_bytes() + issuer)
        (tmp_path / "serial").write_text("01\n")
        config = CONFIG.format(
            folder=tmp_path,
            digest=NAMES[SIGNER_DIGESTS[family]],
            digests=", ".join(NAMES.values()),
            ess=ess,
        )
        (tmp_path / "config").write_text(config)
        return Office(foreign("openssl"), tmp_path)

    return make


@pytest.fixture
async def visit(trust: Trust) -> AsyncIterator[Callable[[Office], Tsa]]:
    offices: list[Office] = []

    async def serve(request: web.Request) -> web.Response:
        return web.Response(body=offices[-1].reply(await request.read()))

    app = web.Application()
    app.router.add_post("/tsp", serve)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:

        def way(office: Office) -> Tsa:
            offices.append(office)
            return Tsa(
                url=str(server.make_url("/tsp")),
                fetcher=Fetcher(plain=session, guarded=session),
                desk=FixedTrust(trust.without_lists()),
                now=now,
            )

        yield way


@pytest.mark.foreign
@pytest.mark.parametrize("family", SIGNER_DIGESTS)
@pytest.mark.parametrize("digest", NAMES)
def test_we_believe_a_token_of_openssl(
    found: Found, trust: Trust, family: Family, digest: DigestAlgorithm
) -> None:
    office = found(family)
    imprint = trust.backend.digest(digest, STAMPED)

    token = read_answer(office.reply(write_query(imprint, digest, nonce=12345)))

    began = now()
    proof = judge_token(token, STAMPED, trust.without_lists(), at=began)
    assert proof.reasons == ()
    assert proof.moment is not None
    assert abs(proof.moment - began) < timedelta(minutes=1)
    assert proof.info is not None
    assert proof.info.nonce == 12345
    assert proof.info.accuracy == timedelta(seconds=1, milliseconds=500)
    assert proof.info.tsa is not None
    other = judge_token(token, b"other", trust.without_lists(), at=began)
    assert other.moment is None


@pytest.mark.foreign
def test_openssl_reads_our_query(found: Found, trust: Trust) -> None:
    office = found()
    query = write_query(bytes(range(32)), SHA_256, nonce=0xABCDEF, policy="1.2.643.99.2")
    (office.folder / "query").write_bytes(query)

    text = office.run("ts", "-query", "-in", office.folder / "query", "-text").stdout.decode()

    assert "Hash Algorithm: sha256" in text
    assert "Policy OID: 1.2.643.99.2" in text
    assert "Nonce: 0xABCDEF" in text
    assert "Certificate required: yes" in text


@pytest.mark.foreign
def test_refusal_of_openssl_is_told(found: Found) -> None:
    office = found()
    query = write_query(bytes(32), SHA_256, nonce=1, policy="1.2.643.99.3")

    with pytest.raises(TimestampRefused, match="status 2, unacceptedPolicy"):
        read_answer(office.reply(query))


@pytest.mark.foreign
def test_token_of_openssl_with_a_sha_1_reference_is_refused(found: Found, trust: Trust) -> None:
    """Its default: signing-certificate of version 1."""
    office = found(ess="sha1")
    imprint = trust.backend.digest(SHA_256, STAMPED)

    token = read_answer(office.reply(write_query(imprint, SHA_256, nonce=1)))

    (reason,) = judge_token(token, STAMPED, trust.without_lists(), at=now()).reasons
    assert reason.fact is Fact.TIMESTAMP_REFUSED
    assert reason.detail == "attribute-missing (signing-certificate-v2)"


@pytest.mark.foreign
@pytest.mark.parametrize("family", SIGNER_DIGESTS)
async def test_openssl_finds_good_what_it_and_we_have_made(
    found: Found,
    visit: Callable[[Office], Tsa],
    issue: Issue,
    trust: Trust,
    family: Family,
) -> None:
    office, today = found(family), now()
    life = {"not_before": today - DAY, "not_after": today + DAY}
    cms = sign_cms(CONTENT, issue(family=family, **life), at=today)
    cms = add_signer(cms, issue(family=family, **life), at=today, content=CONTENT)

    stamped = await stamp(cms, visit(office))

    for signer in read_container(stamped).signers:
        (token,) = read_tokens(signer.unsigned)
        assert "Verification: OK" in office.verify(token, signer.signature)
        assert "Verification: FAILED" in office.verify(token, b"other")
    (office.folder / "cms").write_bytes(stamped)
    (office.folder / "content").write_bytes(CONTENT)
    done = office.run(
        *("cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", office.folder / "cms"),
        *("-content", office.folder / "content", "-CAfile", office.folder / "trusted"),
        *("-purpose", "any"),
    )
    assert b"CAdES Verification successful" in done.stderr, done.stderr


@pytest.mark.foreign
async def test_token_of_openssl_outlives_the_certificate_of_the_signer(
    found: Found, visit: Callable[[Office], Tsa], issue: Issue, trust: Trust
) -> None:
    today = now().replace(microsecond=0)
    signer = issue(not_before=today - DAY, not_after=today + DAY)
    bare = sign_cms(CONTENT, signer, at=today)

    stamped = await stamp(bare, visit(found()))

    later, words = today + 10 * DAY, trust.without_lists()
    verdict = verify_cms(stamped, CONTENT, words, at=later).verdict
    assert verdict.outcome is Outcome.EXPIRED_BUT_TIMESTAMPED
    assert verdict.has(Fact.TIMESTAMPED)
    assert verify_cms(bare, CONTENT, words, at=later).verdict.has(Fact.EXPIRED)
