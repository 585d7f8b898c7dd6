"""An authority's answer counts when it is its own, about this certificate, and new enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedMessage
from gateway.signatures import asn1, der
from gateway.signatures.algorithms import MD5, RSA_SHA1, SHA_1, SHA_256, Family
from gateway.signatures.backends import Chooser, PublicKey, open_backend
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust, judge_chain
from gateway.signatures.keys import SigningKey
from gateway.signatures.ocsp import Declined, OcspAnswer, Status, ask, read_answer
from gateway.signatures.ocsp.responder import answers_for, verify_answer
from gateway.signatures.reasons import Fact
from tests.signatures.conftest import DAY, NOON, Issue, Load
from tests.signatures.ocsp.answering import NONCE, UNKNOWN, Answer, extension, moment, revoked
from tests.signatures.reissuing import NO_CHECK, OCSP_SIGNING, extended, listed, purposes

HOUR = timedelta(hours=1)
ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"
CA = {"authority": True, "key_usage": ("key_cert_sign", "crl_sign")}
Delegate = Callable[..., SigningKey]


@pytest.fixture
def issuing(key: Load) -> SigningKey:
    return key("ru-issuing")


@pytest.fixture
def chair(key: Load) -> Certificate:
    return key("ru-clinic77-chair").certificate


@pytest.fixture
def delegate(issue: Issue, issuing: SigningKey) -> Delegate:
    def make(*extensions: bytes, issuer: SigningKey = issuing, **changes: object) -> SigningKey:
        wanted = extensions or (purposes(OCSP_SIGNING), NO_CHECK)
        return extended(issue(issuer, **changes), issuer, *wanted)

    return make


@pytest.fixture
def answer(chair: Certificate, issuing: SigningKey) -> Answer:
    return Answer(responder=issuing, certificate=chair, issuer=issuing.certificate)


@pytest.fixture
def deaf(trust: Trust, issuing: SigningKey) -> Trust:
    """Return a trust that has no list of the issuing authority, only of those above."""
    name = issuing.certificate.subject_name
    return replace(trust, lists=tuple(one for one in trust.lists if one.issuer_name != name))


def read(octets: bytes) -> OcspAnswer:
    found = read_answer(octets)
    assert isinstance(found, OcspAnswer)
    return found


def judge(
    trust: Trust, certificate: Certificate, *answers: Answer, at: datetime = NOON
) -> list[Fact]:
    heard = trust.with_evidence([read(one.der()) for one in answers], [])
    return [reason.fact for reason in judge_chain(certificate, (), heard, at=at)]


# --- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["by name", "by key"])
@pytest.mark.parametrize("hash_oid", [SHA_1.oid, SHA_256.oid])
def test_good_answer_of_the_authority_itself_holds(
    deaf: Trust, answer: Answer, chair: Certificate, named: str, hash_oid: str
) -> None:
    said = replace(answer, by_key=named == "by key", hash_oid=hash_oid)

    assert judge(deaf, chair) == [Fact.REVOCATION_UNKNOWN]
    assert judge(deaf, chair, said) == []


def test_name_under_another_hash_names_nobody(
    deaf: Trust, answer: Answer, chair: Certificate
) -> None:
    said = replace(answer, hash_oid=MD5.oid)

    assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]


@pytest.mark.parametrize(
    ("since", "reason", "found", "detail"),
    [
        (NOON - DAY, 1, Fact.REVOKED, "keyCompromise"),
        (NOON, None, Fact.REVOKED, "unspecified"),
        (NOON - DAY, 6, Fact.REVOKED, "certificateHold"),
        (datetime(1970, 1, 1, tzinfo=UTC), 6, Fact.NEVER_ISSUED, ""),
    ],
)
def test_revoked_answer_names_the_reason(
    deaf: Trust,
    answer: Answer,
    chair: Certificate,
    since: datetime,
    reason: int | None,
    found: Fact,
    detail: str,
) -> None:
    said = read(replace(answer, status=revoked(since, reason)).der())

    (told,) = judge_chain(chair, (), deaf.with_evidence([said], []), at=NOON)

    assert (told.fact, told.detail) == (found, detail)
    assert told.outcome.value == "revoked"


def test_revocation_of_tomorrow_is_none_today(
    deaf: Trust, answer: Answer, chair: Certificate
) -> None:
    said = replace(answer, status=revoked(NOON + HOUR, 1))

    assert judge(deaf, chair, said) == []


def test_revoked_authority_is_told_from_a_revoked_signer(
    trust: Trust, key: Load, chair: Certificate, issuing: SigningKey
) -> None:
    root = key("ru-root")
    said = Answer(
        responder=root,
        certificate=issuing.certificate,
        issuer=root.certificate,
        status=revoked(NOON - DAY, 2),
    )

    assert judge(trust, chair, said) == [Fact.AUTHORITY_REVOKED]


def test_unknown_is_neither_good_nor_revoked(
    trust: Trust, deaf: Trust, answer: Answer, chair: Certificate
) -> None:
    said = replace(answer, status=UNKNOWN)

    assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]
    assert judge(trust, chair, said) == []  # the list knows


def test_answer_about_another_certificate_says_nothing(
    deaf: Trust, answer: Answer, chair: Certificate, key: Load
) -> None:
    other = key("ru-clinic77-member-1").certificate

    assert judge(deaf, chair, replace(answer, certificate=other)) == [Fact.REVOCATION_UNKNOWN]


def test_answer_about_the_same_number_of_another_authority_says_nothing(
    deaf: Trust, answer: Answer, chair: Certificate, issuing: SigningKey, issue: Issue
) -> None:
    namesake = issue("stranger-root", subject=issuing.certificate.subject_name, **CA).certificate
    renamed = replace(issuing.certificate, subject_name=namesake.issuer_name)

    for issuer in (namesake, renamed):
        said = replace(answer, issuer=issuer)
        assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]


# --- how old -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("this_update", "next_update", "found"),
    [
        (NOON - 3 * DAY, NOON, []),
        (NOON - 3 * DAY, NOON - timedelta(seconds=1), [Fact.REVOCATION_UNKNOWN]),
        (NOON - HOUR, None, []),
        (NOON - HOUR - timedelta(seconds=1), None, [Fact.REVOCATION_UNKNOWN]),
    ],
)
def test_good_word_is_believed_for_a_while(
    deaf: Trust,
    answer: Answer,
    chair: Certificate,
    this_update: datetime,
    next_update: datetime | None,
    found: list[Fact],
) -> None:
    said = replace(answer, this_update=this_update, next_update=next_update)

    assert judge(deaf, chair, said) == found


def test_how_long_is_the_operators_choice(deaf: Trust, answer: Answer, chair: Certificate) -> None:
    said = replace(answer, this_update=NOON - 2 * HOUR)

    assert judge(replace(deaf, answer_age=3 * HOUR), chair, said) == []


@pytest.mark.parametrize(("seconds", "found"), [(0, []), (1, [Fact.REVOCATION_UNKNOWN])])
def test_word_that_gives_itself_years_is_believed_for_ten_days(
    deaf: Trust, answer: Answer, chair: Certificate, seconds: int, found: list[Fact]
) -> None:
    this_update = NOON - 10 * DAY - timedelta(seconds=seconds)
    said = replace(answer, this_update=this_update, next_update=NOON + 3650 * DAY)

    assert judge(deaf, chair, said) == found


@pytest.mark.parametrize(("seconds", "found"), [(0, []), (1, [Fact.REVOCATION_UNKNOWN])])
def test_word_of_tomorrow_is_no_word(
    deaf: Trust, answer: Answer, chair: Certificate, seconds: int, found: list[Fact]
) -> None:
    ahead = NOON + timedelta(minutes=5, seconds=seconds)
    said = replace(answer, this_update=ahead, next_update=NOON + DAY)

    assert judge(deaf, chair, said) == found
    revoking = replace(said, status=revoked(NOON - DAY, 1))
    assert judge(deaf, chair, revoking) == [Fact.REVOKED]


@pytest.mark.parametrize(
    ("made", "kept", "found"),
    [
        (0, None, []),
        (1, None, [Fact.REVOCATION_UNKNOWN]),
        (1, 1, [Fact.REVOCATION_UNKNOWN]),
        (1, 0, []),
    ],
)
def test_good_word_made_after_a_certificates_end_must_say_that_it_knows(
    deaf: Trust, answer: Answer, chair: Certificate, made: int, kept: int | None, found: list[Fact]
) -> None:
    """The seconds are counted from the certificate's end (archiveCutoff, RFC 6960 §4.4.4)."""
    ended = replace(chair, not_after=NOON - HOUR)
    cutoff = moment(ended.not_after + timedelta(seconds=kept or 0))
    said = replace(
        answer,
        this_update=ended.not_after + timedelta(seconds=made),
        single=() if kept is None else (extension(ARCHIVE_CUTOFF, cutoff),),
    )

    assert judge(deaf, ended, said) == [Fact.EXPIRED, *found]
    late = replace(said, status=revoked(NOON - DAY, 4))
    assert judge(deaf, ended, late) == [Fact.EXPIRED, Fact.REVOKED]


