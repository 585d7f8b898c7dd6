"""Attacks on document signatures; each has its row in gateway/signatures/ATTACKS.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from gateway.signatures import der
from gateway.signatures.algorithms import RSA_SHA1, SHA_256, STREEBOG_256, STREEBOG_512, Family
from gateway.signatures.backends import open_backend
from gateway.signatures.backends.octets import ecdsa_from_der, ecdsa_to_der
from gateway.signatures.cades import KZ, Verified, add_signer, sign_cms, verify_cms
from gateway.signatures.chain import Trust
from gateway.signatures.cms.attributes import CONTENT_TYPE, SIGNING_CERTIFICATE_V2
from gateway.signatures.cms.container import read_container, read_skeleton
from gateway.signatures.cms.profile import ANY
from gateway.signatures.issuing import make_name
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome
from tests.signatures.cades.forging import Forgery
from tests.signatures.conftest import DAY, NOON, Issue, Load

CONTENT = b"<ClinicalDocument/>"
GOST = [Family.GOST_256, Family.GOST_512, Family.GOST_512_KZ]


@pytest.fixture
def judge(trust: Trust) -> partial[Verified]:
    return partial(verify_cms, trust=trust, at=NOON)


def facts(verified: Verified) -> list[Fact]:
    return [reason.fact for reason in verified.verdict.reasons]


def swap_halves(octets: bytes) -> bytes:
    middle = len(octets) // 2
    return octets[middle:] + octets[:middle]


def turn_halves(octets: bytes) -> bytes:
    middle = len(octets) // 2
    return octets[:middle][::-1] + octets[middle:][::-1]


def reverse(octets: bytes) -> bytes:
    return octets[::-1]


def swap_numbers(octets: bytes) -> bytes:
    return ecdsa_to_der(swap_halves(ecdsa_from_der(octets))) or b""


def with_tail(octets: bytes) -> bytes:
    return octets + b"\0"


def with_head(octets: bytes) -> bytes:
    return b"\0" + octets


@pytest.mark.parametrize("family", GOST)
@pytest.mark.parametrize("turn", [swap_halves, turn_halves, reverse, with_tail, with_head])
def test_signature_octets_in_any_other_order_do_not_verify(
    issue: Issue, judge: partial[Verified], family: Family, turn: Callable[[bytes], bytes]
) -> None:
    forgery = Forgery(CONTENT, issue(family=family), NOON)
    assert judge(forgery.write(), CONTENT).verdict.reasons == ()

    verified = judge(forgery.but(value=turn).write(), CONTENT)

    assert facts(verified) == [Fact.SIGNATURE_BROKEN]
    assert verified.verdict.etsi == "TOTAL-FAILED/SIG_CRYPTO_FAILURE"


def test_kz_signature_in_russian_octet_order_does_not_verify(
    issue: Issue, judge: partial[Verified]
) -> None:
    cms = Forgery(CONTENT, issue(family=Family.GOST_512_KZ), NOON, value=reverse).write()

    assert facts(judge(cms, CONTENT, profile=KZ)) == [Fact.SIGNATURE_BROKEN]


def test_russian_signature_in_kz_octet_order_does_not_verify(
    issue: Issue, judge: partial[Verified]
) -> None:
    cms = Forgery(CONTENT, issue(family=Family.GOST_512), NOON, value=reverse).write()

    assert facts(judge(cms, CONTENT)) == [Fact.SIGNATURE_BROKEN]


@pytest.mark.parametrize(
    "turn", [ecdsa_from_der, swap_numbers, with_tail, lambda octets: octets[:1] + b"\x81" + octets]
)
def test_ec_signature_in_any_other_form_does_not_verify(
    issue: Issue, judge: partial[Verified], turn: Callable[[bytes], bytes]
) -> None:
    cms = Forgery(CONTENT, issue(family=Family.EC), NOON, value=turn).write()

    assert facts(judge(cms, CONTENT)) == [Fact.SIGNATURE_BROKEN]


def test_kz_signature_under_russian_names_does_not_verify(
    issue: Issue, judge: partial[Verified]
) -> None:
    """The key and the curve are the same; the names are not."""
    cms = Forgery(
        CONTENT,
        issue(family=Family.GOST_512_KZ),
        NOON,
        digest=STREEBOG_512,
        signature_oid="1.2.643.7.1.1.1.2",
        value=reverse,
    ).write()

    assert facts(judge(cms, CONTENT)) == [Fact.ALGORITHMS_MIXED, Fact.SIGNATURE_BROKEN]


def test_signed_attributes_of_another_document_do_not_pass(
    key: Load, judge: partial[Verified]
) -> None:
    """Attributes and value are lifted together from a signature over something else."""
    chair = key("ru-clinic77-chair")
    other = sign_cms(b"<Other/>", chair, at=NOON)

    assert facts(judge(other, CONTENT)) == [Fact.DIGEST_MISMATCH]


def test_swapped_attributes_break_the_signature(key: Load, judge: partial[Verified]) -> None:
    """The attributes of today's document under yesterday's signature value."""
    chair = key("ru-clinic77-chair")
    old, new = sign_cms(b"<Other/>", chair, at=NOON), sign_cms(CONTENT, chair, at=NOON)
    value = read_container(new).signers[0].signature
    assert new.count(value) == 1

    swapped = new.replace(value, read_container(old).signers[0].signature)

    assert facts(judge(swapped, CONTENT)) == [Fact.SIGNATURE_BROKEN]


def test_attributes_dressed_up_as_content_are_refused(key: Load, judge: partial[Verified]) -> None:
    """RFC 5652 §5.4 confusion: what was signed as attributes is shown as signed content."""
    info = read_container(sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON)).signers[0]
    assert info.attributes is not None
    attributes = b"\x31" + info.attributes[1:]
    forgery = Forgery(
        attributes, key("ru-clinic77-chair"), NOON, unsigned=True, value=lambda _: info.signature
    )

    verified = judge(forgery.write(), attributes)

    assert facts(verified) == [Fact.ATTRIBUTE_MISSING] * 4
    assert verified.verdict.outcome is Outcome.INVALID


def test_signature_without_signed_attributes_is_refused_in_kazakhstan_too(
    issue: Issue, judge: partial[Verified]
) -> None:
    cms = Forgery(CONTENT, issue(family=Family.GOST_512_KZ), NOON, unsigned=True).write()

    assert set(facts(judge(cms, CONTENT, profile=KZ))) == {
        *(Fact.ATTRIBUTE_MISSING, Fact.ATTRIBUTE_ABSENT)
    }


def test_certificate_on_the_same_key_cannot_be_put_in_where_the_key_alone_is_named(
    issue: Issue, judge: partial[Verified]
) -> None:
    pkcs8 = open_backend().generate(Family.EC)
    signer, other = issue(der=pkcs8), issue(der=pkcs8, subject=make_name(common_name="Иная роль"))
    sid = der.tlv(0x80, signer.certificate.subject_key_id or b"")
    named = Forgery(CONTENT, signer, NOON, sid=sid)
    bare = named.but(without=(SIGNING_CERTIFICATE_V2,))
    assert judge(named.write(), CONTENT, profile=KZ).verdict.reasons == ()

    for each in (bare, bare.but(certificates=(other.certificate.der,))):
        for profile in (KZ, ANY):
            verified = judge(each.write(), CONTENT, profile=profile)
            assert facts(verified) == [Fact.ATTRIBUTE_ABSENT, Fact.STRUCTURE_FORBIDDEN]
            assert verified.verdict.outcome is Outcome.INVALID


@pytest.mark.parametrize("stated", ["1.2.840.113549.1.7.1", "1.2.840.113549.1.9.16.1.4"])
def test_content_type_confusion_is_refused(
    key: Load, judge: partial[Verified], stated: str
) -> None:
    """A time-stamp token's content shown as a document, whatever the signed attribute says."""
    forgery = Forgery(
        CONTENT,
        key("ru-clinic77-chair"),
        NOON,
        content_type=der.oid("1.2.840.113549.1.9.16.1.4"),
        attributes={CONTENT_TYPE: der.oid(stated)},
    )

    verified = judge(forgery.write(), CONTENT)

    assert Fact.STRUCTURE_FORBIDDEN in facts(verified)
    assert verified.verdict.outcome is Outcome.INVALID


