"""Signature wrapping and its relatives: none may put words into a partner's mouth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import SettingError
from gateway.signatures.algorithms import (
    ALLOWED,
    GOST_256,
    MD5,
    RSA_SHA1,
    RSA_SHA256,
    SHA_1,
    STREEBOG_256,
    Family,
)
from gateway.signatures.backends import Chooser
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.chain import Trust
from gateway.signatures.reasons import Fact
from gateway.signatures.testpki import expiries
from gateway.signatures.verdict import Outcome
from gateway.signatures.wss import Partner, VerifiedEnvelope, verify_envelope
from tests.signatures.conftest import DAY, NOON, Issue, Load
from tests.signatures.wss.forging import DS, ENVELOPED, EXCLUSIVE, PLAIN, SOAP_12, WSA, Forgery

MINUTE = timedelta(minutes=1)
BODY = '<s:Body wsu:Id="b"><m:notice xmlns:m="urn:m">1</m:notice></s:Body>'
EVIL = '<s:Body wsu:Id="b"><m:notice xmlns:m="urn:m">2</m:notice></s:Body>'
TIMES = "<wsu:Created>{}</wsu:Created><wsu:Expires>{}</wsu:Expires>"
FROM, UNTIL = "2026-06-15T12:00:00Z", "2026-06-15T12:10:00Z"


@pytest.fixture
def forge(key: Load) -> partial[Forgery]:
    return partial(Forgery, key("remd-partner"), NOON)


@pytest.fixture
def partner(pki: Path, trust: Trust) -> Partner:
    return Partner(
        name="remd",
        pins=frozenset(
            certificate.sha256
            for name, certificate in expiries(pki)
            if name.startswith("remd-partner")
        ),
        trust=trust,
    )


@pytest.fixture
def judge(partner: Partner) -> partial[VerifiedEnvelope]:
    return partial(verify_envelope, partner=partner, at=NOON)


def facts(envelope: VerifiedEnvelope) -> list[Fact]:
    """Return what was found; nothing but a valid envelope may show any of its bytes."""
    if not envelope.verdict.valid:
        assert (envelope.body, envelope.headers, envelope.created) == (b"", {}, None)
    return [reason.fact for reason in envelope.verdict.reasons]


def details(envelope: VerifiedEnvelope) -> str:
    assert facts(envelope) == [Fact.STRUCTURE_FORBIDDEN]
    assert envelope.verdict.outcome is Outcome.INVALID
    return envelope.verdict.reasons[0].detail


@pytest.mark.parametrize("name", ["remd-partner", "remd-partner-gost"])
@pytest.mark.parametrize("version", [Forgery.soap, SOAP_12])
def test_forgery_with_nothing_wrong_is_valid(
    key: Load, judge: partial[VerifiedEnvelope], name: str, version: str
) -> None:
    envelope = judge(Forgery(key(name), NOON, soap=version).write())

    assert facts(envelope) == []
    assert b">1</m:notice>" in envelope.body
    assert envelope.addressing("MessageID") == "urn:uuid:1"
    assert (envelope.created, envelope.expires) == (NOON, NOON + 10 * MINUTE)
    assert envelope.soap == version


# --- what was signed ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{">1</m:notice>": ">2</m:notice>"}, {"urn:uuid:1": "urn:uuid:2"}, {":10:00Z": ":11:00Z"}],
)
def test_changed_part_is_noticed(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], change: dict[str, str]
) -> None:
    assert Fact.DIGEST_MISMATCH in facts(judge(forge(replacements=change).write()))


def test_damaged_signature_is_noticed(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    swapped = {"<ds:SignatureValue>": "<ds:SignatureValue>AAAA"}
    other_method = {'<ds:Reference URI="#t">': '<ds:Reference URI="#t" Type="x">'}

    for change in (swapped, other_method):
        assert facts(judge(forge(replacements=change).write())) == [Fact.SIGNATURE_BROKEN]


# --- wrapping ----------------------------------------------------------------------------------


WRAPPED = f"<x:Wrapper>{BODY}</x:Wrapper>"
OTHER = EVIL.replace('"b"', '"evil"')


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        # The signed body is moved into a header, an evil one takes its place.
        ({"headers": WRAPPED, "body": OTHER, "signed": ("b", "t")}, "not in its place"),
        # … or into the Security header, the Signature, behind the Body, into the Body.
        ({"inside": WRAPPED, "body": OTHER, "signed": ("b", "t")}, "not in its place"),
        ({"outside": BODY, "body": OTHER}, "one Header and one Body"),
        ({"outside": WRAPPED, "body": OTHER}, "one Header and one Body"),
        (
            {"body": f'<s:Body wsu:Id="evil">{WRAPPED}</s:Body>', "signed": ("b", "t")},
            "not in its place",
        ),
        # Two bodies, a body before the header, a second header.
        ({"outside": OTHER}, "one Header and one Body"),
        ({"outside": "<s:Header/>"}, "one Header and one Body"),
        # Two elements answer to one id, under whatever name.
        ({"headers": f"<x:W>{BODY}</x:W>", "signed": ("b", "t")}, "an Id comes twice"),
        ({"headers": '<x:W Id="b"/>', "signed": ("b", "t")}, "2 instead of one"),
        ({"headers": '<x:W ID="b"/>', "signed": ("b", "t")}, "2 instead of one"),
        ({"headers": '<x:W id="b"/>', "signed": ("b", "t")}, "2 instead of one"),
        ({"headers": '<x:W xml:id="b"/>', "signed": ("b", "t")}, "2 instead of one"),
        (
            {
                "headers": '<x:W xml:id="m"/><x:W id="z"/>',
                "replacements": {' id="z"': ' xml:id="m"'},
            },
            "not well-formed",
        ),
        # The Signature signs itself, its Security header, or nothing that is there.
        ({"security": 'wsu:Id="sec"', "signed": ("b", "t", "sec")}, "not in its place"),
        ({"signed": ("b", "t", "nothing")}, "0 instead of one"),
        ({"signed": ("b", "t", "b")}, "two references name one element"),
        # Two messages in one envelope.
        (
            {"headers": Forgery.headers + "<wsa:MessageID>2</wsa:MessageID>"},
            "MessageID comes twice",
        ),
        (
            {"headers": '<x:W wsu:Id="m">1</x:W><x:W wsu:Id="n">2</x:W>', "signed": (*"btmn",)},
            "two signed headers have one name",
        ),
    ],
)
def test_wrapped_signature_is_refused(
    forge: partial[Forgery],
    judge: partial[VerifiedEnvelope],
    changes: dict[str, object],
    told: str,
) -> None:
    assert told in details(judge(forge(**changes).write()))


def test_other_parts_of_the_security_header_may_be_signed_too(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    envelope = judge(forge(signed=("b", "t", "m", "k")).write())

    assert facts(envelope) == []
    assert list(envelope.headers) == [f"{{{WSA}}}MessageID"]


def test_unsigned_header_cannot_be_read(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    headers = Forgery.headers + "<wsa:Action>evil</wsa:Action><x:W>evil</x:W>"

    envelope = judge(forge(headers=headers).write())

    assert facts(envelope) == []
    assert envelope.addressing("Action") == ""
    assert b"evil" not in b"".join(envelope.headers.values())


@pytest.mark.parametrize(
    ("signed", "missing"),
    [(("b", "m"), "Timestamp"), (("t", "m"), "Body"), (("b", "t"), "MessageID")],
)
def test_body_timestamp_and_what_the_partner_must_sign_are_covered(
    forge: partial[Forgery], partner: Partner, signed: tuple[str, ...], missing: str
) -> None:
    strict = replace(partner, required_headers=frozenset({"MessageID"}))

    envelope = verify_envelope(forge(signed=signed).write(), partner=strict, at=NOON)

    assert facts(envelope) == [Fact.NOT_COVERED]
    assert envelope.verdict.reasons[0].detail == missing


@pytest.mark.parametrize(
    "changes",
    [
        {"replacements": {"wsse:Security": "x:Security"}},
        {"security": 's:actor="urn:somebody-else"'},
        {"replacements": {"ds:Signature>": "x:Signature>"}},
        {"inside": "<ds:Signature/>"},
        {"inside": '<wsu:Timestamp wsu:Id="t2"/>'},
        {"headers": "<wsse:Security/>", "signed": ("b", "t")},
        {"replacements": {"s:Envelope": "x:Envelope"}},
        {"soap": "urn:soap"},
    ],
)
def test_what_is_not_one_signed_envelope_is_refused(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], changes: dict[str, object]
) -> None:
    assert details(judge(forge(**changes).write()))


def test_security_header_for_somebody_else_is_left_alone(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    other = '<wsse:Security s:actor="urn:somebody-else" s:mustUnderstand="1"/>'

    envelope = judge(forge(headers=Forgery.headers + other).write())

    assert facts(envelope) == []
    assert envelope.must_understand == frozenset()


def test_headers_that_demand_to_be_understood_are_named(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    demanding = '<x:W s:mustUnderstand="1"/><x:V s:mustUnderstand="0"/>'

    envelope = judge(forge(headers=Forgery.headers + demanding).write())

    assert envelope.must_understand == {"{urn:x}W"}


# --- transforms, canonicalisation, references --------------------------------------------------


def transform(algorithm: str, inside: str = "") -> str:
    return f'<ds:Transform Algorithm="{algorithm}">{inside}</ds:Transform>'


def inclusive(prefixes: str) -> str:
    return f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{prefixes}"/>'


XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


@pytest.mark.parametrize(
    "transforms",
    [
        (),
        (transform(XPATH, "<ds:XPath>not(self::amount)</ds:XPath>"), *PLAIN),
        (transform("http://www.w3.org/TR/1999/REC-xslt-19991116"), *PLAIN),
        (transform(f"{DS}base64"), *PLAIN),
        (transform(INCLUSIVE),),
        (transform(f"{EXCLUSIVE}WithComments"),),
        (*PLAIN, *PLAIN),
        (*PLAIN, transform(ENVELOPED)),
        (transform(ENVELOPED),),
        (f'<x:Transform Algorithm="{EXCLUSIVE}"/>',),
        (transform(EXCLUSIVE, "<x:Parameter/>"),),
        (transform(EXCLUSIVE, inclusive("s") * 2),),
        (transform(EXCLUSIVE, inclusive(" ".join(f"p{n}" for n in range(17)))),),
    ],
)
def test_transform_that_is_not_admitted_is_refused(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], transforms: tuple[str, ...]
) -> None:
    assert details(judge(forge(transforms=transforms).write()))


def test_prefix_list_and_enveloped_transform_are_read_as_partners_write_them(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    listed = transform(EXCLUSIVE, inclusive("x wsa"))
    method = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}">{inclusive("x wsa")}'

    envelope = judge(
        forge(
            transforms=(transform(ENVELOPED), listed),
            canonicalisation=f"{method}</ds:CanonicalizationMethod>",
            prefixes=("x", "wsa"),
        ).write()
    )

    assert facts(envelope) == []
    assert b'xmlns:x="urn:x"' in envelope.body


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": "#xpointer(id('{}'))"},
        {"replacements": {'URI="#b"': 'URI="#b" x:y="z"'}},
        {"signed": ()},
        {"signed": tuple("btmefghij"), "headers": "".join(
            f'<x:W{n} wsu:Id="{n}"/>' for n in "mefghij")},
        {"canonicalisation": f'<ds:CanonicalizationMethod Algorithm="{INCLUSIVE}"/>'},
        {"canonicalisation": ""},
        {"method": f'<ds:SignatureMethod Algorithm="{RSA_SHA256.uri}">'
                   "<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"},
        {"replacements": {"<ds:SignatureValue>": "<ds:Object/><ds:SignatureValue>"}},
        {"replacements": {"<ds:DigestValue>": "<ds:DigestValue>*"}},
        {"replacements": {"<ds:DigestValue>": "<ds:DigestValue><x:y/>"}},
        {"key_info": '<wsse:Reference URI="#elsewhere"/>'},
        {"key_info": "<wsse:KeyIdentifier>AAAA</wsse:KeyIdentifier>"},
        {"token_type": "urn:a-pkcs7-heap"},
    ],
)  # fmt: skip
def test_reference_key_or_method_of_another_kind_is_refused(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], changes: dict[str, object]
) -> None:
    assert details(judge(forge(**changes).write()))


@pytest.mark.parametrize("uri", ["http://evil/{}", "cid:{}", "", "#", "beside", "part"])
def test_reference_never_leads_out_of_the_envelope(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], uri: str
) -> None:
    assert "leads out of what may be signed" in details(judge(forge(uri=uri).write()))


def test_namespace_without_canonical_form_is_refused(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    relative = forge(replacements={"urn:m": "relative"})

    assert "canonical form" in details(judge(relative.write()))


# --- algorithms --------------------------------------------------------------------------------


def test_sha_1_is_refused_unless_the_partner_is_allowed_it_and_then_remarked_upon(
    key: Load, partner: Partner
) -> None:
    old = replace(key("remd-partner"), algorithm=RSA_SHA1)
    message = Forgery(old, NOON).write()
    lenient = replace(partner, allowed=ALLOWED | {RSA_SHA1})

    refused = verify_envelope(message, partner=partner, at=NOON)
    admitted = verify_envelope(message, partner=lenient, at=NOON)

    assert Fact.ALGORITHM_FORBIDDEN in facts(refused)
    assert facts(admitted) == [Fact.LEGACY_ADMITTED, Fact.LEGACY_ADMITTED]
    assert admitted.verdict.valid
    assert admitted.body


@pytest.mark.parametrize("digest", [SHA_1, MD5])
def test_weak_digest_under_a_good_signature_is_refused(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], digest: object
) -> None:
    assert Fact.ALGORITHM_FORBIDDEN in facts(judge(forge(digest=digest).write()))


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"signature_uri": f"{DS}hmac-sha1"}, Fact.ALGORITHM_UNKNOWN),
        ({"signature_uri": f"{DS}dsa-sha1"}, Fact.ALGORITHM_UNKNOWN),
        ({"digest_uri": "urn:crc32"}, Fact.ALGORITHM_UNKNOWN),
        ({"digest": STREEBOG_256}, Fact.ALGORITHMS_MIXED),
        ({"signature_uri": GOST_256.uri}, Fact.ALGORITHMS_MIXED),
    ],
)
def test_unknown_and_mixed_algorithms_are_refused(
    forge: partial[Forgery],
    judge: partial[VerifiedEnvelope],
    changes: dict[str, object],
    fact: Fact,
) -> None:
    assert fact in facts(judge(forge(**changes).write()))


def test_without_a_backend_a_gost_envelope_is_unchecked_and_shows_nothing(
    key: Load, judge: partial[VerifiedEnvelope]
) -> None:
    message = Forgery(key("remd-partner-gost"), NOON).write()

    envelope = judge(message, backend=Chooser([Pyca()]))

    assert Fact.BACKEND_MISSING in facts(envelope)
    assert not envelope.verdict.valid


# --- bytes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prologue", "change"),
    [
        ("<!DOCTYPE s:Envelope>", {}),
        ('<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]>', {">1<": ">&a;<"}),
        ("", {">1<": ">1<!-- x -->00<"}),
        ("<?xml-stylesheet href='x'?>", {}),
        ("", {">1<": ">1<?pi?><"}),
        ("\ufeff<?xml version='1.0' encoding='windows-1251'?>", {}),
    ],
)
def test_document_types_comments_and_instructions_are_refused(
    forge: partial[Forgery],
    judge: partial[VerifiedEnvelope],
    prologue: str,
    change: dict[str, str],
) -> None:
    message = forge(prologue=prologue, replacements=change).write()

    assert details(judge(message))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"<",
        b"\xff\xfe<\0",
        "<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"),
        b"<a>\xd0</a>",
        b"<a>" * 300 + b"</a>" * 300,
        b"<a " + b" ".join(b'xmlns:p%d="urn:%d"' % (n, n) for n in range(513)) + b"/>",
        b"<a " + b" ".join(b'xmlns:p%d="urn:%d"' % (n, n) for n in range(65)) + b"/>",
        b"<a " + b" ".join(b'xmlns:p%d="urn:%d"' % (n, n) for n in range(64)) + b"/><xmlns",
        b"<a>" + b"<b xmlns='urn:b'/>" * 100 + b"</a>",
    ],
)
def test_hostile_bytes_are_refused_before_anything_is_canonicalised(
    judge: partial[VerifiedEnvelope], message: bytes
) -> None:
    assert details(judge(message))


@pytest.mark.parametrize(
    ("count", "told"), [(65, "namespaces in one place"), (513, "namespace declarations")]
)
def test_crowd_of_namespaces_is_refused_for_what_it_costs(
    judge: partial[VerifiedEnvelope], count: int, told: str
) -> None:
    crowd = " ".join(f'xmlns:p{number}="urn:{number}"' for number in range(count))

    assert told in details(judge(f"<a {crowd}/>".encode()))


def test_envelope_of_any_size_is_not_read(judge: partial[VerifiedEnvelope]) -> None:
    assert "more than" in details(judge(bytes(64 * 2**20 + 1)))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 100_000), octet=st.integers(0, 255))
def test_one_changed_octet_never_changes_what_is_read(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], place: int, octet: int
) -> None:
    good = forge().write()
    message = bytearray(good)
    message[place % len(message)] = octet

    envelope = judge(bytes(message))

    facts(envelope)
    if envelope.verdict.valid:
        assert (envelope.body, envelope.headers) == (judge(good).body, judge(good).headers)


@given(message=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_get_a_verdict(judge: partial[VerifiedEnvelope], message: bytes) -> None:
    assert not judge(message).verdict.valid


# --- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "found"), [(-6, [Fact.STALE]), (-5, []), (14, []), (15, [Fact.STALE])]
)
def test_message_is_good_for_its_life_and_the_skew(
    forge: partial[Forgery], partner: Partner, minutes: int, found: list[Fact]
) -> None:
    at = NOON + minutes * MINUTE

    assert facts(verify_envelope(forge().write(), partner=partner, at=at)) == found


@pytest.mark.parametrize(
    ("inside", "fact"),
    [
        ("", Fact.STRUCTURE_FORBIDDEN),
        (f"<wsu:Created>{FROM}</wsu:Created>", Fact.STRUCTURE_FORBIDDEN),
        (
            TIMES.format(UNTIL, UNTIL) + f"<wsu:Expires>{UNTIL}</wsu:Expires>",
            Fact.STRUCTURE_FORBIDDEN,
        ),
        (TIMES.format("noon", UNTIL), Fact.STRUCTURE_FORBIDDEN),
        (TIMES.format("2026-06-15T12:00:00", UNTIL), Fact.STRUCTURE_FORBIDDEN),
        (TIMES.format("2026-06-31T12:00:00Z", UNTIL), Fact.STRUCTURE_FORBIDDEN),
        (TIMES.format(FROM, FROM), Fact.STALE),
        (TIMES.format(UNTIL, FROM), Fact.STALE),
        (TIMES.format(FROM, "2026-06-15T13:00:01Z"), Fact.STALE),
    ],
)
def test_timestamp_that_bounds_nothing_is_refused(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], inside: str, fact: Fact
) -> None:
    timestamp = f'<wsu:Timestamp wsu:Id="t">{inside}</wsu:Timestamp>'

    assert set(facts(judge(forge(timestamp=timestamp).write()))) == {fact}


@pytest.mark.parametrize(
    "created",
    ["2026-06-15T15:00:00+03:00", "2026-06-15T12:00:00.000Z", "2026-06-15T12:00:00.123456789Z"],
)
def test_moments_are_read_as_partners_write_them(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope], created: str
) -> None:
    timestamp = f'<wsu:Timestamp wsu:Id="t">{TIMES.format(created, UNTIL)}</wsu:Timestamp>'

    envelope = judge(forge(timestamp=timestamp).write())

    assert facts(envelope) == []
    assert envelope.created is not None
    assert envelope.created.replace(microsecond=0) == NOON


# --- who ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", "-gost"])
@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("stranger-partner", {Fact.PARTNER_UNKNOWN, Fact.CHAIN_NOT_FOUND}),
        ("gateway-transport", {Fact.PARTNER_UNKNOWN}),
        ("ru-revoked", {Fact.PARTNER_UNKNOWN, Fact.REVOKED}),
        ("ru-expired", {Fact.PARTNER_UNKNOWN, Fact.EXPIRED}),
        ("ru-not-yet-valid", {Fact.PARTNER_UNKNOWN, Fact.NOT_YET_VALID}),
        ("ru-wrong-usage", {Fact.PARTNER_UNKNOWN, Fact.CERTIFICATE_UNFIT}),
    ],
)
def test_token_only_selects_a_certificate_that_must_be_the_partners(
    key: Load, judge: partial[VerifiedEnvelope], name: str, suffix: str, found: set[Fact]
) -> None:
    assert set(facts(judge(Forgery(key(name + suffix), NOON).write()))) == found


def test_pinned_certificate_still_has_its_life(key: Load) -> None:
    signer = key("remd-partner")
    pinned = Partner(name="remd", pins=frozenset({signer.certificate.sha256}))

    for at, found in (
        (NOON, []),
        (signer.not_after + DAY, [Fact.EXPIRED]),
        (signer.not_before - DAY, [Fact.NOT_YET_VALID]),
    ):
        message = Forgery(signer, at).write()
        assert facts(verify_envelope(message, partner=pinned, at=at)) == found


def test_authority_alone_does_not_make_a_partner(key: Load, trust: Trust) -> None:
    message = Forgery(key("remd-partner"), NOON).write()
    ogrn = key("remd-partner").certificate.subject.ogrn
    known = Partner(name="remd", trust=trust, ogrn=ogrn)

    assert facts(verify_envelope(message, partner=known, at=NOON)) == []
    assert facts(verify_envelope(message, partner=replace(known, ogrn="1" * 13), at=NOON)) == [
        Fact.PARTNER_UNKNOWN
    ]
    for useless in ({}, {"trust": trust}, {"ogrn": ogrn}):
        with pytest.raises(SettingError):
            Partner(name="remd", **useless)


def test_token_that_is_no_certificate_is_malformed(
    forge: partial[Forgery], judge: partial[VerifiedEnvelope]
) -> None:
    envelope = judge(forge(token=b"no certificate").write())

    assert facts(envelope) == [Fact.MALFORMED]
    assert envelope.certificate is None


def test_stolen_certificate_without_its_key_signs_nothing(
    key: Load, judge: partial[VerifiedEnvelope]
) -> None:
    thief = replace(key("stranger-partner"), certificate=key("remd-partner").certificate)

    assert facts(judge(Forgery(thief, NOON).write())) == [Fact.SIGNATURE_BROKEN]


def test_ec_key_signs_envelopes_with_raw_octets(issue: Issue) -> None:
    signer = issue(family=Family.EC)
    pinned = Partner(name="remd", pins=frozenset({signer.certificate.sha256}))

    assert facts(verify_envelope(Forgery(signer, NOON).write(), partner=pinned, at=NOON)) == []