def test_first_doubt_in_an_answer_counts_as_the_revocation(
    deaf: Trust, answer: Answer, chair: Certificate
) -> None:
    earlier = NOON - 2 * DAY
    plain = replace(answer, status=revoked(NOON - DAY, 4))
    doubts = replace(plain, single=(extension("2.5.29.24", moment(earlier)),))

    for said, found in ((plain, []), (doubts, [Fact.REVOKED])):
        heard = deaf.with_evidence([read(said.der())], [])
        told = judge_chain(chair, (), heard, at=earlier, now=NOON)
        assert [one.fact for one in told] == found


def test_extensions_of_a_word_are_moments(answer: Answer) -> None:
    for oid in (ARCHIVE_CUTOFF, "2.5.29.24"):
        critical = replace(answer, single=(extension(oid, moment(NOON), critical=True),))
        (word,) = read(critical.der()).words
        assert NOON in (word.keeps_since, word.doubted_since)
        with pytest.raises(MalformedMessage):
            read_answer(replace(answer, single=(extension(oid, der.NULL),)).der())


def test_old_revocation_is_still_one(deaf: Trust, answer: Answer, chair: Certificate) -> None:
    old = replace(answer, this_update=NOON - 9 * DAY, status=revoked(NOON - 10 * DAY, 1))

    assert judge(deaf, chair, old) == [Fact.REVOKED]
    assert judge(deaf, chair, old, answer) == [Fact.REVOKED]  # a newer «good» takes none back


