"""Documents signed by us, judged by us: every profile, place and number of signers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import etree

from gateway.errors import HouseError, MalformedMessage
from gateway.signatures.algorithms import Family
from gateway.signatures.chain import Trust
from gateway.signatures.reasons import Fact
from gateway.signatures.verdict import Outcome
from gateway.signatures.xmldsig import (
    KZ,
    PLAIN,
    SMEV,
    Profile,
    Verified,
    sign_detached,
    sign_element,
    sign_enveloped,
    sign_smev,
    verify_xmldsig,
)
from tests.signatures.conftest import NOON, Issue, Load

DOCUMENT = (
    "<?xml version='1.0' encoding=\"UTF-8\"?>\n"
    "<a xmlns='urn:a' xmlns:q='urn:q'  xml:lang='ru'>\n  <b Id='x'>Ж &amp; &#13;</b> tail</a>\n"
).encode()
CHAIRS = ["ru-clinic77-chair", "ru-clinic77-chair-gost"]


def facts(verified: Verified) -> list[Fact]:
    """Return what was found; nothing but a valid document may show any of its bytes."""
    if not verified.verdict.valid:
        assert (verified.content, dict(verified.parts)) == (None, {})
    return [reason.fact for reason in verified.verdict.reasons]


@pytest.mark.parametrize("name", CHAIRS)
@pytest.mark.parametrize("profile", [PLAIN, SMEV], ids=lambda profile: profile.name)
def test_signed_document_is_verified_and_given_back(
    key: Load, trust: Trust, name: str, profile: Profile
) -> None:
    signed = sign_enveloped(DOCUMENT, key(name), profile)

    verified = verify_xmldsig(signed, trust, at=NOON, profile=profile)

    assert facts(verified) == [Fact.NO_SIGNING_TIME]
    assert verified.verdict.signers[0].covers == "the document"
    assert verified.verdict.signers[0].signed_at is None
    assert verified.content is not None
    assert verified.parts == {"": verified.content}
    assert etree.fromstring(verified.content)[0].text == "Ж & \r"
    assert b"Signature" not in verified.content


def test_octets_of_a_document_stay_as_they_were(key: Load) -> None:
    signed = sign_enveloped(DOCUMENT, key(CHAIRS[0]))

    at = signed.index(b"<ds:Signature ")
    behind = signed.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    assert signed[:at] + signed[behind:] == DOCUMENT
    assert signed[behind:] == b"</a>\n"


@pytest.mark.parametrize(
    ("document", "end"),
    [
        (b"<a/>", b"</ds:Signature></a>"),
        (b"<q:a xmlns:q='urn:q' b='/>'  />\n", b"</ds:Signature></q:a>"),
        (b"<a b='c'></a >", b"</ds:Signature></a >"),
        (b"<a><![CDATA[</a>]]></a>\n\n", b"</ds:Signature></a>\n\n"),
        (b"\xef\xbb\xbf<a>\xd0\x96</a>", b"</ds:Signature></a>"),
        (b"<?pi before?><!-- before --><a/>", b"</ds:Signature></a>"),
    ],
)
def test_signature_is_the_last_child_of_any_root(
    key: Load, trust: Trust, document: bytes, end: bytes
) -> None:
    for profile in (PLAIN, KZ):
        signed = sign_enveloped(document, key(CHAIRS[0]), profile)

        assert signed.endswith(end)
        assert verify_xmldsig(signed, trust, at=NOON, profile=profile).verdict.valid


def test_what_cannot_be_signed_clearly_is_not_signed(key: Load, issue: Issue) -> None:
    signed = sign_enveloped(DOCUMENT, key(CHAIRS[0]))

    with pytest.raises(HouseError, match="signed already"):
        sign_enveloped(signed, key(CHAIRS[0]))
    with pytest.raises(MalformedMessage, match="may follow"):
        sign_enveloped(b"<a/><!-- behind -->", key(CHAIRS[0]))
    with pytest.raises(MalformedMessage):
        sign_enveloped(b"no document", key(CHAIRS[0]))
    with pytest.raises(MalformedMessage, match="0 instead of one"):
        sign_element(DOCUMENT, key(CHAIRS[0]), element_id="y")


def test_profile_of_one_country_does_not_sign_with_the_key_of_the_other(
    key: Load, issue: Issue
) -> None:
    kz = issue(family=Family.GOST_512_KZ)

    for signer, profile in ((kz, PLAIN), (kz, SMEV), (key("ru-clinic77-chair-gost"), KZ)):
        with pytest.raises(HouseError, match="not signed with"):
            sign_enveloped(DOCUMENT, signer, profile)
        with pytest.raises(HouseError, match="not signed with"):
            sign_element(DOCUMENT, signer, profile, element_id="x")
        with pytest.raises(HouseError, match="not signed with"):
            sign_detached(DOCUMENT, signer, profile)


@pytest.mark.parametrize("name", CHAIRS)
def test_one_element_is_signed_by_its_id(key: Load, trust: Trust, name: str) -> None:
    signed = sign_element(DOCUMENT, key(name), element_id="x")

    verified = verify_xmldsig(signed, trust, at=NOON)

    assert facts(verified) == [Fact.NO_SIGNING_TIME]
    assert verified.verdict.signers[0].covers == "#x"
    assert verified.content == '<b xmlns="urn:a" Id="x">Ж &amp; &#xD;</b>'.encode()
    changed = verify_xmldsig(signed.replace(b" tail", b" other"), trust, at=NOON)
    assert changed.content == verified.content  # the rest is not signed, and not given
    assert Fact.DIGEST_MISMATCH in facts(
        verify_xmldsig(signed.replace("Ж".encode(), b"Z"), trust, at=NOON)
    )


def test_root_is_signed_by_its_id_with_the_signature_inside(key: Load, trust: Trust) -> None:
    signed = sign_element(b"<a Id='r'><b/></a>", key(CHAIRS[0]), element_id="r")

    verified = verify_xmldsig(signed, trust, at=NOON)

    assert verified.content == b'<a Id="r"><b></b></a>'
    assert verified.verdict.signers[0].covers == "#r"


def test_several_signers_of_one_element_are_all_heard(key: Load, trust: Trust) -> None:
    once = sign_element(DOCUMENT, key(CHAIRS[0]), element_id="x")
    twice = sign_element(once, key("ru-clinic77-member-1"), element_id="x")

    verified = verify_xmldsig(twice, trust, at=NOON)

    assert facts(verified) == [Fact.NO_SIGNING_TIME]
    assert [each.covers for each in verified.verdict.signers] == ["#x", "#x"]
    assert len({each.certificate_sha256 for each in verified.verdict.signers}) == 2
    assert verified.content is not None


def test_signers_of_different_things_have_no_content_in_common(key: Load, trust: Trust) -> None:
    document = b"<a><b Id='x'>1</b><c Id='y'>2</c></a>"
    once = sign_element(document, key(CHAIRS[0]), element_id="x")
    twice = sign_element(once, key("ru-clinic77-member-1"), element_id="y")

    verified = verify_xmldsig(twice, trust, at=NOON)

    assert verified.verdict.valid
    assert verified.content is None
    assert verified.parts == {"#x": b'<b Id="x">1</b>', "#y": b'<c Id="y">2</c>'}


def test_one_bad_signer_of_several_spoils_the_document(key: Load, trust: Trust) -> None:
    once = sign_element(DOCUMENT, key("stranger-organization"), element_id="x")
    twice = sign_element(once, key(CHAIRS[0]), element_id="x")

    verified = verify_xmldsig(twice, trust, at=NOON)

    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED
    assert facts(verified) == [Fact.CHAIN_NOT_FOUND, Fact.NO_SIGNING_TIME]


# --- content beside the signature --------------------------------------------------------------


@pytest.mark.parametrize("name", CHAIRS)
@pytest.mark.parametrize("content", [b"", b"\0\xff any octets", DOCUMENT])
def test_content_beside_the_signature_is_given_back_as_it_came(
    key: Load, trust: Trust, name: str, content: bytes
) -> None:
    signature = sign_detached(content, key(name))

    verified = verify_xmldsig(signature, trust, at=NOON, detached=content)

    assert facts(verified) == [Fact.NO_SIGNING_TIME]
    assert verified.content == content
    assert verified.verdict.signers[0].covers == "beside"
    assert Fact.DIGEST_MISMATCH in facts(
        verify_xmldsig(signature, trust, at=NOON, detached=content + b" ")
    )


def test_without_the_content_a_detached_signature_could_not_be_checked(
    key: Load, trust: Trust
) -> None:
    verified = verify_xmldsig(sign_detached(b"1", key(CHAIRS[0])), trust, at=NOON)

    assert facts(verified) == [Fact.CONTENT_MISSING, Fact.NO_SIGNING_TIME]
    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED


def test_several_detached_signatures_stand_in_one_file(key: Load, trust: Trust) -> None:
    both = b"".join(sign_detached(b"1", key(name)) for name in (CHAIRS[0], "ru-clinic77-member-1"))

    verified = verify_xmldsig(b"<all>%b</all>" % both, trust, at=NOON, detached=b"1")

    assert verified.content == b"1"
    assert len(verified.verdict.signers) == 2


# --- Kazakhstan --------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [Family.RSA, Family.GOST_512_KZ])
def test_document_of_kazakhstan_is_signed_and_verified(
    issue: Issue, trust: Trust, family: Family
) -> None:
    signed = sign_enveloped(DOCUMENT, issue(family=family), KZ)

    verified = verify_xmldsig(signed, trust, at=NOON, profile=KZ)

    assert facts(verified) == [Fact.NO_SIGNING_TIME]
    assert b'<ds:Signature xmlns:ds="' in signed
    assert b'REC-xml-c14n-20010315#WithComments"' in signed
    assert b'<ds:Reference URI="">' in signed


def test_later_signature_covers_the_earlier_and_is_peeled_off(issue: Issue, trust: Trust) -> None:
    signers = [issue(family=Family.RSA), issue(family=Family.GOST_512_KZ), issue()]
    signed = DOCUMENT
    for signer in signers:
        signed = sign_enveloped(signed, signer, KZ)

    verified = verify_xmldsig(signed, trust, at=NOON, profile=KZ)

    assert facts(verified) == [Fact.NO_SIGNING_TIME]
    assert [each.algorithm for each in verified.verdict.signers] == [
        *("rsa-sha256", "gost-512-kz", "ecdsa-sha256")
    ]
    alone = verify_xmldsig(sign_enveloped(DOCUMENT, signers[0], KZ), trust, at=NOON, profile=KZ)
    assert verified.content == alone.content


def test_peeling_notices_a_change_of_an_earlier_signature(issue: Issue, trust: Trust) -> None:
    once = sign_enveloped(DOCUMENT, issue(), KZ)
    twice = sign_enveloped(once, issue(), KZ)
    first = twice.index(b"</ds:Signature>")

    spaced = twice[:first] + b" " + twice[first:]

    verified = verify_xmldsig(spaced, trust, at=NOON, profile=KZ)
    assert facts(verified) == [Fact.DIGEST_MISMATCH, Fact.NO_SIGNING_TIME]


def test_text_around_the_signatures_stays_signed(issue: Issue, trust: Trust) -> None:
    once = sign_enveloped(b"<a>1</a>", issue(), KZ)
    behind = once.replace(b"</ds:Signature>", b"</ds:Signature>2")
    between = once.replace(b"<a>1<ds", b"<a>1<b/>3<ds")

    for changed in (behind, between):
        assert Fact.DIGEST_MISMATCH in facts(verify_xmldsig(changed, trust, at=NOON, profile=KZ))


# --- СМЭВ3 -------------------------------------------------------------------------------------

MESSAGE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<t:SendRequestRequest xmlns:t="urn:types"><t:SenderProvidedRequestData'
    ' Id="SIGNED_BY_CONSUMER"><t:MessageID>1</t:MessageID>\n</t:SenderProvidedRequestData>'
    "{}</t:SendRequestRequest></s:Body></s:Envelope>"
)


@pytest.mark.parametrize("name", CHAIRS)
@pytest.mark.parametrize(
    "place", ["", "<t:CallerInformationSystemSignature></t:CallerInformationSystemSignature>"]
)
def test_message_of_smev_is_signed_in_its_place(
    key: Load, trust: Trust, name: str, place: str
) -> None:
    signed = sign_smev(MESSAGE.format(place).encode(), key(name))

    verified = verify_xmldsig(signed, trust, at=NOON, profile=SMEV)

    assert facts(verified) == [Fact.NO_SIGNING_TIME]
    assert verified.content == (
        b'<ns1:SenderProvidedRequestData xmlns:ns1="urn:types" Id="SIGNED_BY_CONSUMER">'
        b"<ns1:MessageID>1</ns1:MessageID></ns1:SenderProvidedRequestData>"
    )
    places = etree.fromstring(signed).findall(".//{urn:types}CallerInformationSystemSignature")
    assert [child.tag for each in places for child in each] == [
        "{http://www.w3.org/2000/09/xmldsig#}Signature"
    ]


def test_element_of_smev_is_chosen_by_name_or_by_id(key: Load, trust: Trust) -> None:
    document = b"<e><m Id='mine'>1</m><p Id='PERSONAL_SIGNATURE'>2</p></e>"

    for wanted, covers in (("mine", "#mine"), ("", "#PERSONAL_SIGNATURE")):
        signed = sign_smev(document, key(CHAIRS[0]), element_id=wanted)
        verified = verify_xmldsig(signed, trust, at=NOON, profile=SMEV)
        assert verified.verdict.signers[0].covers == covers
        assert verified.verdict.valid


def test_smev_signs_a_root_by_its_id_and_a_document_without_ids_as_a_whole(
    key: Load, trust: Trust
) -> None:
    for document, covers in (
        (b"<e Id='SIGNED_BY_CALLER'/>", "#SIGNED_BY_CALLER"),
        (b"<e>1</e>", "the document"),
    ):
        signed = sign_smev(document, key(CHAIRS[0]))
        verified = verify_xmldsig(signed, trust, at=NOON, profile=SMEV)
        assert verified.verdict.valid
        assert verified.verdict.signers[0].covers == covers


def test_place_of_a_smev_signature_that_is_taken_is_not_overwritten(key: Load) -> None:
    signed = sign_smev(MESSAGE.format("").encode(), key(CHAIRS[0]))

    with pytest.raises(MalformedMessage, match="taken"):
        sign_smev(signed, key(CHAIRS[0]))


# --- time --------------------------------------------------------------------------------------


def test_document_is_judged_as_of_a_moment(key: Load, trust: Trust) -> None:
    signer = key(CHAIRS[0])
    signed = sign_enveloped(DOCUMENT, signer)

    late = verify_xmldsig(signed, trust, at=signer.not_after + timedelta(days=1))
    early = verify_xmldsig(signed, trust, at=signer.not_before - timedelta(days=1))

    assert Fact.EXPIRED in facts(late)
    assert late.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED
    assert Fact.NOT_YET_VALID in facts(early)
