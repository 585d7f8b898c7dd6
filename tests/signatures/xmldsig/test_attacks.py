"""What is tried against signed documents: none of it may put words into a signer's mouth."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.signatures.algorithms import (
    GOST_256,
    GOST_512,
    MD5,
    RSA_SHA1,
    RSA_SHA256,
    SHA_1,
    STREEBOG_256,
    DigestAlgorithm,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends import Backend, Chooser, PublicKey, open_backend
from gateway.signatures.backends.pyca import Pyca
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
    sign_enveloped,
    verify_xmldsig,
)
from tests.signatures.conftest import NOON, Issue, Load
from tests.signatures.xmldsig.forging import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    Forgery,
    transform,
)
from tests.signatures.xmldsig.forging import SMEV as SMEV_TRANSFORM

CHAIR = "ru-clinic77-chair"
PART = (transform(EXCLUSIVE),)
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
C14N_11 = "http://www.w3.org/2006/12/xml-c14n11"


class Counting:
    """A backend that counts what it is asked."""

    def __init__(self, below: Backend) -> None:
        self._below, self.calls, self.digests, self.name = below, 0, 0, "counting"

    def supports(self, algorithm: SignatureAlgorithm) -> bool:
        return self._below.supports(algorithm)

    def digest(self, algorithm: DigestAlgorithm, content: bytes) -> bytes:
        self.calls += 1
        self.digests += 1
        return self._below.digest(algorithm, content)

    def load_public(self, spki: bytes) -> PublicKey:
        self.calls += 1
        return self._below.load_public(spki)

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        self.calls += 1
        return self._below.verify(key, algorithm, signature, content)


@pytest.fixture
def forge(key: Load) -> partial[Forgery]:
    return partial(Forgery, key(CHAIR))


@pytest.fixture
def judge(trust: Trust) -> partial[Verified]:
    return partial(verify_xmldsig, trust=trust, at=NOON)


def facts(verified: Verified) -> list[Fact]:
    """Return what was found; nothing but a valid document may show any of its bytes."""
    if not verified.verdict.valid:
        assert (verified.content, dict(verified.parts)) == (None, {})
    return [reason.fact for reason in verified.verdict.reasons]


def details(verified: Verified) -> str:
    assert facts(verified) == [Fact.STRUCTURE_FORBIDDEN]
    assert verified.verdict.outcome is Outcome.INVALID
    return verified.verdict.reasons[0].detail


def details_of_all(verified: Verified) -> set[str]:
    return {
        reason.detail
        for reason in verified.verdict.reasons
        if reason.fact is Fact.STRUCTURE_FORBIDDEN
    }


def found(verified: Verified) -> set[Fact]:
    return set(facts(verified)) - {Fact.NO_SIGNING_TIME, Fact.COMMENTS_NOT_SIGNED}


@pytest.mark.parametrize("name", [CHAIR, "ru-clinic77-chair-gost"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"uri": "#x", "transforms": PART},
        {"uri": "#x", "transforms": ()},
        {"transforms": (transform(ENVELOPED),)},
        {"transforms": (transform(ENVELOPED), transform(INCLUSIVE))},
        {"transforms": (transform(ENVELOPED), transform(f"{INCLUSIVE}#WithComments"))},
        {"transforms": (transform(ENVELOPED), transform(f"{EXCLUSIVE}WithComments"))},
        {"method": INCLUSIVE},
        {"method": f"{INCLUSIVE}#WithComments"},
        {"method": f"{EXCLUSIVE}WithComments"},
        {"attributes": ' Id="r" Type="t"'},
    ],
)
def test_forgery_with_nothing_wrong_is_valid(
    key: Load, judge: partial[Verified], name: str, changes: dict[str, object]
) -> None:
    verified = judge(Forgery(key(name)).but(**changes).write())

    assert found(verified) == set()
    assert verified.content is not None
    assert b">100<" in verified.content


# --- what was signed ---------------------------------------------------------------------------


def test_changed_document_is_noticed_and_not_given_back(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    assert found(judge(forge(replacements={">100<": ">900<"}).write())) == {Fact.DIGEST_MISMATCH}


def test_changed_signed_info_is_noticed(forge: partial[Forgery], judge: partial[Verified]) -> None:
    changed = forge(replacements={'<ds:Reference URI=""': '<ds:Reference URI="" Type="x"'})

    assert found(judge(changed.write())) == {Fact.SIGNATURE_BROKEN}


def test_digest_changed_to_fit_other_content_breaks_the_signature(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    other = forge(document=Forgery.document.replace("100", "900")).write()
    signature = etree.fromstring(forge().write()).findtext(f".//{{{DS}}}SignatureValue")
    theirs = etree.fromstring(other).findtext(f".//{{{DS}}}SignatureValue")
    assert signature is not None
    assert theirs is not None

    grafted = other.replace(theirs.encode(), signature.encode())

    assert found(judge(grafted)) == {Fact.SIGNATURE_BROKEN}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 100_000), octet=st.integers(0, 255))
def test_one_changed_octet_never_changes_what_is_read(
    forge: partial[Forgery], judge: partial[Verified], place: int, octet: int
) -> None:
    good = forge().write()
    document = bytearray(good)
    document[place % len(document)] = octet

    verified = judge(bytes(document))

    facts(verified)
    if verified.verdict.valid:
        assert verified.content == judge(good).content


@pytest.mark.parametrize("profile", [PLAIN, KZ, SMEV], ids=lambda profile: profile.name)
@pytest.mark.parametrize("detached", [None, b"content"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.binary(max_size=200))
def test_any_bytes_get_a_verdict(
    judge: partial[Verified], profile: Profile, detached: bytes | None, document: bytes
) -> None:
    assert not judge(document, profile=profile, detached=detached).verdict.valid


def test_document_without_a_signature_is_not_signed(judge: partial[Verified]) -> None:
    assert facts(judge(b"<a/>")) == [Fact.NOT_SIGNED]


# --- wrapping ----------------------------------------------------------------------------------

SIGNED = '<amount xmlns="urn:a" Id="x">100</amount>'
EVIL = '<amount xmlns="urn:a" Id="{}">900</amount>'


@pytest.mark.parametrize(
    ("document", "inside", "told"),
    [
        # The signed element is moved into an Object of the signature, an evil one stands there.
        (f"<a>{EVIL.format('y')}<SIGNATURE/></a>", f"<ds:Object>{SIGNED}</ds:Object>", "not built"),
        # Two elements answer to one id, under whatever name.
        (f"<a>{EVIL.format('x')}{SIGNED}<SIGNATURE/></a>", "", "2 instead of one"),
        (f'<a><b ID="x">900</b>{SIGNED}<SIGNATURE/></a>', "", "2 instead of one"),
        (f'<a><b id="x">900</b>{SIGNED}<SIGNATURE/></a>', "", "2 instead of one"),
        (f'<a><b xml:id="x">900</b>{SIGNED}<SIGNATURE/></a>', "", "2 instead of one"),
    ],
)
def test_wrapped_signature_is_refused(
    forge: partial[Forgery], judge: partial[Verified], document: str, inside: str, told: str
) -> None:
    octets = SIGNED.encode()
    forged = forge(document=document, inside=inside, uri="#x", transforms=PART, octets=octets)

    assert told in details(judge(forged.write()))


def test_moved_element_gives_only_what_was_signed(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    moved = forge(
        document=f"<a>{EVIL.format('y')}<w>{SIGNED}</w><SIGNATURE/></a>", uri="#x", transforms=PART
    )

    verified = judge(moved.write())

    assert verified.content == SIGNED.encode()
    assert verified.verdict.signers[0].covers == "#x"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        # A reference that does not say whether its signature stands inside of what it is over.
        ({"transforms": PART}, "whether its signature is inside"),
        ({"uri": "#x"}, "whether its signature is inside"),
        ({"uri": None}, "whether its signature is inside"),
        # One thing signed twice, and an empty one.
        ({"references": 2}, "two references name one thing"),
        ({"references": 0}, "not built"),
        ({"references": 9}, "more than 8 references"),
        ({"uri": "#y", "transforms": PART, "octets": b""}, "0 instead of one"),
    ],
)
def test_unclear_reference_is_refused(
    forge: partial[Forgery], judge: partial[Verified], changes: dict[str, object], told: str
) -> None:
    assert told in details(judge(forge(**changes).write()))


def test_second_signature_inside_what_is_signed_is_refused(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    two = forge(document='<a Id="x"><SIGNATURE/></a>').write().decode()
    signature = two[two.index("<ds:Signature ") : two.index("</a>")]

    assert "two signatures" in details(judge(two.replace("</a>", f"{signature}</a>").encode()))


def test_crowd_of_signatures_is_refused(forge: partial[Forgery], judge: partial[Verified]) -> None:
    one = forge().write().decode()
    signature = one[one.index("<ds:Signature ") : one.index("</a>")]

    assert "more than 16" in details(judge(one.replace("</a>", signature * 16 + "</a>").encode()))


def test_signature_inside_another_is_refused(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    nested = forge(inside=f'<ds:Signature xmlns:ds="{DS}"/>')

    assert "not built" in details(judge(nested.write()))


def test_peeled_signature_stands_in_the_root_alone(issue: Issue, trust: Trust) -> None:
    deep = Forgery(issue(), document="<a><b><SIGNATURE/></b></a>").write()

    assert "not in its place" in details(verify_xmldsig(deep, trust, at=NOON, profile=KZ))


def test_content_smuggled_between_two_signers_is_noticed(issue: Issue, trust: Trust) -> None:
    once = sign_enveloped(b"<a>1</a>", issue(), KZ)
    smuggled = once.replace(b"</a>", b"<evil/></a>")
    twice = sign_enveloped(smuggled, issue(), KZ)

    assert found(verify_xmldsig(twice, trust, at=NOON, profile=KZ)) == {Fact.DIGEST_MISMATCH}


@pytest.mark.parametrize(
    ("wrapper", "told"),
    [
        ("<a>{}<b/></a>", "not over the content beside"),
        ("<a><w>{}</w></a>", "not over the content beside"),
    ],
)
def test_detached_signatures_stand_alone(
    key: Load, judge: partial[Verified], wrapper: str, told: str
) -> None:
    signature = sign_detached(b"1", key(CHAIR)).decode()

    assert told in details(judge(wrapper.format(signature).encode(), detached=b"1"))


def test_enveloped_signature_is_not_shown_for_content_beside_it(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    for document in (forge().write(), forge(document="<a><SIGNATURE/></a>").write()):
        assert "not over the content beside" in details(judge(document, detached=b"1"))


def test_xml_beside_the_signature_may_be_canonicalised(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    signature = forge(
        document="<w><SIGNATURE/></w>", uri=None, transforms=PART, octets=b'<a b="1"></a>'
    ).write()

    good = judge(signature, detached=b"<a  b='1'/>")

    assert good.content == b'<a b="1"></a>'
    assert found(judge(signature, detached=b"<a  b='2'/>")) == {Fact.DIGEST_MISMATCH}
    assert found(judge(signature, detached=b"no xml")) == {Fact.STRUCTURE_FORBIDDEN}


@pytest.mark.parametrize("inside", ["1<SIGNATURE/>2", "<SIGNATURE/>2", "<z/><SIGNATURE/>2<z/>"])
def test_signature_taken_out_for_one_signer_is_back_for_the_next(
    key: Load, judge: partial[Verified], inside: str
) -> None:
    document = f'<a><P/><w Id="x"><y Id="y">{inside}</y></w></a>'
    inner = Forgery(key("ru-clinic77-member-1"), document=document, uri="#y").write().decode()

    outer = Forgery(
        key(CHAIR), document=inner.replace("<P/>", "<SIGNATURE/>"), uri="#x", transforms=PART
    ).write()

    verified = judge(outer)
    assert found(verified) == set()
    assert set(verified.parts) == {"#x", "#y"}
    assert b"Signature" in verified.parts["#x"]
    assert b"Signature" not in verified.parts["#y"]
    changed = judge(outer.replace(b">2<", b">3<"))
    assert found(changed) >= {Fact.DIGEST_MISMATCH}


# --- transforms, canonicalisation, references --------------------------------------------------


def listed(prefixes: str) -> str:
    return f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{prefixes}"/>'


@pytest.mark.parametrize(
    "transforms",
    [
        (transform(XPATH, "<ds:XPath>not(self::amount)</ds:XPath>"), transform(ENVELOPED)),
        (transform(ENVELOPED), transform("http://www.w3.org/2002/06/xmldsig-filter2")),
        (transform(XSLT), transform(ENVELOPED)),
        (transform(ENVELOPED), transform(f"{DS}base64")),
        (transform(ENVELOPED), transform(C14N_11)),
        (transform(ENVELOPED), transform(EXCLUSIVE), transform(SMEV_TRANSFORM)),
        (transform(EXCLUSIVE), transform(ENVELOPED)),
        (transform(ENVELOPED), transform(ENVELOPED)),
        (transform(ENVELOPED), transform(EXCLUSIVE), transform(EXCLUSIVE)),
        (transform(ENVELOPED, "<x/>"), transform(EXCLUSIVE)),
        (transform(ENVELOPED), transform(EXCLUSIVE, "<x/>")),
        (transform(ENVELOPED), transform(EXCLUSIVE, listed("a") * 2)),
        (transform(ENVELOPED), transform(INCLUSIVE, listed("a"))),
        (transform(ENVELOPED), transform(EXCLUSIVE, listed(" ".join("abcdefghijklmnopq")))),
        (f'<x xmlns="urn:x" Algorithm="{ENVELOPED}"/>',),
        (transform(""),),
    ],
)
def test_transform_that_is_not_admitted_is_refused(
    forge: partial[Forgery], judge: partial[Verified], transforms: tuple[str, ...]
) -> None:
    assert details(judge(forge(transforms=transforms).write()))


def test_profile_of_smev_wants_its_transform(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    assert "transform" in details(judge(forge().write(), profile=SMEV))


@pytest.mark.parametrize(
    "uri",
    ["http://evil/", "file:///etc/passwd", "other.xml", "beside", "#", "#xpointer(/)", "cid:1"],
)
def test_reference_never_leads_out_of_the_document(
    forge: partial[Forgery], judge: partial[Verified], uri: str
) -> None:
    assert details(judge(forge(uri=uri, octets=b"").write()))


@pytest.mark.parametrize(
    "changes",
    [
        {"method": C14N_11},
        {"method": ""},
        {"method": SMEV_TRANSFORM},
        {"method_inside": "<x/>"},
        {"algorithm_inside": "<ds:HMACOutputLength>8</ds:HMACOutputLength>"},
        {"attributes": ' Other="1"'},
        {"replacements": {"<ds:DigestValue>": "<ds:DigestValue>*"}},
        {"replacements": {"<ds:DigestValue>": "<ds:DigestValue><!-- x -->"}},
        {"replacements": {"<ds:KeyInfo>": "<ds:Object/><ds:KeyInfo>"}},
    ],
)
def test_signature_of_another_build_is_refused(
    forge: partial[Forgery], judge: partial[Verified], changes: dict[str, object]
) -> None:
    assert details(judge(forge(**changes).write()))


def test_carriage_returns_in_base64_are_read(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    message = forge(replacements={"<ds:X509Certificate>": "<ds:X509Certificate>&#13;\n"}).write()

    assert found(judge(message.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>&#13;\n"))) == (
        set()
    )


# --- comments, entities, floods ----------------------------------------------------------------


def test_comment_does_not_cut_what_is_read(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    verified = judge(forge(replacements={">100<": ">1<!-- x -->00<"}).write())

    assert facts(verified) == [Fact.NO_SIGNING_TIME, Fact.COMMENTS_NOT_SIGNED]
    assert verified.content is not None
    assert etree.fromstring(verified.content).findtext("{urn:a}amount") == "100"


def test_mark_of_a_comment_in_a_text_is_no_comment(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    document = '<a xmlns="urn:a"><b><![CDATA[<!-- -->]]></b><SIGNATURE/></a>'

    assert facts(judge(forge(document=document).write())) == [Fact.NO_SIGNING_TIME]


@pytest.mark.parametrize(
    ("prologue", "change"),
    [
        ("<!DOCTYPE a>", {}),
        ('<!DOCTYPE a [<!ENTITY e "900">]>', {">100<": ">&e;<"}),
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>', {">100<": ">&e;<"}),
        ("<?xml version='1.0' encoding='windows-1251'?>", {}),
        ("<?xml version='1.0' encoding='utf-16'?>", {}),
    ],
)
def test_entities_document_types_and_other_encodings_are_refused(
    forge: partial[Forgery], judge: partial[Verified], prologue: str, change: dict[str, str]
) -> None:
    assert details(judge(forge(prologue=prologue, replacements=change).write()))


@pytest.mark.parametrize(("count", "told"), [(65, "in one place"), (513, "declarations")])
@pytest.mark.parametrize("profile", [PLAIN, KZ, SMEV], ids=lambda profile: profile.name)
def test_flood_of_namespaces_is_refused_before_anything_is_canonicalised(
    forge: partial[Forgery], trust: Trust, count: int, told: str, profile: Profile
) -> None:
    backend = Counting(open_backend())
    crowd = " ".join(f'xmlns:p{number}="urn:{number}"' for number in range(count))
    flood = forge(document=f"<a {crowd}>{'<b/>' * 3000}<SIGNATURE/></a>").write()
    watched = replace(trust, backend=backend)  # type: ignore[arg-type] # what verifying needs

    assert told in details(verify_xmldsig(flood, watched, at=NOON, profile=profile))
    assert backend.calls == 0


@pytest.mark.parametrize("times", [1, 16])
def test_references_that_lie_in_each_other_are_refused_before_anything_is_canonicalised(
    forge: partial[Forgery], trust: Trust, times: int
) -> None:
    backend, filler = Counting(open_backend()), "<b>text</b>" * 250_000
    opened = "".join(f'<n Id="n{number}">' for number in range(8))
    one = forge(uri="#n0", transforms=PART, octets=b"").write().decode()
    signature = one[one.index("<ds:Signature") : one.index("</a>")]
    start, end = signature.index("<ds:Reference"), signature.index("</ds:SignedInfo>")
    eight = "".join(signature[start:end].replace("#n0", f"#n{number}") for number in range(8))
    signature = signature[:start] + eight + signature[end:]
    nested = f"<a>{opened}{filler}{'</n>' * 8}{signature * times}</a>".encode()
    watched = replace(trust, backend=backend)  # type: ignore[arg-type] # what verifying needs

    told = details(verify_xmldsig(nested, watched, at=NOON))

    assert told == "the same octets are signed too often for their size"
    assert backend.calls == 0


def test_content_beside_is_not_made_canonical_again_and_again(
    forge: partial[Forgery], trust: Trust
) -> None:
    backend, content = Counting(open_backend()), b"<c>" + b"<b>text</b>" * 120_000 + b"</c>"
    document = f"<a>{'<SIGNATURE/>' * 16}</a>"
    watched = replace(trust, backend=backend)  # type: ignore[arg-type] # what verifying needs

    crowd = forge(document=document, uri=None, transforms=PART, octets=b"").write()
    plain = forge(document=document, uri=None, transforms=(), octets=content).write()

    told = details(verify_xmldsig(crowd, watched, at=NOON, detached=content))
    assert told == "the same octets are signed too often for their size"
    assert backend.calls == 0
    assert verify_xmldsig(plain, watched, at=NOON, detached=content).verdict.valid


def test_long_namespace_that_is_written_again_and_again_is_given_up(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    name = "urn:" + "n" * 50_000
    flood = f'<a xmlns:n="{name}">{"<n:b/>" * 2000}<SIGNATURE/></a>'
    bomb = forge(document=flood, octets=b"")  # a hundred megabytes out of seventy kilobytes
    twice = forge(document=flood.replace("<n:b", '<n:b Id="x"', 1), uri="#x", transforms=PART)

    assert details_of_all(judge(bomb.write())) == {"the canonical form is too long"}
    assert judge(twice.write()).verdict.valid


def test_long_namespace_in_signed_info_is_given_up_at_once(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    def swollen(length: int) -> bytes:
        name = "n" * length
        return forge(
            document=f'<a xmlns:n="urn:{name}"><SIGNATURE/></a>',
            method_inside=f'<e:InclusiveNamespaces xmlns:e="{EXCLUSIVE}" PrefixList="n"/>',
        ).write()

    assert found(judge(swollen(1000))) == {Fact.SIGNATURE_BROKEN}  # the forger knows no prefixes
    assert details_of_all(judge(swollen(2**18))) == {"the canonical form is too long"}


def test_references_of_a_broken_signature_are_not_looked_at(
    forge: partial[Forgery], trust: Trust
) -> None:
    digests = []
    for changes in ({}, {"octets": b"other"}, {"value": b"junk"}):
        backend = Counting(open_backend())
        watched = replace(trust, backend=backend)  # type: ignore[arg-type] # what verifying needs
        verified = verify_xmldsig(forge(**changes).write(), watched, at=NOON)
        digests.append((found(verified), backend.digests))

    assert digests == [
        (set(), 1),
        ({Fact.DIGEST_MISMATCH}, 1),
        ({Fact.SIGNATURE_BROKEN}, 0),
    ]


def test_counting_backend_counts(forge: partial[Forgery], trust: Trust) -> None:
    backend = Counting(open_backend())
    watched = replace(trust, backend=backend)  # type: ignore[arg-type] # what verifying needs

    assert verify_xmldsig(forge().write(), watched, at=NOON).verdict.valid
    assert backend.calls > 0


def test_namespace_without_canonical_form_is_refused(
    forge: partial[Forgery], judge: partial[Verified]
) -> None:
    relative = forge(replacements={'xmlns="urn:a"': 'xmlns="relative"'})

    assert found(judge(relative.write())) == {Fact.STRUCTURE_FORBIDDEN}


# --- algorithms --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"algorithm": f"{DS}hmac-sha1"}, Fact.ALGORITHM_UNKNOWN),
        (
            {"algorithm": "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"},
            Fact.ALGORITHM_UNKNOWN,
        ),
        ({"algorithm": f"{DS}dsa-sha1"}, Fact.ALGORITHM_UNKNOWN),
        ({"algorithm": RSA_SHA1.uri}, Fact.ALGORITHM_FORBIDDEN),
        ({"algorithm": GOST_256.uri}, Fact.ALGORITHMS_MIXED),
        ({"digest_uri": "urn:crc32"}, Fact.ALGORITHM_UNKNOWN),
        ({"digest": STREEBOG_256}, Fact.ALGORITHMS_MIXED),
        ({"digest_uri": SHA_1.uri}, Fact.ALGORITHM_FORBIDDEN),
        ({"digest_uri": MD5.uri}, Fact.ALGORITHM_FORBIDDEN),
    ],
)
def test_forbidden_unknown_and_mixed_algorithms_are_refused(
    forge: partial[Forgery], judge: partial[Verified], changes: dict[str, object], fact: Fact
) -> None:
    verified = judge(forge(**changes).write())

    assert fact in facts(verified)
    assert verified.verdict.outcome is Outcome.INVALID


def test_key_of_another_family_is_told(issue: Issue, judge: partial[Verified]) -> None:
    document = Forgery(issue(family=Family.EC), algorithm=RSA_SHA256.uri).write()

    assert found(judge(document)) == {Fact.ALGORITHMS_MIXED, Fact.SIGNATURE_BROKEN}


def test_hmac_with_the_public_key_as_its_secret_is_no_signature(
    key: Load, judge: partial[Verified]
) -> None:
    signer = key(CHAIR)
    uri = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
    document = Forgery(signer, algorithm=uri).write()
    info = etree.fromstring(document).find(f".//{{{DS}}}SignedInfo")
    assert info is not None
    octets = etree.tostring(info, method="c14n", exclusive=True)
    value = hmac.new(signer.certificate.spki, octets, hashlib.sha256).digest()

    verified = judge(Forgery(signer, algorithm=uri, value=value).write())

    assert found(verified) == {Fact.ALGORITHM_UNKNOWN}
    assert verified.verdict.outcome is Outcome.INVALID


def test_algorithm_of_the_other_country_is_not_admitted(
    key: Load, issue: Issue, trust: Trust
) -> None:
    russian = Forgery(key("ru-clinic77-chair-gost")).write()
    kazakh = Forgery(issue(family=Family.GOST_512_KZ)).write()

    for document, profile in ((russian, KZ), (kazakh, PLAIN), (kazakh, SMEV)):
        verified = verify_xmldsig(
            document, trust, at=NOON, profile=replace(profile, rules=PLAIN.rules)
        )
        assert found(verified) == {Fact.ALGORITHM_FORBIDDEN}


# --- octets of a signature ---------------------------------------------------------------------


def halves(value: bytes) -> tuple[bytes, bytes]:
    return value[: len(value) // 2], value[len(value) // 2 :]


def swapped(value: bytes) -> bytes:
    first, second = halves(value)
    return second + first


def each_turned(value: bytes) -> bytes:
    first, second = halves(value)
    return first[::-1] + second[::-1]


def value_of(document: bytes) -> bytes:
    text = etree.fromstring(document).findtext(f".//{{{DS}}}SignatureValue")
    assert text is not None
    return base64.b64decode(text)


def with_value(document: bytes, value: bytes) -> bytes:
    old, new = (base64.b64encode(each) for each in (value_of(document), value))
    assert old in document
    return document.replace(old, new)


@pytest.mark.parametrize(
    "family", [Family.EC, Family.GOST_256, Family.GOST_512, Family.GOST_512_KZ]
)
@pytest.mark.parametrize(
    "turn", [swapped, each_turned, lambda value: value[::-1], lambda value: value + b"\0",
             lambda value: b"\0" + value, lambda value: value[:-1]],
    ids=["swapped", "each-turned", "reversed", "longer", "led", "shorter"],
)  # fmt: skip
def test_signature_octets_in_any_other_order_do_not_verify(
    issue: Issue, trust: Trust, family: Family, turn: partial[bytes]
) -> None:
    profile = KZ if family is Family.GOST_512_KZ else PLAIN
    document = sign_enveloped(b"<a/>", issue(family=family), profile)
    good = value_of(document)

    assert verify_xmldsig(document, trust, at=NOON, profile=profile).verdict.valid
    turned = with_value(document, turn(good))
    assert found(verify_xmldsig(turned, trust, at=NOON, profile=profile)) == {Fact.SIGNATURE_BROKEN}


def test_kz_signature_in_russian_octet_order_does_not_verify(issue: Issue, trust: Trust) -> None:
    signer = issue(family=Family.GOST_512_KZ)
    document = sign_enveloped(b"<a/>", signer, KZ)
    russian = value_of(document)[::-1]

    verified = verify_xmldsig(with_value(document, russian), trust, at=NOON, profile=KZ)

    assert found(verified) == {Fact.SIGNATURE_BROKEN}


def test_russian_signature_in_kz_octet_order_does_not_verify(issue: Issue, trust: Trust) -> None:
    document = sign_enveloped(b"<a/>", issue(family=Family.GOST_512))
    kazakh = value_of(document)[::-1]

    assert found(verify_xmldsig(with_value(document, kazakh), trust, at=NOON)) == {
        Fact.SIGNATURE_BROKEN
    }


def test_key_of_kazakhstan_under_russian_names_does_not_verify(issue: Issue, trust: Trust) -> None:
    document = Forgery(issue(family=Family.GOST_512_KZ), algorithm=GOST_512.uri).write()

    assert Fact.SIGNATURE_BROKEN in found(verify_xmldsig(document, trust, at=NOON))


# --- who ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("stranger-organization", Fact.CHAIN_NOT_FOUND),
        ("ru-revoked", Fact.REVOKED),
        ("ru-expired", Fact.EXPIRED),
        ("ru-not-yet-valid", Fact.NOT_YET_VALID),
        ("ru-wrong-usage", Fact.CERTIFICATE_UNFIT),
        ("ru-client-auth-only", Fact.CERTIFICATE_UNFIT),
        ("ru-weak", Fact.KEY_TOO_SHORT),
    ],
)
def test_broken_signers_of_the_test_pki_are_turned_away(
    key: Load, judge: partial[Verified], name: str, fact: Fact
) -> None:
    assert fact in found(judge(sign_enveloped(b"<a/>", key(name))))


def test_stolen_certificate_without_its_key_signs_nothing(
    key: Load, judge: partial[Verified]
) -> None:
    thief = replace(key("stranger-organization"), certificate=key(CHAIR).certificate)

    assert found(judge(sign_enveloped(b"<a/>", thief))) == {Fact.SIGNATURE_BROKEN}


def test_only_the_first_certificate_is_the_signers(key: Load, judge: partial[Verified]) -> None:
    chair = base64.b64encode(key(CHAIR).certificate.der).decode()
    stranger = key("stranger-organization")
    both = "".join(
        f"<ds:X509Certificate>{each}</ds:X509Certificate>" for each in (chair, "CERTIFICATE")
    )

    verified = judge(Forgery(stranger, key_info=f"<ds:X509Data>{both}</ds:X509Data>").write())

    assert found(verified) == {Fact.SIGNATURE_BROKEN}


@pytest.mark.parametrize(
    ("key_info", "fact"),
    [
        ("", Fact.CERTIFICATE_MISSING),
        ("<ds:KeyName>chair</ds:KeyName>", Fact.CERTIFICATE_MISSING),
        ("<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>", Fact.CERTIFICATE_MISSING),
        ('<ds:RetrievalMethod URI="http://evil/"/>', Fact.CERTIFICATE_MISSING),
        ("<ds:X509Data/>", Fact.CERTIFICATE_MISSING),
        (Forgery.key_info * 2, Fact.MALFORMED),
        (
            "<ds:X509Data>"
            + "<ds:X509Certificate>AAAA</ds:X509Certificate>" * 9
            + "</ds:X509Data>",
            Fact.MALFORMED,
        ),
        (
            "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>",
            Fact.MALFORMED,
        ),
        ("<ds:X509Data><ds:X509Certificate>*</ds:X509Certificate></ds:X509Data>", Fact.MALFORMED),
    ],
)
def test_key_info_without_one_readable_certificate_is_no_signer(
    forge: partial[Forgery], judge: partial[Verified], key_info: str, fact: Fact
) -> None:
    verified = judge(forge(key_info=key_info).write())

    assert found(verified) == {fact}
    assert verified.verdict.signers[0].subject == ""


def test_without_a_backend_a_gost_document_is_unchecked(key: Load, trust: Trust) -> None:
    document = sign_enveloped(b"<a/>", key("ru-clinic77-chair-gost"))
    poor = replace(trust, backend=Chooser([Pyca()]))

    verified = verify_xmldsig(document, poor, at=NOON)

    assert Fact.BACKEND_MISSING in facts(verified)
    assert verified.verdict.outcome is Outcome.COULD_NOT_BE_CHECKED


def test_broken_digest_outranks_every_doubt_about_the_certificate(
    key: Load, judge: partial[Verified]
) -> None:
    forged = Forgery(key("stranger-organization"), replacements={">100<": ">900<"})

    verified = judge(forged.write())

    assert found(verified) == {Fact.DIGEST_MISMATCH, Fact.CHAIN_NOT_FOUND}
    assert verified.verdict.outcome is Outcome.INVALID