@pytest.mark.parametrize("reason", [6, 1])
def test_only_a_hold_is_lifted_by_what_is_newer(
    deaf: Trust, answer: Answer, chair: Certificate, reason: int
) -> None:
    held = replace(answer, this_update=NOON - HOUR, status=revoked(NOON - DAY, reason))
    found = [] if reason == 6 else [Fact.REVOKED]

    assert judge(deaf, chair, held, answer) == found
    assert judge(deaf, chair, answer, held) == found
    assert judge(deaf, chair, replace(held, this_update=NOON), answer) == [Fact.REVOKED]
    same = replace(held, this_update=answer.this_update)
    assert judge(deaf, chair, same, answer) == [Fact.REVOKED]
    assert judge(deaf, chair, answer, same) == [Fact.REVOKED]


# --- who says it ---------------------------------------------------------------------------------


def test_delegate_of_the_authority_may_answer(
    deaf: Trust, answer: Answer, chair: Certificate, delegate: Delegate
) -> None:
    responder = delegate()
    said = replace(answer, responder=responder, carries=(responder.certificate,))

    assert judge(deaf, chair, said) == []
    assert judge(deaf, chair, replace(said, by_key=True)) == []


def test_delegates_certificate_may_lie_in_the_trust_folder(
    deaf: Trust, answer: Answer, chair: Certificate, delegate: Delegate
) -> None:
    responder = delegate()
    said = replace(answer, responder=responder)
    known = replace(deaf, intermediates=(*deaf.intermediates, responder.certificate))

    assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]
    assert judge(known, chair, said) == []


