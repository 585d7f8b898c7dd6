"""Forged, broken and ill-made document signatures, each turned away for its own reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.signatures import der
from gateway.signatures.algorithms import (
    ALLOWED,
    GOST_94,
    GOST_256,
    MD5,
    RSA_SHA1,
    RSA_SHA256,
    SHA_1,
    SHA_256,
    SHA_512,
    STREEBOG_256,
    STREEBOG_512,
    Family,
)
from gateway.signatures.backends import Chooser
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.cades import verify_detached
from gateway.signatures.chain import Trust
from gateway.signatures.issuing import make_name
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome, Verdict
from tests.signatures.cades.forging import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    Forgery,
)
from tests.signatures.conftest import DAY, NOON, Issue, Load

CONTENT = b"<ClinicalDocument/>"
GOOD = [
    pytest.param("ru-clinic77-chair", id="rsa"),
    pytest.param("ru-clinic77-chair-gost", id="gost"),
]
ABSENT = (CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE_V2)


@pytest.fixture
def forge(key: Load) -> partial[Forgery]:
    return partial(Forgery, CONTENT, key("ru-clinic77-chair"), NOON)


@pytest.fixture
def judge(trust: Trust) -> partial[Verdict]:
    return partial(verify_detached, content=CONTENT, trust=trust, at=NOON)


def facts(verdict: Verdict) -> list[Fact]:
    return [reason.fact for reason in verdict.reasons]


@pytest.mark.parametrize("name", GOOD)
def test_forgery_with_nothing_wrong_is_valid(key: Load, judge: partial[Verdict], name: str) -> None:
    verdict = judge(Forgery(CONTENT, key(name), NOON).write())

    assert verdict.reasons == ()
    assert verdict.valid


# --- what was signed ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_changed_content_is_noticed(key: Load, trust: Trust, name: str) -> None:
    cms = Forgery(CONTENT, key(name), NOON).write()

    verdict = verify_detached(cms, CONTENT + b" ", trust=trust, at=NOON)

    assert facts(verdict) == [Fact.DIGEST_MISMATCH]
    assert (verdict.outcome, verdict.etsi) == (Outcome.INVALID, "TOTAL-FAILED/HASH_FAILURE")


def test_broken_digest_outranks_every_doubt_about_the_certificate(key: Load, trust: Trust) -> None:
    cms = Forgery(CONTENT, key("stranger-organization"), NOON).write()

    verdict = verify_detached(cms, b"other", trust=trust, at=NOON)

    assert facts(verdict) == [Fact.DIGEST_MISMATCH, Fact.CHAIN_NOT_FOUND]
    assert verdict.outcome is Outcome.INVALID


@pytest.mark.parametrize("name", GOOD)
def test_damaged_signature_value_is_noticed(key: Load, judge: partial[Verdict], name: str) -> None:
    cms = bytearray(Forgery(CONTENT, key(name), NOON).write())
    cms[-1] ^= 1

    assert facts(judge(bytes(cms))) == [Fact.SIGNATURE_BROKEN]


def test_signature_of_another_key_under_a_good_certificate_is_noticed(
    key: Load, judge: partial[Verdict]
) -> None:
    thief = replace(key("stranger-organization"), certificate=key("ru-clinic77-chair").certificate)

    assert facts(judge(Forgery(CONTENT, thief, NOON).write())) == [Fact.SIGNATURE_BROKEN]


# --- form --------------------------------------------------------------------------------------


def test_container_that_nobody_has_signed_is_never_good(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    cms = forge(signers=0).write()

    assert facts(judge(cms)) == [Fact.WRONG_SIGNER_COUNT]
    assert facts(judge(cms, signers=0)) == [Fact.WRONG_SIGNER_COUNT]


@pytest.mark.parametrize("count", [2, 3])
def test_container_holds_as_many_signers_as_asked_for(
    forge: partial[Forgery], judge: partial[Verdict], count: int
) -> None:
    cms = forge(signers=count).write()

    assert facts(judge(cms)) == [Fact.WRONG_SIGNER_COUNT]
    assert judge(cms, signers=count).reasons == ()
    assert len(judge(cms, signers=count).signers) == count


def test_content_inside_is_refused_even_when_it_is_the_same(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    assert facts(judge(forge(attached=True).write())) == [Fact.STRUCTURE_FORBIDDEN]


def test_signature_without_signed_attributes_is_refused(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    verdict = judge(forge(unsigned=True).write())

    assert facts(verdict) == [Fact.ATTRIBUTE_MISSING] * 4


@pytest.mark.parametrize("oid", ABSENT)
def test_each_signed_attribute_is_mandatory(
    forge: partial[Forgery], judge: partial[Verdict], oid: str
) -> None:
    assert facts(judge(forge(without=(oid,)).write())) == [Fact.ATTRIBUTE_MISSING]


@pytest.mark.parametrize("oid", ABSENT)
def test_repeated_attribute_counts_as_none(
    forge: partial[Forgery], judge: partial[Verdict], oid: str
) -> None:
    assert facts(judge(forge(repeated=(oid,)).write())) == [Fact.ATTRIBUTE_WRONG]


@pytest.mark.parametrize("values", [[], [der.time(NOON), der.time(NOON + DAY)]])
def test_attribute_without_its_one_value_is_refused(
    forge: partial[Forgery], judge: partial[Verdict], values: list[bytes]
) -> None:
    verdict = judge(forge(attributes={SIGNING_TIME: values}).write())

    assert facts(verdict) == [Fact.ATTRIBUTE_WRONG]


def test_attributes_out_of_order_are_refused_though_the_signature_fits(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    assert facts(judge(forge(unordered=True).write())) == [Fact.STRUCTURE_FORBIDDEN]


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        (CONTENT_TYPE, der.oid("1.2.3")),
        (CONTENT_TYPE, der.NULL),
        (SIGNING_TIME, der.tlv(0x17, b"not a time..Z")),
        (SIGNING_TIME, der.tlv(0x17, b"261399000000Z")),
        (SIGNING_TIME, der.NULL),
        (SIGNING_CERTIFICATE_V2, der.NULL),
        (SIGNING_CERTIFICATE_V2, der.sequence(der.sequence())),
    ],
)
def test_attribute_that_says_something_else_is_refused(
    forge: partial[Forgery], judge: partial[Verdict], oid: str, value: bytes
) -> None:
    assert facts(judge(forge(attributes={oid: value}).write())) == [Fact.ATTRIBUTE_WRONG]


def test_message_digest_of_another_type_is_no_digest(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    verdict = judge(forge(attributes={MESSAGE_DIGEST: der.NULL}).write())

    assert facts(verdict) == [Fact.DIGEST_MISMATCH]


def test_attribute_that_cannot_be_read_makes_all_of_them_unreadable(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    verdict = judge(forge(stray=(der.NULL,)).write())

    assert facts(verdict) == [Fact.STRUCTURE_FORBIDDEN] + [Fact.ATTRIBUTE_MISSING] * 4


def test_attribute_with_more_than_a_type_and_values_cannot_be_read(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    odd = der.sequence(der.oid("1.2.3"), der.set_of(der.NULL), der.NULL)

    verdict = judge(forge(stray=(odd,)).write())

    assert facts(verdict) == [Fact.STRUCTURE_FORBIDDEN] + [Fact.ATTRIBUTE_MISSING] * 4


def test_reference_to_another_certificate_is_noticed(
    forge: partial[Forgery], judge: partial[Verdict], key: Load
) -> None:
    other = forge().reference(key("ru-clinic77-member-1").certificate.der)

    verdict = judge(forge(attributes={SIGNING_CERTIFICATE_V2: other}).write())

    assert facts(verdict) == [Fact.CERTIFICATE_REFERENCE_MISMATCH]


@pytest.mark.parametrize("oid", [SHA_1.oid, "1.2.3"])
def test_reference_by_a_weak_or_unknown_hash_is_refused(
    forge: partial[Forgery], judge: partial[Verdict], key: Load, oid: str
) -> None:
    weak = forge().reference(key("ru-clinic77-chair").certificate.der, der.oid(oid))

    verdict = judge(forge(attributes={SIGNING_CERTIFICATE_V2: weak}).write())

    assert facts(verdict) == [Fact.ALGORITHM_FORBIDDEN]


# --- algorithms --------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", [SHA_1, MD5])
def test_broken_hash_is_refused_by_name(
    forge: partial[Forgery], judge: partial[Verdict], digest: object
) -> None:
    verdict = judge(forge(digest=digest).write())

    assert Fact.ALGORITHM_FORBIDDEN in facts(verdict)
    assert verdict.outcome is Outcome.INVALID


def test_sha_1_is_never_admitted_by_default_and_visible_where_it_is(
    issue: Issue, trust: Trust
) -> None:
    old = replace(issue(family=Family.RSA), algorithm=RSA_SHA1)
    cms = Forgery(CONTENT, old, NOON).write()

    plain = verify_detached(cms, CONTENT, trust=trust, at=NOON)
    admitted = verify_detached(cms, CONTENT, trust=trust, at=NOON, allowed={RSA_SHA1, *ALLOWED})

    assert Fact.ALGORITHM_FORBIDDEN in facts(plain)
    assert Fact.LEGACY_ADMITTED in facts(admitted)


@pytest.mark.parametrize(
    ("digest_oid", "signature_oid", "fact"),
    [
        (STREEBOG_256.oid, RSA_SHA256.oid, Fact.ALGORITHMS_MIXED),
        (STREEBOG_512.oid, "1.2.643.7.1.1.1.1", Fact.ALGORITHMS_MIXED),
        (SHA_256.oid, GOST_256.oid, Fact.ALGORITHMS_MIXED),
        (SHA_512.oid, RSA_SHA256.oid, Fact.ALGORITHMS_MIXED),
        (GOST_94.oid, "1.2.643.2.2.19", Fact.ALGORITHM_FORBIDDEN),
        (GOST_94.oid, RSA_SHA256.oid, Fact.ALGORITHM_FORBIDDEN),
        ("1.2.3", RSA_SHA256.oid, Fact.ALGORITHM_UNKNOWN),
        (SHA_256.oid, "1.2.840.113549.1.1.10", Fact.ALGORITHM_UNKNOWN),
    ],
)
def test_contradicting_and_unknown_algorithms_are_told_apart(
    forge: partial[Forgery],
    judge: partial[Verdict],
    digest_oid: str,
    signature_oid: str,
    fact: Fact,
) -> None:
    cms = forge(digest_oid=digest_oid, signature_oid=signature_oid).write()

    assert facts(judge(cms)) == [fact]


def test_gost_signature_claimed_over_an_rsa_certificate_is_mixed(
    forge: partial[Forgery], judge: partial[Verdict], key: Load
) -> None:
    claimed = replace(
        key("ru-clinic77-chair-gost"), certificate=key("ru-clinic77-chair").certificate
    )

    verdict = judge(Forgery(CONTENT, claimed, NOON).write())

    assert facts(verdict) == [Fact.ALGORITHMS_MIXED, Fact.SIGNATURE_BROKEN]


def test_short_rsa_key_is_refused(issue: Issue, judge: partial[Verdict]) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).private_bytes(  # noqa: S505 - to be refused
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

    verdict = judge(Forgery(CONTENT, issue(der=short), NOON).write())

    assert facts(verdict) == [Fact.KEY_TOO_SHORT]
    assert verdict.outcome is Outcome.INVALID


def test_algorithm_that_this_caller_does_not_admit_is_refused(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    verdict = judge(forge().write(), allowed={GOST_256})

    assert facts(verdict) == [Fact.ALGORITHM_FORBIDDEN]


# --- the certificate ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", "-gost"])
@pytest.mark.parametrize(
    ("name", "found", "outcome"),
    [
        ("ru-expired", [Fact.SIGNED_OUTSIDE_LIFE, Fact.EXPIRED], Outcome.INVALID),
        ("ru-not-yet-valid", [Fact.SIGNED_OUTSIDE_LIFE, Fact.NOT_YET_VALID], Outcome.INVALID),
        ("ru-wrong-usage", [Fact.CERTIFICATE_UNFIT], Outcome.INVALID),
        ("ru-client-auth-only", [Fact.CERTIFICATE_UNFIT], Outcome.INVALID),
        ("ru-revoked", [Fact.REVOKED], Outcome.REVOKED),
        ("stranger-organization", [Fact.CHAIN_NOT_FOUND], Outcome.COULD_NOT_BE_CHECKED),
    ],
)
def test_broken_signers_of_the_test_pki_are_turned_away(
    key: Load,
    judge: partial[Verdict],
    name: str,
    suffix: str,
    found: list[Fact],
    outcome: Outcome,
) -> None:
    verdict = judge(Forgery(CONTENT, key(name + suffix), NOON).write())

    assert facts(verdict) == found
    assert verdict.outcome is outcome


def test_certificate_that_expired_since_cannot_be_checked_without_a_token(
    forge: partial[Forgery], key: Load, trust: Trust
) -> None:
    later = key("ru-clinic77-chair").not_after + DAY

    verdict = verify_detached(forge().write(), CONTENT, trust=trust.without_lists(), at=later)

    assert Fact.EXPIRED in facts(verdict)
    assert verdict.outcome is Outcome.COULD_NOT_BE_CHECKED
    assert verdict.etsi == "INDETERMINATE/OUT_OF_BOUNDS_NO_POE"


@pytest.mark.parametrize(("minutes", "found"), [(5, []), (6, [Fact.SIGNED_IN_FUTURE])])
def test_signing_time_in_the_future_is_refused_beyond_the_skew(
    key: Load, judge: partial[Verdict], minutes: int, found: list[Fact]
) -> None:
    signed_at = NOON + timedelta(minutes=minutes)

    assert facts(judge(Forgery(CONTENT, key("ru-clinic77-chair"), signed_at).write())) == found


def test_container_without_the_certificate_cannot_be_checked(
    forge: partial[Forgery], judge: partial[Verdict], key: Load
) -> None:
    other = key("ru-clinic77-member-1").certificate.der

    for certificates in ((), (other,), (der.explicit(1, other),)):
        verdict = judge(forge(certificates=certificates).write())
        assert facts(verdict) == [Fact.CERTIFICATE_MISSING]
        assert verdict.outcome is Outcome.COULD_NOT_BE_CHECKED
        assert verdict.signers[0].subject == ""


def test_certificate_is_found_by_key_id_too(
    forge: partial[Forgery], judge: partial[Verdict], key: Load
) -> None:
    named = key("ru-clinic77-chair").certificate.subject_key_id
    assert named is not None

    assert judge(forge(sid=der.tlv(0x80, named)).write()).reasons == ()
    assert facts(judge(forge(sid=der.tlv(0x80, b"x")).write())) == [Fact.CERTIFICATE_MISSING]


def test_certificate_with_a_key_nobody_can_read_is_malformed(
    forge: partial[Forgery], judge: partial[Verdict], key: Load
) -> None:
    cms = forge().write()
    spki = key("ru-clinic77-chair").certificate.spki
    broken = spki.replace(b"\x03\x82\x01\x0f\x00\x30", b"\x03\x82\x01\x0f\x00\x31")
    assert broken != spki

    verdict = judge(cms.replace(spki, broken))

    assert Fact.MALFORMED in facts(verdict)
    assert verdict.outcome is Outcome.INVALID


def test_without_a_backend_gost_is_not_invalid_but_unchecked(key: Load, trust: Trust) -> None:
    cms = Forgery(CONTENT, key("ru-clinic77-chair-gost"), NOON).write()
    poor = replace(trust, backend=Chooser([Pyca()]))

    verdict = verify_detached(cms, CONTENT, trust=poor, at=NOON)

    assert set(facts(verdict)) == {Fact.BACKEND_MISSING}
    assert verdict.outcome is Outcome.COULD_NOT_BE_CHECKED


def test_without_a_backend_a_gost_reference_in_an_rsa_signature_is_unchecked(
    forge: partial[Forgery], key: Load, trust: Trust
) -> None:
    named = forge().reference(b"", der.oid(STREEBOG_256.oid))
    cms = forge(attributes={SIGNING_CERTIFICATE_V2: named}).write()

    verdict = verify_detached(
        cms, CONTENT, trust=replace(trust, backend=Chooser([Pyca()])), at=NOON
    )

    assert facts(verdict) == [Fact.BACKEND_MISSING]


# --- any bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cms",
    [
        b"",
        b"MIIB",
        der.sequence(der.oid("1.2.840.113549.1.7.1")),
        der.sequence(der.oid("1.2.840.113549.1.7.2"), der.explicit(0, der.NULL)),
        b"\x30\x80" * 100,
        b"\x30\x84\xff\xff\xff\xff",
        bytes(2**20 + 1),
    ],
)
def test_what_is_no_container_is_malformed(judge: partial[Verdict], cms: bytes) -> None:
    verdict = judge(cms)

    assert facts(verdict) == [Fact.MALFORMED]
    assert verdict.signers == ()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(octets=st.binary(max_size=400))
def test_any_bytes_get_a_verdict(judge: partial[Verdict], octets: bytes) -> None:
    assert not judge(octets).valid


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_one_changed_octet_never_changes_who_signed_what(
    forge: partial[Forgery], judge: partial[Verdict], place: int, change: int
) -> None:
    good = forge().write()
    cms = bytearray(good)
    cms[place % len(cms)] ^= change

    verdict = judge(bytes(cms))

    if verdict.valid:  # an octet that nobody signs: a version, the list of digest algorithms
        assert verdict.signers == judge(good).signers


def test_outside_may_be_ber_but_the_signed_attributes_may_not(
    forge: partial[Forgery], judge: partial[Verdict]
) -> None:
    cms = forge().write()
    outer = b"\x30\x80" + cms[4:] + b"\0\0"

    assert judge(outer).reasons == ()
    assert facts(judge(cms + b"\0")) == [Fact.MALFORMED]


def test_certificates_of_other_people_change_nothing(
    forge: partial[Forgery], judge: partial[Verdict], key: Load
) -> None:
    crowd = tuple(
        key(name).certificate.der for name in ("ru-clinic77-member-1", "ru-clinic77-chair")
    )

    assert judge(forge(certificates=crowd).write()).reasons == ()


def test_verdict_as_json_names_reasons_and_signers(key: Load, judge: partial[Verdict]) -> None:
    answer = judge(Forgery(CONTENT, key("ru-revoked"), NOON).write()).as_json("en")

    assert answer["verdict"] == "revoked"
    assert answer["etsi"] == "INDETERMINATE/REVOKED_NO_POE"
    assert answer["reasons"] == [
        {
            "code": "revoked",
            "text": "The certificate is revoked: keyCompromise",
            "mender": "sender",
        }
    ]
    assert answer["signers"][0]["signed_at"] == "2026-06-15T12:00:00+00:00"


def test_reason_becomes_a_finding_without_the_person(key: Load, judge: partial[Verdict]) -> None:
    verdict = judge(Forgery(CONTENT, key("ru-revoked"), NOON).write())

    finding = verdict.reasons[0].as_finding("/signatures[1]")

    assert (finding.rule, finding.where) == ("signature/revoked", "/signatures[1]")
    assert finding.text("ru") == "Сертификат отозван: keyCompromise"
    assert "Соколова" not in repr(verdict)


def test_name_of_a_signer_without_attributes_is_empty(
    issue: Issue, judge: partial[Verdict]
) -> None:
    nameless = issue(subject=make_name(country="RU"))

    (signer,) = judge(Forgery(CONTENT, nameless, NOON).write()).signers

    assert (signer.subject, signer.snils, signer.organization) == ("", "", "")
