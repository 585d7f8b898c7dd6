"""Tokens good and bad: what each proves, and why it does not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.signatures import asn1, der
from gateway.signatures.algorithms import (
    GOST_95_KZ,
    SHA_1,
    SHA_512,
    STREEBOG_256,
    Family,
)
from gateway.signatures.backends import Chooser
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.chain import Trust
from gateway.signatures.issuing import Issuer, Revocation, make_crl, make_name
from gateway.signatures.lists import read_list
from gateway.signatures.reasons import Fact
from gateway.signatures.timestamps import Proof, judge_token
from gateway.signatures.verdict import Outcome, Verdict
from tests.signatures.cades.forging import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from tests.signatures.conftest import DAY, NOON, Load
from tests.signatures.timestamps.authority import (
    NAME,
    ONLY_STAMPS,
    SIGNS,
    TIME_STAMPING,
    Stamp,
    extension,
    moment,
    purposes,
    reference_of_version_1,
)
from tests.signatures.timestamps.conftest import Employ

STAMPED = b"the octets of a signature"
HOUR = timedelta(hours=1)


@pytest.fixture
def judge(trust: Trust) -> partial[Proof]:
    return partial(judge_token, stamped=STAMPED, trust=trust, at=NOON)


def refused(proof: Proof) -> str:
    """Return why the token was refused; fail where it was not."""
    (reason,) = proof.reasons
    assert reason.fact is Fact.TIMESTAMP_REFUSED
    assert proof.moment is None
    assert Verdict(proof.reasons, ()).outcome is Outcome.VALID  # it spoils nothing
    return reason.detail


def unchecked(proof: Proof) -> str:
    (reason,) = proof.reasons
    assert reason.fact is Fact.TIMESTAMP_NOT_CHECKED
    assert proof.moment is None
    return reason.detail


# --- good ones ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "family",
    [Family.RSA, Family.EC, Family.GOST_256, Family.GOST_512, Family.GOST_512_KZ],
)
def test_token_of_every_family_proves_its_moment(
    authority: Employ, judge: partial[Proof], family: Family
) -> None:
    proof = judge(Stamp(STAMPED, authority(family=family), NOON - HOUR).write())

    assert proof.reasons == ()
    assert proof.moment == NOON - HOUR


@pytest.mark.parametrize("digest", [SHA_512, STREEBOG_256])
def test_imprint_may_be_of_another_family_than_the_signature(
    stamp: partial[Stamp], judge: partial[Proof], digest: object
) -> None:
    assert judge(stamp(STAMPED, digest=digest).write()).moment == NOON


def test_accuracy_moves_the_moment_to_its_later_end(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    at = NOON - HOUR
    accuracy = der.sequence(der.integer(2), b"\x80\x02\x01\xf4", b"\x81\x01\x07")

    proof = judge(stamp(STAMPED, at=at, accuracy=accuracy).write())

    assert proof.moment == at + timedelta(seconds=2, milliseconds=500, microseconds=7)


@pytest.mark.parametrize(("fraction", "micros"), [(".5", 500_000), (".1234567", 123_456)])
def test_moment_may_have_a_fraction_of_a_second(
    stamp: partial[Stamp], judge: partial[Proof], fraction: str, micros: int
) -> None:
    proof = judge(stamp(STAMPED, gen_time=moment(NOON - HOUR, fraction)).write())

    assert proof.moment == NOON - HOUR + timedelta(microseconds=micros)


@pytest.mark.parametrize(
    "tsa",
    [der.explicit(0, der.explicit(4, NAME)), der.explicit(0, der.tlv(0x86, b"http://tsa.example"))],
)
def test_authority_may_name_itself(
    stamp: partial[Stamp], judge: partial[Proof], tsa: bytes
) -> None:
    assert judge(stamp(STAMPED, tsa=tsa, nonce=5).write()).moment == NOON


def test_signing_time_and_harmless_extension_are_admitted(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    extensions = der.explicit(1, extension("1.2.3", der.NULL, critical=False))

    assert judge(stamp(STAMPED, extensions=extensions).shaped(without=()).write()).moment == NOON


def test_certificate_without_key_usage_may_stamp(authority: Employ, judge: partial[Proof]) -> None:
    assert judge(Stamp(STAMPED, authority(extensions=(ONLY_STAMPS,))).write()).moment == NOON


# --- what it stamps ----------------------------------------------------------------------------


def test_token_over_another_signature_proves_nothing(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    assert refused(judge(stamp(b"another signature").write())) == "digest-mismatch (messageImprint)"


@pytest.mark.parametrize(
    ("oid", "named"), [(SHA_1.oid, "sha-1"), (GOST_95_KZ.oid, "gost-95-kz"), ("1.2.3", "1.2.3")]
)
def test_imprint_by_a_weak_or_unknown_hash_proves_nothing(
    stamp: partial[Stamp], judge: partial[Proof], oid: str, named: str
) -> None:
    why = refused(judge(stamp(STAMPED, digest_oid=oid).write()))

    assert why == f"algorithm-forbidden ({named})"


def test_changed_statement_is_noticed(stamp: partial[Stamp], judge: partial[Proof]) -> None:
    token = stamp(STAMPED).write()
    forged = token.replace(moment(NOON), moment(NOON - 900 * DAY))
    assert forged != token

    assert refused(judge(forged)) == "digest-mismatch"


# --- who stamps --------------------------------------------------------------------------------


def test_backdated_token_of_a_stranger_is_not_believed(
    authority: Employ, judge: partial[Proof]
) -> None:
    token = Stamp(STAMPED, authority("stranger-root"), NOON - 500 * DAY).write()

    assert unchecked(judge(token)) == "chain-not-found"


@pytest.mark.parametrize(
    ("extensions", "why"),
    [
        ((), "extendedKeyUsage"),
        ((SIGNS,), "extendedKeyUsage"),
        ((SIGNS, purposes(TIME_STAMPING, critical=False)), "extendedKeyUsage"),
        ((SIGNS, purposes(TIME_STAMPING, "1.3.6.1.5.5.7.3.4")), "extendedKeyUsage"),
        ((SIGNS, purposes("1.3.6.1.5.5.7.3.4")), "extendedKeyUsage"),
        ((extension("2.5.29.15", der.named_bits(2)), ONLY_STAMPS), "keyUsage"),
    ],
)
def test_certificate_that_is_not_for_time_stamps_alone_proves_nothing(
    authority: Employ, judge: partial[Proof], extensions: tuple[bytes, ...], why: str
) -> None:
    proof = judge(Stamp(STAMPED, authority(extensions=extensions)).write())

    assert refused(proof) == f"certificate-unfit ({why})"


def test_signer_of_documents_cannot_stamp_time(key: Load, judge: partial[Proof]) -> None:
    proof = judge(Stamp(STAMPED, key("ru-clinic77-chair")).write())

    assert refused(proof) == "certificate-unfit (extendedKeyUsage)"


def test_token_under_another_name_proves_nothing(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    other = der.explicit(0, der.explicit(4, make_name(common_name="Другая служба")))

    assert refused(judge(stamp(STAMPED, tsa=other).write())) == "attribute-wrong (tsa)"


def test_moment_outside_the_life_of_the_authority_proves_nothing(
    authority: Employ, judge: partial[Proof]
) -> None:
    young = authority(not_before=NOON - DAY)

    proof = judge(Stamp(STAMPED, young, NOON - 2 * DAY).write())

    assert refused(proof) == "signed-outside-certificate-life"


def test_signing_time_of_a_token_must_fit_its_moment(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    late = stamp(STAMPED, at=NOON - DAY).shaped(
        without=(), attributes={CONTENT_TYPE: _tst_info(), SIGNING_TIME: der.time(NOON)}
    )

    assert refused(judge(late.write())) == "signed-in-the-future"


def test_token_of_an_authority_that_has_expired_is_not_believed(
    authority: Employ, judge: partial[Proof]
) -> None:
    old = authority(not_after=NOON - DAY)

    proof = judge(Stamp(STAMPED, old, NOON - 2 * DAY).write())

    assert unchecked(proof).startswith("certificate-expired")


def test_authority_unknown_to_any_list_is_not_believed(stamp: partial[Stamp], trust: Trust) -> None:
    token = stamp(STAMPED).write()

    asked = judge_token(token, STAMPED, replace(trust, lists=()), at=NOON)
    unasked = judge_token(token, STAMPED, trust.without_lists(), at=NOON)

    assert unchecked(asked).startswith("revocation-unknown")
    assert unasked.moment == NOON


def revoking(trust: Trust, key: Load, serial: int, reason: str) -> Trust:
    """Return the same trust in which the issuer has revoked this serial number yesterday."""
    issuer = key("ru-issuing")
    made = make_crl(
        Issuer(issuer.certificate.subject_name, issuer.private, issuer.backend),
        [Revocation(serial, NOON - DAY, reason)],
        NOON - HOUR,
        NOON + DAY,
    )
    return replace(trust, lists=(*trust.lists, read_list(made)))


@pytest.mark.parametrize("reason", ["superseded", "cessation_of_operation", "affiliation_changed"])
def test_tokens_of_an_authority_that_ended_quietly_stay_good_if_they_are_older(
    stamp: partial[Stamp], trust: Trust, key: Load, reason: str
) -> None:
    ended = revoking(trust, key, 7_161, reason)

    older = judge_token(stamp(STAMPED, at=NOON - 2 * DAY).write(), STAMPED, ended, at=NOON)
    younger = judge_token(stamp(STAMPED, at=NOON - HOUR).write(), STAMPED, ended, at=NOON)

    assert older.moment == NOON - 2 * DAY
    assert refused(younger).startswith("revoked")


@pytest.mark.parametrize("reason", ["key_compromise", "ca_compromise", "unspecified"])
def test_no_token_of_an_authority_whose_key_may_be_stolen_is_good(
    stamp: partial[Stamp], trust: Trust, key: Load, reason: str
) -> None:
    stolen = revoking(trust, key, 7_161, reason)

    proof = judge_token(stamp(STAMPED, at=NOON - 500 * DAY).write(), STAMPED, stolen, at=NOON)

    assert refused(proof).startswith("revoked")


# --- when --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "good"), [(5, True), (6, False)])
def test_token_of_tomorrow_proves_nothing(
    stamp: partial[Stamp], judge: partial[Proof], minutes: int, *, good: bool
) -> None:
    proof = judge(stamp(STAMPED, at=NOON + timedelta(minutes=minutes)).write())

    assert (proof.moment is not None) is good
    if not good:
        assert refused(proof) == "signed-in-the-future"


@pytest.mark.parametrize(
    "gen_time",
    [
        der.time(NOON),
        moment(NOON, ".50"),
        moment(NOON, "."),
        moment(NOON, "+0300"),
        der.tlv(0x18, b"20261399000000Z"),
        der.tlv(0x18, "２０２６0615120000Z".encode()),
    ],
)
def test_moment_in_any_other_form_is_malformed(
    stamp: partial[Stamp], judge: partial[Proof], gen_time: bytes
) -> None:
    assert refused(judge(stamp(STAMPED, gen_time=gen_time).write())).startswith("malformed")


@pytest.mark.parametrize(
    "accuracy",
    [
        der.integer(86_401),
        b"\x02\x01\xff",
        b"\x80\x02\x03\xe8",
        b"\x80\x01\xff",
        b"\x81\x02\x03\xe8",
        b"\x81\x01\xff",
        der.integer(1) + der.NULL,
    ],
)
def test_accuracy_out_of_its_bounds_is_malformed(
    stamp: partial[Stamp], judge: partial[Proof], accuracy: bytes
) -> None:
    token = stamp(STAMPED, accuracy=der.sequence(accuracy)).write()

    assert refused(judge(token)).startswith("malformed")


MICROSECOND = b"\x81\x01\x01"


@pytest.mark.parametrize(
    "accuracy", [der.integer(60) + MICROSECOND, der.integer(61), der.integer(86_400)]
)
def test_authority_that_may_be_off_by_more_than_a_minute_proves_no_moment(
    stamp: partial[Stamp], judge: partial[Proof], accuracy: bytes
) -> None:
    """It would say that a signature of tomorrow was there today."""
    coarse = stamp(STAMPED, at=NOON - DAY, accuracy=der.sequence(accuracy)).write()
    fine = stamp(STAMPED, at=NOON - DAY, accuracy=der.sequence(der.integer(60))).write()

    assert refused(judge(coarse)) == "attribute-wrong (accuracy)"
    assert judge(fine).moment == NOON - DAY + timedelta(minutes=1)


# --- form --------------------------------------------------------------------------------------


def _tst_info() -> bytes:
    return der.oid("1.2.840.113549.1.9.16.1.4")


@pytest.mark.parametrize("count", [0, 2])
def test_token_has_one_signer(stamp: partial[Stamp], judge: partial[Proof], count: int) -> None:
    why = refused(judge(stamp(STAMPED).shaped(signers=count).write()))

    assert why == f"wrong-signer-count ({count}, not 1)"


def test_document_signature_is_no_token(stamp: partial[Stamp], judge: partial[Proof]) -> None:
    data = der.oid("1.2.840.113549.1.7.1")
    token = stamp(STAMPED).shaped(content_type=data, attributes={CONTENT_TYPE: data}).write()

    assert refused(judge(token)) == "structure-forbidden (content of another type)"


def test_token_without_its_content_is_malformed(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    assert refused(judge(stamp(STAMPED).shaped(attached=False).write())).startswith("malformed")


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"content": b""},
        {"content": der.NULL},
        {"extensions": der.explicit(2, der.NULL)},
        {"extensions": der.explicit(1, der.NULL)},
        {"tsa": der.explicit(0) + der.explicit(0)},
    ],
)
def test_statement_that_cannot_be_read_proves_nothing(
    stamp: partial[Stamp], judge: partial[Proof], changes: dict[str, object]
) -> None:
    assert refused(judge(stamp(STAMPED, **changes).write())).startswith("malformed")


def test_statement_must_be_der(stamp: partial[Stamp], judge: partial[Proof]) -> None:
    info = stamp(STAMPED).info()
    assert info[1] < 0x80
    longer = bytes((0x30, 0x81, info[1])) + info[2:]
    assert asn1.read_ber(longer).body == asn1.read_ber(info).body

    assert refused(judge(stamp(STAMPED, content=longer).write())) == "malformed (this is not DER)"


def test_critical_extension_of_the_statement_is_not_passed_over(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    extensions = der.explicit(1, extension("1.2.3", der.NULL))

    why = refused(judge(stamp(STAMPED, extensions=extensions).write()))

    assert why == "structure-forbidden (critical extension 1.2.3)"


@pytest.mark.parametrize("oid", [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2])
def test_each_attribute_of_a_token_is_mandatory(
    stamp: partial[Stamp], judge: partial[Proof], oid: str
) -> None:
    token = stamp(STAMPED).shaped(without=(SIGNING_TIME, oid)).write()

    assert refused(judge(token)).startswith("attribute-missing")


def test_token_that_names_its_certificate_by_sha_1_alone_is_refused(
    authority: Employ, judge: partial[Proof]
) -> None:
    signer = authority()
    weak = hashlib.sha1(signer.certificate.der, usedforsecurity=False).digest()
    attributes = {CONTENT_TYPE: _tst_info(), **reference_of_version_1(signer, weak)}

    proof = judge(
        Stamp(STAMPED, signer)
        .shaped(attributes=attributes, without=(SIGNING_TIME, SIGNING_CERTIFICATE_V2))
        .write()
    )

    assert refused(proof) == "attribute-missing (signing-certificate-v2)"


def test_token_without_its_certificate_could_not_be_checked(
    stamp: partial[Stamp], judge: partial[Proof]
) -> None:
    token = stamp(STAMPED).shaped(certificates=()).write()

    assert unchecked(judge(token)) == "certificate-missing"


def test_token_of_a_family_that_nobody_here_can_do_could_not_be_checked(
    authority: Employ, trust: Trust
) -> None:
    poor = replace(trust, backend=Chooser([Pyca()]))
    gost = Stamp(STAMPED, authority(family=Family.GOST_256)).write()
    imprint = Stamp(STAMPED, authority(), digest=STREEBOG_256).write()

    for token in (gost, imprint):
        why = unchecked(judge_token(token, STAMPED, poor, at=NOON))
        assert why.startswith("backend-missing")


# --- Kazakhstan --------------------------------------------------------------------------------


def test_legacy_token_of_kazakhstan_is_not_checked_and_its_time_not_trusted(
    authority: Employ, judge: partial[Proof]
) -> None:
    """The digest is known and withdrawn: the token is set aside, not called broken."""
    token = Stamp(STAMPED, authority()).shaped(digest_oid=GOST_95_KZ.oid).write()

    assert unchecked(judge(token)) == "gost-95-kz"


@pytest.mark.packs
def test_token_of_the_authority_of_kazakhstan_is_read_and_not_trusted(
    packs_folder: Path, judge: partial[Proof]
) -> None:
    answer = (packs_folder / "kz/pki/tsp_response.bin").read_bytes()
    token = asn1.read_ber(answer).members()[1].raw

    proof = judge(token)

    assert unchecked(proof) == "gost-95-kz"
    assert proof.info is not None
    assert proof.info.policy == "1.2.398.3.3.2.6.1"


# --- any bytes ---------------------------------------------------------------------------------


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_one_changed_octet_never_moves_the_moment(
    stamp: partial[Stamp], judge: partial[Proof], place: int, change: int
) -> None:
    token = bytearray(stamp(STAMPED).write())
    token[place % len(token)] ^= change

    assert judge(bytes(token)).moment in (None, NOON)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=80))
def test_any_statement_gets_an_answer(
    stamp: partial[Stamp], judge: partial[Proof], content: bytes
) -> None:
    for octets in (content, der.sequence(content)):
        assert judge(stamp(STAMPED, content=octets).write()).moment is None