@pytest.mark.parametrize(
    ("extensions", "changes"),
    [
        ((NO_CHECK,), {}),
        ((purposes("1.3.6.1.5.5.7.3.4"), NO_CHECK), {}),
        ((), {"key_usage": ("key_encipherment",)}),
        ((), {"not_after": NOON - HOUR}),
        ((), {"not_before": NOON + HOUR}),
        ((purposes(OCSP_SIGNING), NO_CHECK, extension("1.2.3", der.NULL, critical=True)), {}),
    ],
)
def test_whoever_lacks_what_a_delegate_needs_answers_for_nobody(
    deaf: Trust,
    answer: Answer,
    chair: Certificate,
    delegate: Delegate,
    extensions: tuple[bytes, ...],
    changes: dict[str, object],
) -> None:
    responder = delegate(*extensions, **changes)
    said = replace(answer, responder=responder, carries=(responder.certificate,))

    assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]


@pytest.mark.parametrize(("seconds", "found"), [(0, []), (-1, [Fact.REVOCATION_UNKNOWN])])
def test_delegate_that_has_ended_speaks_no_more_whatever_moment_it_names(
    deaf: Trust,
    answer: Answer,
    chair: Certificate,
    delegate: Delegate,
    seconds: int,
    found: list[Fact],
) -> None:
    """A stolen key would say that it was used when it was still good."""
    responder = delegate(not_after=NOON + timedelta(seconds=seconds))
    said = replace(answer, responder=responder, carries=(responder.certificate,))
    early = delegate(not_before=NOON + timedelta(seconds=1))
    from_afar = replace(
        said, responder=early, carries=(early.certificate,), produced_at=NOON + HOUR
    )

    assert judge(deaf, chair, said) == found
    assert judge(deaf, chair, from_afar) == [Fact.REVOCATION_UNKNOWN]


def test_delegate_must_live_when_it_is_judged_and_not_at_the_earlier_moment(
    deaf: Trust, answer: Answer, chair: Certificate, delegate: Delegate, issuing: SigningKey
) -> None:
    earlier = NOON - 30 * DAY
    ended = delegate(not_before=NOON - 60 * DAY, not_after=NOON - timedelta(seconds=1))
    hidden = delegate(purposes(OCSP_SIGNING))
    line = {hidden.certificate.serial: (NOON - DAY, 4)}
    unsure = replace(deaf, lists=(*deaf.lists, listed(issuing, line)))
    word = revoked(NOON - 40 * DAY, 4)

    for responder, trust, found in (
        (delegate(), deaf, [Fact.REVOKED]),
        (ended, deaf, [Fact.REVOCATION_UNKNOWN]),
        (hidden, unsure, []),  # revoked since: what the list says of the chair
    ):
        carries = (responder.certificate,)
        said = replace(answer, responder=responder, carries=carries, status=word)
        heard = trust.with_evidence([read(said.der())], [])
        told = judge_chain(chair, (), heard, at=earlier, now=NOON)
        assert [one.fact for one in told] == found


def test_delegate_of_another_authority_answers_for_nobody(
    deaf: Trust, answer: Answer, chair: Certificate, delegate: Delegate, key: Load, issue: Issue
) -> None:
    above = delegate(issuer=key("ru-root"))
    namesake = issue("stranger-root", subject=key("ru-issuing").certificate.subject_name, **CA)
    forged = delegate(issuer=namesake)

    for responder in (above, forged):
        said = replace(answer, responder=responder, carries=(responder.certificate,))
        assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]


