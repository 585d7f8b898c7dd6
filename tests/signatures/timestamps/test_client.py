"""Asking an authority over HTTP: what is asked, what is believed, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.errors import CryptoUnavailable, MalformedMessage, WeatherError
from gateway.signatures import asn1, der
from gateway.signatures.algorithms import SHA_1, SHA_256, SHA_512, STREEBOG_256, Family
from gateway.signatures.backends import Chooser
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.cades import add_signer, sign_cms, stamp, verify_cms
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust
from gateway.signatures.cms.attributes import read_tokens
from gateway.signatures.cms.container import read_container
from gateway.signatures.cms.profile import DOCUMENT
from gateway.signatures.keys import SigningKey
from gateway.signatures.timestamps import TimestampRefused, read_answer
from gateway.signatures.timestamps.token import read_tst_info
from gateway.signatures.verdict import Outcome
from gateway.transports.evidence import Fetcher
from gateway.transports.timestamps import FixedTrust, Tsa
from tests.signatures.cades.forging import Forgery
from tests.signatures.conftest import DAY, NOON, Issue
from tests.signatures.timestamps.authority import POLICY, Stamp
from tests.signatures.timestamps.conftest import Employ

Visit = Callable[..., Awaitable[Tsa]]

CONTENT = b"<ClinicalDocument/>"
STAMPED = b"the octets of a signature"
GRANTED = der.sequence(der.integer(0))


@dataclass
class Office:
    """An authority over HTTP; `answer` makes the reply of a query's nonce and imprint."""

    answer: Callable[[int, bytes], bytes | web.StreamResponse]
    queries: list[bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        query = await request.read()
        self.queries.append(query)
        self.headers = dict(request.headers)
        _, imprint, *rest = asn1.read_der(query).members()
        nonce = next(one for one in rest if one.tag == asn1.INTEGER).integer()
        answer = self.answer(nonce, imprint.members()[1].body)
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="application/timestamp-reply")
        return answer


def granted(token: bytes) -> bytes:
    return der.sequence(GRANTED, token)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
async def visit(session: aiohttp.ClientSession, trust: Trust) -> AsyncIterator[Visit]:
    """Return a function that opens an office and gives the way to it."""
    servers = []

    async def open_office(office: Office, **changes: object) -> Tsa:
        app = web.Application()
        app.router.add_post("/tsp", office.serve)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        tsa = Tsa(
            url=str(server.make_url("/tsp")),
            fetcher=Fetcher(plain=session, guarded=session),
            desk=FixedTrust(trust),
            now=lambda: NOON,
            tries=1,
            pause=timedelta(milliseconds=1),
        )
        return replace(tsa, **changes)  # type: ignore[arg-type] # the dataclass checks names

    yield open_office
    for server in servers:
        await server.close()


def honest(key: SigningKey, stamped: bytes = STAMPED, **changes: object) -> Office:
    """Return an office that stamps these octets well, but for the changes."""

    def answer(nonce: int, imprint: bytes) -> bytes:
        made = Stamp(stamped, key, **{"nonce": nonce, **changes})  # type: ignore[arg-type] # the dataclass checks names
        return granted(made.write())

    return Office(answer)


async def ask(visit: Visit, office: Office, **changes: object) -> bytes:
    tsa = await visit(office, **changes)
    return await tsa.stamp(STAMPED, SHA_256)


async def test_query_says_what_rfc_3161_wants(authority: Employ, visit: Visit) -> None:
    office = honest(authority())

    token = await ask(visit, office, policy=POLICY, draw=lambda bits: bits + 7)

    expected = der.sequence(
        der.integer(1),
        der.sequence(
            der.sequence(der.oid(SHA_256.oid)),
            der.octets(authority().backend.digest(SHA_256, STAMPED)),
        ),
        der.oid(POLICY),
        der.integer(71),
        der.TRUE,
    )
    assert office.queries == [expected]
    assert office.headers["Content-Type"] == "application/timestamp-query"
    assert read_tst_info(read_container(token).content or b"").nonce == 71


async def test_nonce_is_new_each_time_and_policy_is_left_out(
    authority: Employ, visit: Visit
) -> None:
    office = honest(authority())
    tsa = await visit(office)

    for _ in range(2):
        await tsa.stamp(STAMPED, SHA_256)

    first, second = (asn1.read_der(query).members() for query in office.queries)
    assert first[2].tag == asn1.INTEGER
    assert first[2].integer() != second[2].integer()
    assert max(first[2].integer(), second[2].integer()) > 2**32


