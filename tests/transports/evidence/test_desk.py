"""What the network does to us is never held against a signature, and never believed unverified."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.signatures import der
from gateway.signatures.algorithms import Family
from gateway.signatures.backends import Chooser
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.certificates import write_pem
from gateway.signatures.chain import judge_chain, load_trust
from gateway.signatures.reasons import Fact
from gateway.transports.evidence import Authority, DeskTerms, RevocationDesk, TrustFolder
from tests.signatures.conftest import DAY, NOON, Issue, Load
from tests.signatures.ocsp.answering import UNKNOWN, revoked
from tests.signatures.reissuing import (
    NO_CHECK,
    OCSP_SIGNING,
    access,
    extended,
    list_bytes,
    points,
    purposes,
)
from tests.transports.evidence.conftest import Scene, Serve, Silent, answering, bytes_of

HOUR = timedelta(hours=1)


async def judge(
    scene: Scene, desk: RevocationDesk | None = None, *, at: datetime = NOON
) -> list[Fact]:
    desk = desk or scene.desk()
    trust = await desk.gather([scene.certificate], now=at)
    return [reason.fact for reason in judge_chain(scene.certificate, (), trust, at=at)]


# --- what is fetched counts ----------------------------------------------------------------------


async def test_good_answer_is_fetched_and_believed(scene: Scene) -> None:
    scene.responder.routes["/ocsp"] = answering(scene.answer)

    assert await judge(scene) == []
    assert scene.results == [("ocsp", "fetched")]
    assert scene.responder.asked == ["/ocsp"]
    assert scene.ages == [("ocsp", timedelta(minutes=1))]


async def test_revoked_answer_revokes(scene: Scene) -> None:
    scene.responder.routes["/ocsp"] = answering(
        replace(scene.answer, status=revoked(NOON - DAY, 1))
    )

    assert await judge(scene) == [Fact.REVOKED]


async def test_answer_without_a_nonce_is_believed_while_it_is_new(scene: Scene) -> None:
    scene.responder.routes["/ocsp"] = answering(scene.answer, nonce=b"")

    assert await judge(scene) == []


async def test_list_is_fetched_where_no_answer_comes(scene: Scene) -> None:
    scene.responder.routes["/list"] = bytes_of(scene.crl())

    assert await judge(scene) == []
    assert scene.results == [("ocsp", "http-status"), ("list", "fetched"), ("delta", "http-status")]
    assert scene.ages == [("list", DAY)]


async def test_list_in_pem_is_one_too(scene: Scene) -> None:
    scene.responder.routes["/list"] = bytes_of(write_pem("X509 CRL", scene.crl()))

    assert await judge(scene) == []


async def test_delta_list_is_fetched_with_its_list(scene: Scene) -> None:
    scene.responder.routes["/list"] = bytes_of(scene.crl(number=7))
    scene.responder.routes["/delta"] = bytes_of(
        scene.crl(revoked=True, number=8, base=7, since=-HOUR)
    )

    assert await judge(scene) == [Fact.REVOKED]


async def test_delta_list_that_only_the_list_names_is_fetched(scene: Scene, issue: Issue) -> None:
    url = scene.responder.url
    scene.signer = extended(issue(), scene.issuing, points("2.5.29.31", url("/list")))
    named = points("2.5.29.46", url("/delta"))
    scene.responder.routes["/list"] = bytes_of(scene.crl(named, number=7))
    scene.responder.routes["/delta"] = bytes_of(
        scene.crl(revoked=True, number=8, base=7, since=-HOUR)
    )

    assert await judge(scene) == [Fact.REVOKED]


async def test_list_in_the_folder_spares_the_fetch(scene: Scene, pki: Path) -> None:
    scene.trust = load_trust(pki / "trust")

    assert await judge(scene) == []
    assert scene.responder.asked == ["/ocsp"]


async def test_operators_address_wins(scene: Scene) -> None:
    scene.responder.routes["/ours"] = answering(scene.answer)
    scene.authorities[scene.issuing.certificate.sha256] = Authority(
        ocsp=(scene.responder.url("/down"), scene.responder.url("/ours"))
    )
    scene.responder.routes["/down"] = bytes_of(b"", status=500)
    scene.allow = frozenset()  # the operator's own addresses need no leave

    assert await judge(scene) == []
    assert scene.responder.asked == ["/down", "/ours"]


async def test_operators_lists_win(scene: Scene) -> None:
    url = scene.responder.url
    scene.authorities[scene.issuing.certificate.sha256] = Authority(
        lists=(url("/our-list"),), deltas=(url("/our-delta"),)
    )
    scene.responder.routes["/our-list"] = bytes_of(scene.crl(number=7))
    scene.responder.routes["/our-delta"] = bytes_of(
        scene.crl(revoked=True, number=8, base=7, since=-HOUR)
    )

    assert await judge(scene) == [Fact.REVOKED]
    assert scene.responder.asked == ["/ocsp", "/our-list", "/our-delta"]


async def test_certificate_without_addresses_asks_nobody(scene: Scene, issue: Issue) -> None:
    scene.signer = issue()

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert not scene.responder.asked


async def test_without_a_fetcher_nobody_is_asked(scene: Scene, pki: Path) -> None:
    folder = TrustFolder(pki / "trust", load_trust, every=HOUR, log=Silent())
    desk = RevocationDesk(folder, None, chance=bytes)

    assert await judge(scene, desk) == []
    assert not scene.responder.asked


# --- whatever goes wrong -------------------------------------------------------------------------


async def test_authority_that_is_down_leaves_it_unchecked(scene: Scene) -> None:
    await scene.responder.server.close()

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results == [(kind, "unreachable") for kind in ("ocsp", "list", "delta")]


async def test_authority_that_is_slow_leaves_it_unchecked(scene: Scene) -> None:
    async def sleep(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    scene.within = timedelta(seconds=0.1)
    scene.responder.routes |= dict.fromkeys(("/ocsp", "/list", "/delta"), sleep)

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results == [(kind, "slow") for kind in ("ocsp", "list", "delta")]


async def test_authority_that_drips_is_slow(scene: Scene) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"0")
            await asyncio.sleep(0.05)
        return response

    scene.within = timedelta(seconds=0.2)
    scene.responder.routes["/ocsp"] = drip

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[0] == ("ocsp", "slow")


@pytest.mark.parametrize(
    ("served", "result"),
    [
        (bytes_of(b"", status=500), "http-status"),
        (bytes_of(b"<html>garbage</html>"), "malformed"),
        (bytes_of(b""), "malformed"),
        (bytes_of(der.sequence(der.enumerated(3))), "declined"),
        (bytes_of(b"0" * (64 * 2**10 + 1)), "too-large"),
        (bytes_of(b"", status=302, Location="file:///etc/passwd"), "http-status"),
        (bytes_of(b"", status=307, Location="http://169.254.169.254/"), "http-status"),
    ],
)
async def test_what_is_no_answer_leaves_it_unchecked(
    scene: Scene, served: Serve, result: str
) -> None:
    scene.responder.routes["/ocsp"] = served

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[0] == ("ocsp", result)


async def test_answer_of_exactly_the_limit_is_read(scene: Scene) -> None:
    scene.terms = DeskTerms(largest_answer=len(replace(scene.answer, nonce=b"c" * 32).der()))
    scene.responder.routes["/ocsp"] = answering(scene.answer)

    assert await judge(scene) == []


async def test_replayed_nonce_is_not_believed(scene: Scene) -> None:
    scene.responder.routes["/ocsp"] = answering(scene.answer, nonce=b"another")

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[0] == ("ocsp", "replayed")


async def test_answer_for_another_certificate_is_not_believed(scene: Scene, issue: Issue) -> None:
    scene.responder.routes["/ocsp"] = answering(
        replace(scene.answer, certificate=issue().certificate)
    )

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[0] == ("ocsp", "about-another")


async def test_answer_of_a_stranger_is_not_believed(scene: Scene, key: Load) -> None:
    scene.responder.routes["/ocsp"] = answering(
        replace(scene.answer, responder=key("stranger-root"))
    )

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[0] == ("ocsp", "unverified")


@pytest.mark.parametrize(
    ("age", "result"),
    [
        (HOUR, "fetched"),
        (HOUR + timedelta(seconds=1), "stale"),
        (-timedelta(minutes=5), "fetched"),
        (-timedelta(minutes=5, seconds=1), "from-the-future"),
    ],
)
async def test_answer_of_another_time_is_not_believed(
    scene: Scene, age: timedelta, result: str
) -> None:
    scene.responder.routes["/ocsp"] = answering(replace(scene.answer, this_update=NOON - age))

    found = await judge(scene)

    assert found == ([] if result == "fetched" else [Fact.REVOCATION_UNKNOWN])
    assert scene.results[0] == ("ocsp", result)


async def test_authority_that_does_not_know_the_certificate_has_not_said_anything(
    scene: Scene,
) -> None:
    scene.responder.routes["/ocsp"] = answering(replace(scene.answer, status=UNKNOWN))

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[0] == ("ocsp", "unknown")


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"until": -timedelta(seconds=1)}, "stale"),
        ({"until": timedelta()}, "fetched"),
        ({"since": timedelta(minutes=5)}, "fetched"),
        ({"since": timedelta(minutes=5, seconds=1)}, "from-the-future"),
    ],
)
async def test_list_of_another_time_is_not_taken(
    scene: Scene, changes: dict[str, Any], result: str
) -> None:
    scene.responder.routes["/list"] = bytes_of(scene.crl(**changes))

    await judge(scene)

    assert scene.results[1] == ("list", result)


async def test_list_of_a_stranger_or_of_another_authority_is_not_taken(
    scene: Scene, key: Load, issue: Issue
) -> None:
    ca = {"authority": True, "key_usage": ("key_cert_sign", "crl_sign")}
    namesake = issue("stranger-root", subject=scene.issuing.certificate.subject_name, **ca)
    for made, result in (
        (list_bytes(namesake, {}), "unverified"),
        (list_bytes(key("ru-root"), {}), "unverified"),
        (b"garbage", "malformed"),
    ):
        scene.responder.routes["/list"] = bytes_of(made)
        scene.results.clear()

        assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
        assert scene.results[1] == ("list", result)


async def test_list_over_the_limit_is_not_taken(scene: Scene) -> None:
    content = scene.crl()
    scene.responder.routes["/list"] = bytes_of(content)
    scene.terms = DeskTerms(largest_list=len(content) - 1)

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[1] == ("list", "too-large")


async def test_gost_word_without_a_backend_is_left_to_the_verifier(
    scene: Scene, issue: Issue, key: Load
) -> None:
    issuing = key("ru-issuing-gost")
    url = scene.responder.url
    scene.issuing = issuing
    scene.signer = extended(
        issue("ru-issuing-gost"),
        issuing,
        access(ocsp=[url("/ocsp")]),
        points("2.5.29.31", url("/list")),
    )
    scene.responder.routes["/ocsp"] = answering(scene.answer)
    scene.responder.routes["/list"] = bytes_of(scene.crl())
    scene.trust = replace(scene.trust, backend=Chooser([Pyca()]))

    assert await judge(scene) == [Fact.BACKEND_MISSING]
    assert not scene.responder.asked  # no path is known to lead to a root


async def test_answer_that_nobody_here_can_read_is_left_to_the_verifier(
    scene: Scene, issue: Issue
) -> None:
    gost = issue(scene.issuing, Family.GOST_256)
    delegate = extended(gost, scene.issuing, purposes(OCSP_SIGNING), NO_CHECK)
    carries = (delegate.certificate,)
    scene.responder.routes["/ocsp"] = answering(
        replace(scene.answer, responder=delegate, carries=carries)
    )
    assert await judge(scene) == []
    scene.trust = replace(scene.trust, backend=Chooser([Pyca()]))

    assert await judge(scene) == [Fact.BACKEND_MISSING]
    assert scene.responder.asked == ["/ocsp"] * 2


async def test_connection_that_breaks_leaves_it_unchecked(scene: Scene) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    scene.responder.routes["/ocsp"] = hang_up

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results[0] == ("ocsp", "unreachable")


# --- whom we call --------------------------------------------------------------------------------


async def test_private_address_in_a_certificate_is_not_called(scene: Scene) -> None:
    scene.allow = frozenset()

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert not scene.responder.asked
    assert scene.results == [(kind, "forbidden-address") for kind in ("ocsp", "list", "delta")]


async def test_name_that_leads_to_a_private_address_is_not_called(
    scene: Scene, issue: Issue
) -> None:
    url = scene.responder.url("/ocsp").replace("127.0.0.1", "localhost")
    scene.signer = extended(issue(), scene.issuing, access(ocsp=[url]))
    scene.responder.routes["/ocsp"] = answering(scene.answer)
    scene.allow = frozenset()

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert not scene.responder.asked
    assert scene.results == [("ocsp", "forbidden-address")]

    scene.allow = frozenset({"localhost"})
    assert await judge(scene) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ldap://authority.example/cn=x", "http:///"])
async def test_other_schemes_are_not_called(scene: Scene, issue: Issue, url: str) -> None:
    scene.signer = extended(issue(), scene.issuing, access(ocsp=[url]))

    assert await judge(scene) == [Fact.REVOCATION_UNKNOWN]
    assert scene.results == [("ocsp", "forbidden-address")]


async def test_certificate_of_a_stranger_makes_us_call_nobody(
    scene: Scene, issue: Issue, key: Load
) -> None:
    stranger = key("stranger-root")
    scene.signer = extended(
        issue("stranger-root"), stranger, access(ocsp=[scene.responder.url("/ocsp")])
    )

    assert await judge(scene) == [Fact.CHAIN_NOT_FOUND]
    assert not scene.responder.asked


# --- how often -----------------------------------------------------------------------------------


async def test_answer_is_used_again_for_a_while(scene: Scene) -> None:
    scene.responder.routes["/ocsp"] = answering(scene.answer)
    desk = scene.desk()

    for seconds in (0, 299, 300):
        assert await judge(scene, desk, at=NOON + timedelta(seconds=seconds)) == []

    assert scene.responder.asked == ["/ocsp"] * 2


async def test_many_who_want_the_same_answer_share_one_question(scene: Scene) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.05)
        return await answering(scene.answer)(request)

    scene.responder.routes["/ocsp"] = slowly
    desk = scene.desk()

    found = await asyncio.gather(*(judge(scene, desk) for _ in range(20)))

    assert found == [[]] * 20
    assert scene.responder.asked == ["/ocsp"]


async def test_authority_that_failed_is_left_alone_for_a_moment(scene: Scene) -> None:
    desk = scene.desk()

    for seconds in (0, 29, 30):
        await judge(scene, desk, at=NOON + timedelta(seconds=seconds))

    assert scene.responder.asked == ["/ocsp", "/list", "/delta"] * 2


async def test_old_answer_serves_while_its_authority_is_down(scene: Scene) -> None:
    scene.responder.routes["/ocsp"] = answering(scene.answer)
    desk = scene.desk()
    await judge(scene, desk)
    scene.responder.routes["/ocsp"] = bytes_of(b"", status=500)

    assert await judge(scene, desk, at=NOON + timedelta(minutes=50)) == []
    assert await judge(scene, desk, at=NOON + timedelta(minutes=70)) == [Fact.REVOCATION_UNKNOWN]


async def test_exchange_goes_on_once_the_authority_answers(scene: Scene) -> None:
    desk = scene.desk()
    assert await judge(scene, desk) == [Fact.REVOCATION_UNKNOWN]
    scene.responder.routes["/ocsp"] = answering(scene.answer)

    assert await judge(scene, desk, at=NOON + timedelta(seconds=30)) == []


async def test_list_is_fetched_again_after_its_time_or_its_end(scene: Scene, issue: Issue) -> None:
    scene.signer = extended(
        issue(), scene.issuing, points("2.5.29.31", scene.responder.url("/list"))
    )
    scene.responder.routes["/list"] = bytes_of(scene.crl(until=2 * HOUR))
    desk = scene.desk()

    for minutes in (0, 59, 60, 119):
        assert await judge(scene, desk, at=NOON + timedelta(minutes=minutes)) == []
    assert scene.responder.asked == ["/list"] * 2

    scene.responder.routes["/list"] = bytes_of(scene.crl(since=HOUR, until=4 * HOUR))
    assert await judge(scene, desk, at=NOON + timedelta(minutes=121)) == []
    assert scene.responder.asked == ["/list"] * 3


async def test_older_list_does_not_replace_a_newer_one(scene: Scene, issue: Issue) -> None:
    scene.signer = extended(
        issue(), scene.issuing, points("2.5.29.31", scene.responder.url("/list"))
    )
    scene.responder.routes["/list"] = bytes_of(scene.crl(revoked=True))
    desk = scene.desk()
    await judge(scene, desk)
    scene.responder.routes["/list"] = bytes_of(scene.crl(since=-2 * DAY))

    assert await judge(scene, desk, at=NOON + HOUR) == [Fact.REVOKED]
    assert scene.results[-1] == ("list", "older")