def test_answer_under_anothers_name_or_key_is_nobodys(
    deaf: Trust, answer: Answer, chair: Certificate, delegate: Delegate
) -> None:
    responder = delegate()
    carries = (responder.certificate,)
    by_name = answer.identity()
    by_key = replace(answer, by_key=True).identity()

    for shown in (by_name, by_key):
        said = replace(answer, responder=responder, carries=carries, shown=shown)
        assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]


def test_delegate_that_may_be_revoked_must_be_known_not_to_be(
    trust: Trust,
    deaf: Trust,
    answer: Answer,
    chair: Certificate,
    delegate: Delegate,
    issuing: SigningKey,
) -> None:
    responder = delegate(purposes(OCSP_SIGNING))
    said = replace(
        answer,
        responder=responder,
        carries=(responder.certificate,),
        status=revoked(NOON - DAY, 1),
    )
    line = {responder.certificate.serial: (NOON - DAY, 1)}
    tainted = replace(deaf, lists=(*deaf.lists, listed(issuing, line)))

    assert judge(deaf, chair, said) == [Fact.REVOCATION_UNKNOWN]
    assert judge(trust, chair, said) == [Fact.REVOKED]
    assert judge(tainted, chair, said) == []  # what the list says of the chair


def test_delegate_does_not_vouch_for_itself(
    deaf: Trust, answer: Answer, chair: Certificate, delegate: Delegate
) -> None:
    responder = delegate(purposes(OCSP_SIGNING))
    carries = (responder.certificate,)
    of_chair = replace(answer, responder=responder, carries=carries)
    of_itself = replace(of_chair, certificate=responder.certificate)

    assert judge(deaf, chair, of_chair, of_itself) == [Fact.REVOCATION_UNKNOWN]


def test_delegate_named_by_the_same_key_under_another_name_answers_for_nobody(
    answer: Answer, delegate: Delegate, issuing: SigningKey
) -> None:
    responder = delegate()
    said = read(replace(answer, responder=responder, carries=(responder.certificate,)).der())
    renamed = replace(responder.certificate, issuer_name=responder.certificate.subject_name)
    other = replace(said, certificates=(renamed,))

    for heard, found in ((said, True), (other, False)):
        told = answers_for(
            heard, issuing.certificate, (), open_backend(), stands=lambda _: True, at=NOON
        )
        assert told is found


def test_changed_answer_is_nobodys(deaf: Trust, answer: Answer, chair: Certificate) -> None:
    said = read(answer.der())
    changed = replace(said, tbs=said.tbs.replace(b"\x80\x00", b"\x82\x00"))
    heard = deaf.with_evidence([changed], [])

    assert [one.fact for one in judge_chain(chair, (), heard, at=NOON)] == [Fact.REVOCATION_UNKNOWN]


def test_weak_signature_is_nobodys(answer: Answer, issuing: SigningKey) -> None:
    class Short(Chooser):
        def load_public(self, spki: bytes) -> PublicKey:
            return replace(super().load_public(spki), bits=1024)

    said, backend = read(answer.der()), open_backend()

    assert verify_answer(said, issuing.certificate, backend)
    assert not verify_answer(replace(said, algorithm=None), issuing.certificate, backend)
    assert not verify_answer(replace(said, algorithm=RSA_SHA1), issuing.certificate, backend)
    assert not verify_answer(said, replace(issuing.certificate, spki=b"junk"), backend)
    assert not verify_answer(said, issuing.certificate, Short([Pyca()]))


def test_elliptic_key_is_not_short(
    answer: Answer, delegate: Delegate, deaf: Trust, chair: Certificate
) -> None:
    responder = delegate(family=Family.EC)
    assert responder.private.bits < 2048

    said = replace(answer, responder=responder, carries=(responder.certificate,))

    assert judge(deaf, chair, said) == []