def test_digest_and_signature_of_different_families_are_refused(
    issue: Issue, judge: partial[Verified]
) -> None:
    for family, digest in ((Family.RSA, STREEBOG_256), (Family.GOST_256, SHA_256)):
        cms = Forgery(CONTENT, issue(family=family), NOON, digest=digest).write()
        verified = judge(cms, CONTENT)
        assert facts(verified)[0] is Fact.ALGORITHMS_MIXED
        assert verified.verdict.outcome is Outcome.INVALID


def test_rsa_with_sha_1_is_refused_by_every_profile(issue: Issue, judge: partial[Verified]) -> None:
    old = replace(issue(family=Family.RSA), algorithm=RSA_SHA1)
    cms = Forgery(CONTENT, old, NOON).write()

    for verified in (judge(cms, CONTENT), judge(cms, CONTENT, profile=KZ)):
        assert Fact.ALGORITHM_FORBIDDEN in facts(verified)
        assert verified.verdict.outcome is Outcome.INVALID


def test_signer_taken_out_of_a_container_does_not_sign_other_content(
    key: Load, judge: partial[Verified]
) -> None:
    """A SignerInfo is carried over into a container around other content."""
    chair = key("ru-clinic77-chair")
    theirs = add_signer(
        sign_cms(b"<Other/>", key("ru-clinic77-member-1"), at=NOON),
        chair,
        at=NOON,
        content=b"<Other/>",
    )
    ours = sign_cms(CONTENT, chair, at=NOON, detached=False)
    stolen = next(
        one.raw
        for one in read_skeleton(theirs).signers
        if der.integer(chair.certificate.serial) in one.raw
    )
    old = read_skeleton(ours)
    assert old.certificates is not None
    head = b"".join(
        part.raw for part in (old.version, old.digests, old.encapsulated, old.certificates)
    )
    forged = der.sequence(
        der.oid("1.2.840.113549.1.7.2"), der.explicit(0, der.sequence(head, der.set_of(stolen)))
    )

    assert Fact.DIGEST_MISMATCH in facts(judge(forged, None))


def test_signing_time_before_the_certificate_began_is_refused(
    issue: Issue, judge: partial[Verified]
) -> None:
    signer = issue(not_before=NOON - DAY)

    cms = sign_cms(CONTENT, signer, at=NOON - 2 * DAY)

    assert facts(judge(cms, CONTENT)) == [Fact.SIGNED_OUTSIDE_LIFE]