async def test_hash_of_the_setting_outranks_that_of_the_signature(
    authority: Employ, visit: Visit
) -> None:
    office = honest(authority())

    await ask(visit, office, digest=SHA_512)

    imprint = asn1.read_der(office.queries[0]).members()[1].members()[1].body
    assert imprint == authority().backend.digest(SHA_512, STAMPED)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"nonce": 1}, "another nonce"),
        ({"nonce": None}, "another nonce"),
        ({"policy": "1.2.643.99.2"}, "another policy"),
        ({"at": NOON - timedelta(minutes=6)}, "a moment that is not now"),
        ({"at": NOON + timedelta(minutes=6)}, "signed-in-the-future"),
        ({"stamped": b"other"}, "digest-mismatch"),
        ({"digest_oid": SHA_1.oid}, "algorithm-forbidden"),
    ],
)
async def test_token_that_does_not_answer_the_query_is_refused(
    authority: Employ, visit: Visit, changes: dict[str, object], why: str
) -> None:
    office = honest(authority(), **changes)  # type: ignore[arg-type] # the dataclass checks names

    with pytest.raises(TimestampRefused, match=why):
        await ask(visit, office, policy=POLICY)


@pytest.mark.parametrize("minutes", [-5, 5])
async def test_clock_of_the_authority_may_be_off_by_minutes(
    authority: Employ, visit: Visit, minutes: int
) -> None:
    office = honest(authority(), at=NOON + timedelta(minutes=minutes))

    assert await ask(visit, office)


async def test_token_of_a_stranger_never_comes_back(authority: Employ, visit: Visit) -> None:
    with pytest.raises(TimestampRefused, match="chain-not-found"):
        await ask(visit, honest(authority("stranger-root")))


async def test_token_that_nobody_here_can_check_makes_the_caller_wait(
    authority: Employ, visit: Visit, trust: Trust
) -> None:
    office = honest(authority(family=Family.GOST_256))
    poor = FixedTrust(replace(trust, backend=Chooser([Pyca()])))

    with pytest.raises(CryptoUnavailable):
        await ask(visit, office, desk=poor)
    with pytest.raises(CryptoUnavailable):
        await ask(
            visit,
            office,
            desk=poor,
            digest=STREEBOG_256,
        )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (der.sequence(der.sequence(der.integer(2))), "status 2, no failureInfo"),
        (
            der.sequence(
                der.sequence(der.integer(2), der.sequence(der.text("нет")), der.bits(b"\x80", 7))
            ),
            "status 2, badAlg",
        ),
        (
            der.sequence(der.sequence(der.integer(2), der.bits(b"\0\x01\0", 0))),
            "status 2, unacceptedPolicy",
        ),
        (
            der.sequence(der.sequence(der.integer(2), der.bits(b"\x20\x02", 1))),
            "status 2, badRequest, timeNotAvailable",
        ),
        (
            der.sequence(der.sequence(der.integer(2), der.bits(b"\x40", 6))),
            "status 2, unknown failureInfo",
        ),
        (der.sequence(der.sequence(der.integer(2)), der.sequence()), "status 2"),
        (der.sequence(GRANTED), "status 0"),
    ],
)
async def test_refusal_of_the_authority_is_told_in_its_own_words(
    visit: Visit, answer: bytes, why: str
) -> None:
    with pytest.raises(TimestampRefused, match=why):
        await ask(visit, Office(lambda *_: answer))


@pytest.mark.parametrize("answer", [b"", b"<html>", granted(der.NULL), granted(der.sequence())])
async def test_answer_that_is_none_is_refused(visit: Visit, answer: bytes) -> None:
    with pytest.raises(TimestampRefused):
        await ask(visit, Office(lambda *_: answer))


def test_token_granted_with_changes_is_taken_and_is_still_to_be_judged() -> None:
    token = der.sequence(der.oid("1.2.3"))

    assert read_answer(der.sequence(der.sequence(der.integer(1)), token)) == token
    with pytest.raises(MalformedMessage):
        read_answer(der.sequence(GRANTED, token, token))


# --- weather -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 302, 400, 404, 500, 503])
async def test_any_other_answer_is_weather(visit: Visit, status: int) -> None:
    office = Office(
        lambda *_: web.Response(status=status, headers={"Location": "http://elsewhere.example/"})
    )

    with pytest.raises(WeatherError, match="gives no answer: http-status"):
        await ask(visit, office)


async def test_too_large_an_answer_is_weather(visit: Visit) -> None:
    with pytest.raises(WeatherError, match="gives no answer: too-large"):
        await ask(visit, Office(lambda *_: bytes(256 * 2**10 + 1)))
    with pytest.raises(TimestampRefused):
        await ask(visit, Office(lambda *_: bytes(256 * 2**10)))


async def test_silence_is_weather(visit: Visit, session: aiohttp.ClientSession) -> None:
    hasty = Fetcher(plain=session, guarded=session, within=timedelta(milliseconds=50))

    class Silent(Office):
        async def serve(self, request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(5)
            raise AssertionError

    with pytest.raises(WeatherError, match="gives no answer: slow"):
        await ask(visit, Silent(lambda *_: b""), fetcher=hasty)


async def test_nobody_there_is_weather_and_the_address_is_not_repeated(
    session: aiohttp.ClientSession, trust: Trust
) -> None:
    tsa = Tsa(
        url="http://127.0.0.1:9/tsp?secret=1",
        fetcher=Fetcher(plain=session, guarded=session),
        desk=FixedTrust(trust),
        now=lambda: NOON,
        tries=1,
    )

    with pytest.raises(WeatherError) as caught:
        await tsa.stamp(STAMPED, SHA_256)

    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value)