def test_gost_answer_without_a_backend_is_unchecked(
    key: Load, trust: Trust, answer: Answer
) -> None:
    chair, issuing = key("ru-clinic77-chair-gost").certificate, key("ru-issuing-gost")
    said = replace(answer, responder=issuing, certificate=chair, issuer=issuing.certificate)
    poor = replace(trust, backend=Chooser([Pyca()]))

    assert judge(trust, chair, said) == []
    assert judge(poor, chair, said) == [Fact.BACKEND_MISSING]


# --- what cannot be read -------------------------------------------------------------------------


def test_what_is_read_is_what_was_said(answer: Answer, chair: Certificate) -> None:
    said = replace(
        answer,
        nonce=b"n" * 32,
        next_update=NOON + DAY,
        status=revoked(NOON - DAY, 4),
        carries=(chair,),
        words=2,
    )

    found = read(said.der())

    assert found.nonce == b"n" * 32
    assert found.produced_at == NOON - timedelta(minutes=1)
    assert [one.sha256 for one in found.certificates] == [chair.sha256]
    word, _ = found.words
    assert (word.status, word.since, word.reason) == (Status.REVOKED, NOON - DAY, 4)
    assert (word.this_update, word.next_update) == (answer.this_update, NOON + DAY)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (1, "malformedRequest"),
        (2, "internalError"),
        (3, "tryLater"),
        (5, "sigRequired"),
        (6, "unauthorized"),
    ],
)
def test_responder_may_decline(state: int, status: str) -> None:
    assert read_answer(der.sequence(der.enumerated(state))) == Declined(status)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": 3},
        {"state": 4},
        {"kind": "1.3.6.1.5.5.7.48.1.3"},
        {"words": 33},
        {"nonce": b"n" * 33},
        {"outer": (extension("1.3.6.1.5.5.7.48.1.2", der.integer(1)),)},
        {"outer": (extension("1.2.3", der.NULL, critical=True),)},
        {"single": (extension("1.2.3", der.NULL, critical=True),)},
        {"status": der.tlv(0x83)},
        {"status": der.tlv(0xA1)},
        {"status": der.tlv(0xA1, moment(NOON), der.explicit(0))},
        {"status": der.tlv(0xA1, moment(NOON), moment(NOON))},
        {"shown": der.explicit(1, der.octets(b"k"))},
        {"shown": der.explicit(2, der.octets(b"k"), der.octets(b"k"))},
        {"shown": der.explicit(3, der.octets(b"k"))},
    ],
)
def test_answer_that_is_not_understood_is_malformed(
    answer: Answer, changes: dict[str, object]
) -> None:
    with pytest.raises(MalformedMessage):
        read_answer(replace(answer, **changes).der())  # type: ignore[arg-type] # wrong on purpose


def test_unknown_extension_that_is_not_critical_does_no_harm(
    deaf: Trust, answer: Answer, chair: Certificate
) -> None:
    more = (extension("1.2.3", der.NULL),)

    assert judge(deaf, chair, replace(answer, outer=more, single=more)) == []


def test_too_many_certificates_are_malformed(answer: Answer, chair: Certificate) -> None:
    read(replace(answer, carries=(chair,) * 8).der())
    read(replace(answer, words=32).der())

    with pytest.raises(MalformedMessage):
        read_answer(replace(answer, carries=(chair,) * 9).der())


@pytest.mark.parametrize("state", [0, 4])
def test_status_alone_is_no_answer(state: int) -> None:
    with pytest.raises(MalformedMessage):
        read_answer(der.sequence(der.enumerated(state)))


