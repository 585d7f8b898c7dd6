"""Containers with the content inside, with several signers, and of both countries."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from gateway.errors import MalformedMessage
from gateway.signatures import asn1, der
from gateway.signatures.algorithms import DEFAULTS, GOST_512_KZ, SHA_1, Family
from gateway.signatures.cades import (
    DOCUMENT,
    KZ,
    RU,
    Profile,
    Verified,
    add_signer,
    sign_cms,
    verify_cms,
)
from gateway.signatures.chain import Trust
from gateway.signatures.cms.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from gateway.signatures.cms.container import read_container, read_skeleton
from gateway.signatures.cms.profile import Profile as Rules
from gateway.signatures.keys import SigningKey
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome
from tests.signatures.cades.forging import Forgery
from tests.signatures.conftest import DAY, NOON, Issue, Load

CONTENT = b"<ClinicalDocument/>"
TWO = replace(DOCUMENT, fewest=2, most=2)
FAMILIES = [Family.RSA, Family.EC, Family.GOST_256, Family.GOST_512, Family.GOST_512_KZ]


@pytest.fixture
def judge(trust: Trust) -> partial[Verified]:
    return partial(verify_cms, trust=trust, at=NOON)


def facts(verified: Verified) -> list[Fact]:
    return [reason.fact for reason in verified.verdict.reasons]


def change(content: bytes, old: bytes, new: bytes) -> bytes:
    assert content.count(old) == 1
    return content.replace(old, new)


# --- attached ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("detached", [True, False])
def test_every_family_signs_and_gives_back_the_content_it_signed(
    issue: Issue, judge: partial[Verified], family: Family, *, detached: bool
) -> None:
    cms = sign_cms(CONTENT, issue(family=family), at=NOON, detached=detached)

    verified = judge(cms, CONTENT if detached else None)

    assert verified.verdict.reasons == ()
    assert verified.content == CONTENT
    assert verified.verdict.signers[0].algorithm == DEFAULTS[family].name
    assert asn1.is_der(cms)
    assert (CONTENT in cms) is not detached


@pytest.mark.parametrize("content", [CONTENT, b"other"])
def test_content_inside_and_beside_is_refused(
    key: Load, judge: partial[Verified], content: bytes
) -> None:
    cms = sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON, detached=False)

    verified = judge(cms, content)

    assert Fact.STRUCTURE_FORBIDDEN in facts(verified)
    assert (Fact.DIGEST_MISMATCH in facts(verified)) == (content != CONTENT)
    assert verified.content is None


def test_changed_content_inside_is_noticed_and_not_given_back(
    key: Load, judge: partial[Verified]
) -> None:
    cms = sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON, detached=False)

    verified = judge(change(cms, CONTENT, b"<ClinicalDocumenT/>"), None)

    assert facts(verified) == [Fact.DIGEST_MISMATCH]
    assert verified.content is None


def test_detached_container_without_its_content_could_not_be_checked(
    key: Load, judge: partial[Verified]
) -> None:
    cms = sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON)

    verified = judge(cms, None)

    assert facts(verified) == [Fact.CONTENT_MISSING]
    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED
    assert verified.verdict.etsi == "INDETERMINATE/SIGNED_DATA_NOT_FOUND"
    assert verified.content is None


def test_content_missing_hides_no_broken_signature(key: Load, judge: partial[Verified]) -> None:
    cms = bytearray(sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON))
    cms[-1] ^= 1

    assert facts(judge(bytes(cms), None)) == [Fact.CONTENT_MISSING, Fact.SIGNATURE_BROKEN]


def test_content_of_an_untrusted_signer_is_not_given_back(
    key: Load, judge: partial[Verified]
) -> None:
    cms = sign_cms(CONTENT, key("stranger-organization"), at=NOON, detached=False)

    verified = judge(cms, None)

    assert facts(verified) == [Fact.CHAIN_NOT_FOUND]
    assert verified.content is None


def test_empty_content_inside_is_content(key: Load, judge: partial[Verified]) -> None:
    cms = sign_cms(b"", key("ru-clinic77-chair"), at=NOON, detached=False)

    assert judge(cms, None).content == b""
    assert facts(judge(cms, b"")) == [Fact.STRUCTURE_FORBIDDEN]


def test_content_in_chunks_of_ber_is_put_together(key: Load, judge: partial[Verified]) -> None:
    chunks = der.tlv(0x24, der.octets(CONTENT[:5]), der.octets(CONTENT[5:]))
    forgery = Forgery(CONTENT, key("ru-clinic77-chair"), NOON, attached=True, content_inside=chunks)

    assert judge(forgery.write(), None) == Verified(judge(forgery.write(), None).verdict, CONTENT)
    assert judge(forgery.write(), None).verdict.reasons == ()


@pytest.mark.parametrize(
    "inside",
    [
        der.NULL,
        der.tlv(0x24, der.NULL),
        der.tlv(0x24, der.tlv(0x24, der.octets(CONTENT))),
        der.octets(CONTENT) + der.octets(b""),
    ],
)
def test_content_that_is_no_octet_string_is_malformed(
    key: Load, judge: partial[Verified], inside: bytes
) -> None:
    forgery = Forgery(CONTENT, key("ru-clinic77-chair"), NOON, attached=True, content_inside=inside)

    assert facts(judge(forgery.write(), None)) == [Fact.MALFORMED]


def test_size_of_what_stands_beside_the_content_is_limited(
    key: Load, judge: partial[Verified]
) -> None:
    sign = partial(sign_cms, key=key("ru-clinic77-chair"), at=NOON, detached=False)
    large, too_large = bytes(2 * 2**20), bytes(4 * 2**20)

    assert judge(sign(large), None).content == large
    assert facts(judge(sign(too_large), None)) == [Fact.MALFORMED]
    padded = Forgery(
        CONTENT,
        key("ru-clinic77-chair"),
        NOON,
        certificates=(der.explicit(1, der.octets(bytes(2**20))),),
    )
    assert facts(judge(padded.write(), CONTENT)) == [Fact.MALFORMED]


# --- several signers ---------------------------------------------------------------------------


def test_second_signer_smuggled_in_where_one_is_wanted_is_refused(
    key: Load, judge: partial[Verified]
) -> None:
    cms = sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON)
    two = add_signer(cms, key("ru-clinic77-member-1"), at=NOON, content=CONTENT)

    verified = judge(two, CONTENT, profile=RU)

    assert facts(verified) == [Fact.WRONG_SIGNER_COUNT]
    assert verified.verdict.reasons[0].detail == "2, not 1"
    assert verified.verdict.outcome is Outcome.INVALID
    assert verified.content is None


def test_signers_of_all_families_sign_side_by_side(issue: Issue, judge: partial[Verified]) -> None:
    first, *others = (issue(family=family) for family in FAMILIES)
    cms = sign_cms(CONTENT, first, at=NOON, detached=False)
    for other in others:
        cms = add_signer(cms, other, at=NOON)

    verified = judge(cms, None, profile=replace(TWO, most=5))

    assert verified.verdict.reasons == ()
    assert verified.content == CONTENT
    assert {signer.algorithm for signer in verified.verdict.signers} == {
        DEFAULTS[family].name for family in FAMILIES
    }
    assert {signer.covers for signer in verified.verdict.signers} == {"the whole content"}
    assert asn1.is_der(cms)


def test_further_signer_leaves_the_octets_of_the_first(key: Load) -> None:
    cms = sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON)

    two = add_signer(cms, key("ru-clinic77-member-1"), at=NOON, content=CONTENT)

    before, after = read_skeleton(cms), read_skeleton(two)
    assert before.signers[0].raw in {one.raw for one in after.signers}
    assert after.encapsulated.raw == before.encapsulated.raw
    assert len(read_container(two).certificates) == 2


def test_same_signer_twice_brings_the_certificate_once(key: Load) -> None:
    chair = key("ru-clinic77-chair")
    cms = add_signer(sign_cms(CONTENT, chair, at=NOON), chair, at=NOON + DAY, content=CONTENT)

    container = read_container(cms)

    assert (len(container.signers), len(container.certificates)) == (2, 1)
    assert len(read_skeleton(cms).digests.members()) == 1


def test_worst_signer_decides(key: Load, judge: partial[Verified]) -> None:
    cms = sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON, detached=False)
    two = add_signer(cms, key("ru-revoked"), at=NOON)

    verified = judge(two, None, profile=TWO)

    assert facts(verified) == [Fact.REVOKED]
    assert verified.verdict.outcome is Outcome.REVOKED
    assert verified.content is None


def test_signer_is_not_added_to_other_content(key: Load) -> None:
    chair = key("ru-clinic77-chair")
    detached, attached = (
        sign_cms(CONTENT, chair, at=NOON, detached=detached) for detached in (True, False)
    )
    unknown = Forgery(CONTENT, chair, NOON, digest_oid="1.2.3").write()
    without = Forgery(CONTENT, chair, NOON, without=(MESSAGE_DIGEST,)).write()

    for cms, content in (
        (detached, b"other"),
        (detached, None),
        (attached, CONTENT),
        (unknown, CONTENT),
        (without, CONTENT),
        (b"", CONTENT),
    ):
        with pytest.raises(MalformedMessage):
            add_signer(cms, chair, at=NOON, content=content)


def test_signer_is_added_to_a_container_that_brings_nothing_or_more(
    key: Load, judge: partial[Verified]
) -> None:
    bare = Forgery(CONTENT, key("ru-clinic77-chair"), NOON, certificates=(), announced=b"").write()
    assert read_container(bare).certificates == ()

    two = add_signer(bare, key("ru-clinic77-member-1"), at=NOON, content=CONTENT)

    assert len(read_container(two).certificates) == 1
    assert Fact.CERTIFICATE_MISSING in facts(judge(two, CONTENT, profile=TWO))


def test_revocation_lists_inside_are_kept_and_do_not_count(
    key: Load, judge: partial[Verified]
) -> None:
    cms = sign_cms(CONTENT, key("ru-clinic77-chair"), at=NOON)
    old = read_skeleton(cms)
    assert old.certificates is not None
    lists = der.explicit(1, der.sequence(der.integer(7)))
    parts = (old.version, old.digests, old.encapsulated, old.certificates)
    body = b"".join(part.raw for part in parts) + lists + der.set_of(old.signers[0].raw)
    with_lists = der.sequence(der.oid("1.2.840.113549.1.7.2"), der.explicit(0, der.sequence(body)))

    two = add_signer(with_lists, key("ru-clinic77-member-1"), at=NOON, content=CONTENT)

    kept = read_skeleton(two).lists
    assert kept is not None
    assert kept.raw == lists
    assert judge(two, CONTENT, profile=TWO).verdict.reasons == ()


# --- profiles ----------------------------------------------------------------------------------


def test_signing_certificate_is_optional_in_kazakhstan_alone(
    issue: Issue, judge: partial[Verified]
) -> None:
    bare = Forgery(CONTENT, issue(family=Family.RSA), NOON, without=(SIGNING_CERTIFICATE_V2,))

    lenient = judge(bare.write(), CONTENT, profile=KZ)

    assert lenient.verdict.valid
    assert facts(lenient) == [Fact.ATTRIBUTE_ABSENT]
    for profile in (DOCUMENT, RU):
        assert facts(judge(bare.write(), CONTENT, profile=profile)) == [Fact.ATTRIBUTE_MISSING]


@pytest.mark.parametrize("oid", [CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME])
def test_other_attributes_are_mandatory_in_kazakhstan_too(
    issue: Issue, judge: partial[Verified], oid: str
) -> None:
    cms = Forgery(CONTENT, issue(family=Family.RSA), NOON, without=(oid,)).write()

    assert facts(judge(cms, CONTENT, profile=KZ)) == [Fact.ATTRIBUTE_MISSING]


def test_wrong_signing_certificate_is_refused_in_kazakhstan_too(
    key: Load, judge: partial[Verified]
) -> None:
    forgery = Forgery(CONTENT, key("ru-clinic77-chair"), NOON)
    other = forgery.reference(key("ru-clinic77-member-1").certificate.der)

    verified = judge(
        forgery.but(attributes={SIGNING_CERTIFICATE_V2: other}).write(), CONTENT, profile=KZ
    )

    assert facts(verified) == [Fact.CERTIFICATE_REFERENCE_MISMATCH]


@pytest.mark.parametrize(
    ("family", "at_home", "abroad"),
    [(Family.GOST_256, RU, KZ), (Family.GOST_512_KZ, KZ, RU)],
)
def test_algorithms_of_one_country_are_not_admitted_in_the_other(
    issue: Issue, judge: partial[Verified], family: Family, at_home: Profile, abroad: Profile
) -> None:
    cms = sign_cms(CONTENT, issue(family=family), at=NOON)

    assert judge(cms, CONTENT, profile=at_home).verdict.reasons == ()
    assert facts(judge(cms, CONTENT, profile=abroad)) == [Fact.ALGORITHM_FORBIDDEN]


@pytest.mark.parametrize("count", [1, 2, 32])
def test_kazakhstan_takes_one_signer_or_several(
    key: Load, judge: partial[Verified], count: int
) -> None:
    cms = Forgery(CONTENT, key("ru-clinic77-chair"), NOON, signers=count).write()

    verified = judge(cms, CONTENT, profile=KZ)

    assert verified.verdict.reasons == ()
    assert len(verified.verdict.signers) == count


@pytest.mark.parametrize("count", [0, 33])
def test_kazakhstan_takes_neither_nobody_nor_a_crowd(
    key: Load, judge: partial[Verified], count: int
) -> None:
    cms = Forgery(CONTENT, key("ru-clinic77-chair"), NOON, signers=count).write()

    (reason,) = judge(cms, CONTENT, profile=KZ).verdict.reasons

    assert (reason.fact, reason.detail) == (Fact.WRONG_SIGNER_COUNT, f"{count}, not 1 to 32")


def test_signers_beyond_the_limit_are_not_even_looked_at(
    key: Load, judge: partial[Verified]
) -> None:
    cms = Forgery(CONTENT, key("ru-clinic77-chair"), NOON, signers=40).write()

    assert len(judge(cms, CONTENT, profile=KZ).verdict.signers) == 32


def test_kazakhstan_signs_under_the_combined_oid_with_octets_reversed(issue: Issue) -> None:
    signer: SigningKey = issue(family=Family.GOST_512_KZ)

    (info,) = read_container(sign_cms(CONTENT, signer, at=NOON)).signers

    assert info.algorithm == GOST_512_KZ.oid == "1.2.398.3.10.1.1.2.3.2"
    assert info.digest == "1.2.398.3.10.1.3.3"
    assert info.attributes is not None
    public = signer.backend.load_public(signer.certificate.spki)
    signed = b"\x31" + info.attributes[1:]
    assert signer.backend.verify(public, GOST_512_KZ, info.signature[::-1], signed)
    assert not signer.backend.verify(public, GOST_512_KZ, info.signature, signed)


# --- the strict reader -------------------------------------------------------------------------


def test_container_of_another_content_type_is_no_document(
    key: Load, judge: partial[Verified]
) -> None:
    token = "1.2.840.113549.1.9.16.1.4"
    forgery = Forgery(
        CONTENT,
        key("ru-clinic77-chair"),
        NOON,
        content_type=der.oid(token),
        attributes={CONTENT_TYPE: der.oid(token)},
    )

    assert facts(judge(forgery.write(), CONTENT)) == [Fact.STRUCTURE_FORBIDDEN]
    token_rules = Rules(name="token", content_type=token)
    assert judge(forgery.write(), CONTENT, profile=token_rules).verdict.reasons == ()


def test_digest_of_a_signer_must_be_announced(key: Load, judge: partial[Verified]) -> None:
    forgery = partial(Forgery, CONTENT, key("ru-clinic77-chair"), NOON)

    for announced in (b"", der.sequence(der.oid(SHA_1.oid))):
        verified = judge(forgery(announced=announced).write(), CONTENT)
        assert facts(verified) == [Fact.STRUCTURE_FORBIDDEN]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [(der.NULL, []), (b"\x05\x01\x00", [Fact.MALFORMED]), (der.integer(1), [Fact.MALFORMED])],
)
def test_parameters_of_an_algorithm_are_absent_or_null(
    key: Load, judge: partial[Verified], parameters: bytes, found: list[Fact]
) -> None:
    chair = key("ru-clinic77-chair")
    announced = der.sequence(der.oid(chair.algorithm.digest.oid), parameters)

    cms = Forgery(CONTENT, chair, NOON, announced=announced).write()

    assert facts(judge(cms, CONTENT)) == found