@pytest.mark.parametrize(("bad", "good"), [(2, True), (3, False)])
async def test_query_is_repeated_through_bad_weather_as_often_as_it_says(
    authority: Employ, visit: Visit, bad: int, *, good: bool
) -> None:
    office = honest(authority())
    well = office.answer
    office.answer = lambda *query: (
        web.Response(status=503) if len(office.queries) <= bad else well(*query)
    )

    if good:
        assert await ask(visit, office, tries=3)
    else:
        with pytest.raises(WeatherError):
            await ask(visit, office, tries=3)
    assert len(office.queries) == 3
    assert len(set(office.queries)) == 1


async def test_refusal_is_not_asked_again(visit: Visit) -> None:
    office = Office(lambda *_: der.sequence(der.sequence(der.integer(2))))

    with pytest.raises(TimestampRefused):
        await ask(visit, office, tries=3)

    assert len(office.queries) == 1


# --- CAdES-T -----------------------------------------------------------------------------------


def stamping(key: SigningKey, *containers: bytes) -> Office:
    """Return an office that stamps the signatures of these containers, by their imprints."""
    known: dict[bytes, Stamp] = {}
    for cms in containers:
        for signer in read_container(cms).signers:
            for digest in (SHA_256, SHA_512, STREEBOG_256):
                made = Stamp(signer.signature, key, digest=digest)
                known[key.backend.digest(digest, signer.signature)] = made

    return Office(lambda nonce, imprint: granted(known[imprint].but(nonce=nonce).write()))


@pytest.mark.parametrize("family", [Family.RSA, Family.EC, Family.GOST_256])
async def test_cades_bes_becomes_cades_t_and_outlives_its_certificate(
    authority: Employ, visit: Visit, issue: Issue, trust: Trust, family: Family
) -> None:
    cms = sign_cms(CONTENT, issue(family=family), at=NOON)
    office = stamping(authority(), cms)

    stamped = await stamp(cms, await visit(office))

    verified = verify_cms(stamped, CONTENT, trust, at=NOON + 10 * DAY)
    assert verified.verdict.outcome is Outcome.EXPIRED_BUT_TIMESTAMPED
    imprint = asn1.read_der(office.queries[0]).members()[1].members()[0]
    assert imprint.members()[0].oid() == read_container(cms).signers[0].digest


async def test_every_signer_is_stamped_and_none_twice(
    authority: Employ, visit: Visit, issue: Issue, trust: Trust
) -> None:
    cms = add_signer(sign_cms(CONTENT, issue(), at=NOON), issue(), at=NOON, content=CONTENT)
    office = stamping(authority(), cms)
    tsa = await visit(office)

    once = await stamp(cms, tsa)
    twice = await stamp(once, tsa)

    assert twice == once
    assert len(office.queries) == 2
    assert all(len(read_tokens(one.unsigned)) == 1 for one in read_container(once).signers)
    two = replace(DOCUMENT, fewest=2, most=2)
    verified = verify_cms(once, CONTENT, trust, at=NOON + 10 * DAY, profile=two)
    assert verified.verdict.outcome is Outcome.EXPIRED_BUT_TIMESTAMPED


@pytest.mark.parametrize("oid", [SHA_1.oid, "1.2.3"])
async def test_weak_or_unknown_hash_of_a_signer_is_not_used_for_the_imprint(
    authority: Employ, visit: Visit, issue: Issue, oid: str
) -> None:
    cms = Forgery(CONTENT, issue(), NOON, digest_oid=oid).write()
    office = stamping(authority(), cms)

    await stamp(cms, await visit(office))

    imprint = asn1.read_der(office.queries[0]).members()[1].members()[0]
    assert imprint.members()[0].oid() == SHA_256.oid


async def test_bad_token_is_never_put_in(authority: Employ, visit: Visit, issue: Issue) -> None:
    cms = sign_cms(CONTENT, issue(), at=NOON)

    with pytest.raises(TimestampRefused):
        await stamp(cms, await visit(honest(authority(), b"other")))


async def test_word_on_the_authority_is_gathered_before_its_token_is_judged(
    authority: Employ, visit: Visit, trust: Trust
) -> None:
    asked: list[Sequence[Certificate]] = []

    class Asking(FixedTrust):
        async def gather(self, certificates: Sequence[Certificate], *, now: datetime) -> Trust:
            asked.append(certificates)
            return trust if certificates else trust.without_lists()

    signer = authority()

    await ask(visit, honest(signer), desk=Asking(trust))

    assert asked == [(), (signer.certificate,)]


async def test_what_is_no_container_is_not_stamped(visit: Visit, authority: Employ) -> None:
    with pytest.raises(MalformedMessage):
        await stamp(b"", await visit(honest(authority())))
