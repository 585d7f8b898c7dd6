"""The transform of СМЭВ3, step by step, and on what a state system has signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.signatures.chain import Trust
from gateway.signatures.reasons import Fact
from gateway.signatures.xml.smev import transform
from gateway.signatures.xmldsig import SMEV, verify_xmldsig
from tests.signatures.conftest import NOON


def transformed(document: str) -> str:
    root = etree.fromstring(document.encode())
    return transform(etree.tostring(root, method="c14n", exclusive=True)).decode()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        # 1, 2: instructions and white space alone fall away, other white space stays.
        ("<?x?><a> \t\r\n<b> 1 </b><?y z='>'?>  </a>", "<a><b> 1 </b></a>"),
        ("<a>&#13;<b/>1&#13;2</a>", "<a><b></b>1&#xd;2</a>"),
        # 3: an empty element has two tags.
        ("<a/>", "<a></a>"),
        # 4 to 6: prefixes are counted in the order of need, declared where needed.
        ("<a xmlns='urn:a' xmlns:z='urn:z'/>", '<ns1:a xmlns:ns1="urn:a"></ns1:a>'),
        (
            "<p:a xmlns:p='urn:a'><q:b xmlns:q='urn:a'/><c xmlns='urn:c'/><c xmlns='urn:c'/></p:a>",
            (
                '<ns1:a xmlns:ns1="urn:a"><ns1:b></ns1:b><ns2:c xmlns:ns2="urn:c"></ns2:c>'
                '<ns3:c xmlns:ns3="urn:c"></ns3:c></ns1:a>'
            ),
        ),
        (
            "<a xmlns='urn:a'><b xmlns=''><c xmlns='urn:a'/></b></a>",
            '<ns1:a xmlns:ns1="urn:a"><b><ns1:c></ns1:c></b></ns1:a>',
        ),
        # A prefix that means something else further down.
        (
            "<p:a xmlns:p='urn:1'><p:a xmlns:p='urn:2'/><p:a/></p:a>",
            '<ns1:a xmlns:ns1="urn:1"><ns2:a xmlns:ns2="urn:2"></ns2:a><ns1:a></ns1:a></ns1:a>',
        ),
        # 7, 8: attributes with a namespace first, by namespace and name; then the others.
        (
            "<a xmlns:z='urn:z' xmlns:y='urn:y' b='1' z:b='2' y:c='3' y:a='4' a='5'/>",
            '<a xmlns:ns1="urn:y" xmlns:ns2="urn:z" ns1:a="4" ns1:c="3" ns2:b="2" a="5" b="1"></a>',
        ),
        ("<a xml:lang='ru'/>", '<a xml:lang="ru"></a>'),
        # 9: what is escaped, and how.
        (
            "<a b='&lt;&amp;&quot;&gt;&#9;&#10;&#13;' c=\"'\">&lt;&amp;\"'</a>",
            '<a b="&lt;&amp;&quot;>&#x9;&#xa;&#xd;" c="\'">&lt;&amp;"\'</a>',
        ),
        ("<a>></a>", "<a>&gt;</a>"),
        ("<a>1></a>", "<a>1></a>"),
        ("<a>1]>&lt;>&amp;></a>", "<a>1]&gt;&lt;>&amp;></a>"),
        ("<a>12345678901></a>", "<a>12345678901></a>"),
        ("<a>12345678&lt;>></a>", "<a>12345678&lt;>></a>"),
        ("<a>123456789&lt;>></a>", "<a>123456789&lt;&gt;&gt;</a>"),
        ("<a>123456789&amp;>]></a>", "<a>123456789&amp;&gt;]&gt;</a>"),
        (f"<a>{'1' * 512}>></a>", f"<a>{'1' * 512}&gt;&gt;</a>"),
        (f"<a>{'1' * 511}>></a>", f"<a>{'1' * 511}>&gt;</a>"),
        ("<a>Ж&#13;></a>", "<a>Ж&#xd;></a>"),
        # A `>` in an attribute ends no tag, and a colon or a declaration in a value is none.
        ("<a b='>'><c d=\"x:y xmlns='z'\"/></a>", '<a b=">"><c d="x:y xmlns=\'z\'"></c></a>'),
        ("<a><b c='1'/><b c='2' d=':'/><b/></a>", '<a><b c="1"></b><b c="2" d=":"></b><b></b></a>'),
    ],
)
def test_each_step_is_done(document: str, expected: str) -> None:
    assert transformed(document) == expected


texts = st.text(st.sampled_from(list("ab<&>\"'\t\n\r ж")), max_size=20)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    uris = ["", "urn:1", "urn:2", "urn:3"]
    uri = draw(st.sampled_from(uris))
    made = etree.Element(etree.QName(uri or None, draw(st.sampled_from("ab"))))
    for name in draw(st.lists(st.sampled_from("cd"), unique=True)):
        made.set(etree.QName(draw(st.sampled_from(uris)) or None, name), draw(texts))
    made.text = draw(texts)
    for child in draw(st.lists(elements(depth - 1), max_size=3)) if depth else []:
        made.append(child)
        child.tail = draw(texts)
    return made


def documents() -> st.SearchStrategy[etree._Element]:
    """Return trees whose prefixes are in order: what is built by hand is written and read again."""
    return elements().map(lambda root: etree.fromstring(etree.tostring(root)))


@given(documents())
def test_meaning_of_a_document_stays(root: etree._Element) -> None:
    octets = etree.tostring(root, method="c14n", exclusive=True)

    again = etree.fromstring(transform(octets))

    assert [(one.tag, dict(one.attrib)) for one in again.iter()] == [
        (one.tag, dict(one.attrib)) for one in root.iter()
    ]
    for mine, theirs in zip(again.iter(), root.iter(), strict=True):
        assert (mine.text or "") == ((theirs.text or "") if (theirs.text or "").strip() else "")


@given(documents())
def test_transform_done_twice_changes_nothing(root: etree._Element) -> None:
    once = transform(etree.tostring(root, method="c14n", exclusive=True))
    canonical = etree.tostring(etree.fromstring(once), method="c14n", exclusive=True)

    assert transform(canonical) == once


@pytest.fixture
def message(packs_folder: Path) -> bytes:
    return (packs_folder / "ru/smev3/SendRequestRequest_1.2_1.xml").read_bytes()


@pytest.mark.packs
def test_digest_and_signature_of_a_real_message_hold(message: bytes) -> None:
    verified = verify_xmldsig(message, Trust(), at=NOON, profile=SMEV)

    assert [reason.fact for reason in verified.verdict.reasons] == [
        *(Fact.CHAIN_NOT_FOUND, Fact.NO_SIGNING_TIME)
    ]
    (signer,) = verified.verdict.signers
    assert (signer.algorithm, signer.covers) == ("gost-256", "#SIGNED_BY_CONSUMER")


@pytest.mark.packs
@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        (b"2017-12-01", b"2017-12-02", Fact.DIGEST_MISMATCH),
        (b"<ds:SignatureValue>S", b"<ds:SignatureValue>T", Fact.SIGNATURE_BROKEN),
        (b"<ds:DigestValue>B", b"<ds:DigestValue>C", Fact.SIGNATURE_BROKEN),
    ],
)
def test_changed_message_is_noticed(message: bytes, old: bytes, new: bytes, fact: Fact) -> None:
    assert old in message

    verified = verify_xmldsig(message.replace(old, new), Trust(), at=NOON, profile=SMEV)

    assert verified.verdict.has(fact)
    assert verified.content is None


@pytest.mark.packs
def test_prefixes_and_white_space_of_a_message_do_not_matter(message: bytes) -> None:
    data = (
        message.replace(b"<ns:", b"<m:")
        .replace(b"</ns:", b"</m:")
        .replace(b"xmlns:ns=", b"xmlns:m=")
    )
    spaced = data.replace(b"<m:MessageID>", b"\n\n  <m:MessageID>")

    verified = verify_xmldsig(spaced, Trust(), at=NOON, profile=SMEV)

    assert not verified.verdict.has(Fact.DIGEST_MISMATCH)
    assert not verified.verdict.has(Fact.SIGNATURE_BROKEN)