def test_what_follows_the_end_is_malformed(answer: Answer) -> None:
    basic = answer.basic()
    inside = der.sequence(der.oid(answer.kind), der.octets(basic))

    for octets in (
        der.sequence(der.enumerated(0), der.explicit(0, inside), der.NULL),
        der.sequence(der.enumerated(0), der.explicit(0, inside, der.NULL)),
        der.sequence(
            der.enumerated(0),
            der.explicit(0, der.sequence(der.oid(answer.kind), der.octets(basic), der.NULL)),
        ),
    ):
        with pytest.raises(MalformedMessage):
            read_answer(octets)


PLACES = {
    "basic": (),
    "certificates": (3,),
    "data": (0,),
    "responder": (0, 0),
    "word": (0, 2, 0),
    "certificate id": (0, 2, 0, 0),
    "revocation": (0, 2, 0, 1),
    "reason": (0, 2, 0, 1, 1),
    "next update": (0, 2, 0, 3),
}


@pytest.mark.parametrize("place", PLACES)
def test_something_left_over_anywhere_is_malformed(
    answer: Answer, chair: Certificate, place: str
) -> None:
    said = replace(answer, status=revoked(NOON - DAY, 1), next_update=NOON + DAY, carries=(chair,))
    basic = asn1.read_der(said.basic())
    read(wrapped(said, basic.raw))

    with pytest.raises(MalformedMessage):
        read_answer(wrapped(said, with_extra(basic, PLACES[place])))


def with_extra(value: asn1.Value, path: tuple[int, ...]) -> bytes:
    """Return the value with a NULL at the end of the member that the path leads to."""
    members = [one.raw for one in value.members()]
    if path:
        members[path[0]] = with_extra(value.members()[path[0]], path[1:])
    else:
        members.append(der.NULL)
    return der.tlv(value.tag, *members)


def wrapped(answer: Answer, basic: bytes) -> bytes:
    around = der.sequence(der.oid(answer.kind), der.octets(basic))
    return der.sequence(der.enumerated(0), der.explicit(0, around))


def test_version_may_be_said_aloud(answer: Answer) -> None:
    basic = asn1.read_der(answer.basic())
    data, *rest = basic.members()
    version = der.explicit(0, der.integer(0))
    spoken = der.sequence(version, *(one.raw for one in data.members()))

    found = read(wrapped(answer, der.sequence(spoken, *(one.raw for one in rest))))

    assert found.produced_at == answer.produced_at


@pytest.mark.parametrize(("size", "fit"), [(0, False), (1, True), (32, True), (33, False)])
def test_nonce_has_1_to_32_octets(answer: Answer, size: int, fit: object) -> None:
    said = replace(answer, outer=(extension(NONCE, der.octets(b"n" * size)),))
    if fit:
        assert read(said.der()).nonce == b"n" * size
    else:
        with pytest.raises(MalformedMessage):
            read_answer(said.der())


@given(octets=st.binary(max_size=200))
def test_any_bytes_give_an_answer_or_are_malformed(octets: bytes) -> None:
    _read_or_refuse(octets)


def test_answer_with_any_octet_changed_is_read_or_malformed(
    answer: Answer, delegate: Delegate
) -> None:
    responder = delegate(family=Family.EC)
    status = revoked(NOON - DAY, 1)
    carries = (responder.certificate,)
    said = replace(answer, responder=responder, status=status, nonce=b"n", carries=carries).der()

    for at in range(len(said)):
        _read_or_refuse(said[:at] + bytes((said[at] ^ 0x21,)) + said[at + 1 :])
        _read_or_refuse(said[:at])


def _read_or_refuse(octets: bytes) -> None:
    try:
        found = read_answer(octets)
    except MalformedMessage:
        return
    assert isinstance(found, OcspAnswer | Declined)


# --- asking --------------------------------------------------------------------------------------


def test_request_of_a_negative_number_can_be_written(
    chair: Certificate, issuing: SigningKey
) -> None:
    odd = replace(chair, serial=-129)

    assert der.tlv(0x02, b"\xff\x7f") in ask(odd, issuing.certificate, nonce=b"n")
