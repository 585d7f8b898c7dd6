"""What the safe reader takes, and the name it gives to each thing it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedMessage, MessageTooLarge
from gateway.formats.xml import Limits, read_xml

LAUGHS = b"".join(
    [
        b'<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY lol "lol">',
        *(b'<!ENTITY lol%d "%s">' % (n, b"&lol%d;" % (n - 1) * 10) for n in range(1, 10)),
        b"]><lolz>&lol9;</lolz>",
    ]
)
EXTERNAL = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
HIDDEN = (
    b"<?xml version='1.0'?><!-- > <a> --><?pi ?>\n\n<!DOCTYPE a SYSTEM 'http://127.0.0.1/'><a/>"
)


@pytest.mark.parametrize(
    "message",
    [
        "<a>Жук</a>".encode(),
        '<?xml version="1.0" encoding="utf-8"?><a>Жук</a>'.encode(),
        '\ufeff<?xml version="1.0" encoding="UTF-8"?><a>Жук</a>'.encode(),
        '\ufeff<?xml version="1.0" encoding="UTF-16"?><a>Жук</a>'.encode("utf-16-le"),
        '\ufeff<?xml version="1.0"?><a>Жук</a>'.encode("utf-16-be"),
        '<?xml version="1.0" encoding="windows-1251"?><a>Жук</a>'.encode("cp1251"),
        "<a>Жук<b><![CDATA[<!DOCTYPE]]></b></a>".encode(),
    ],
    ids=["bare", "declared", "utf-8 mark", "utf-16-le", "utf-16-be", "windows-1251", "cdata"],
)
def test_each_supported_encoding_gives_the_same_characters(message: bytes) -> None:
    root = read_xml(message).getroot()

    assert root.text == "Жук"


@pytest.mark.parametrize(
    ("message", "cause", "where"),
    [
        (b"", "document-empty", "line 1"),
        (b"<a><b></a>", "tag-name-mismatch", "line 1"),
        (b"<a>\n<b\n</a>", "not well-formed", "line 3"),
        (b"<a>&nbsp;</a>", "undeclared-entity", "line 1"),
        (b"<x:a/>", "undefined-namespace", "line 1"),
        (b'<a b="1" b="2"/>', "attribute-redefined", "line 1"),
        (LAUGHS, "document type declaration", "line 2"),
        (EXTERNAL, "document type declaration", "line 1"),
        (HIDDEN, "document type declaration", "line 3"),
        ("\n<a>Жук</a>".encode("cp1251"), "the bytes are not utf-8", "line 2, byte 5"),
        (
            b'<?xml version="1.0" encoding="windows-1251"?><a>\x98</a>',
            "the bytes are not cp1251",
            "line 1, byte 49",
        ),
        (b'<?xml version="1.0" encoding="koi8-r"?><a/>', "koi8-r is not supported", "line 1"),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "no byte order mark", "byte 1"),
        ("<a/>".encode("utf-16-le"), "byte order mark", "byte 1"),
        (
            b"\xef\xbb\xbf" + b'<?xml version="1.0" encoding="windows-1251"?><a/>',
            "contradicts the byte order mark",
            "line 1",
        ),
        ("\ufeff<a>".encode("utf-16-le") + b"\x00\xd8", "the bytes are not utf-16-le", "byte"),
    ],
)
def test_what_is_not_xml_is_refused_with_its_cause_and_place(
    message: bytes, cause: str, where: str
) -> None:
    with pytest.raises(MalformedMessage) as refusal:
        read_xml(message)

    assert cause in refusal.value.text
    assert where in refusal.value.where


def test_the_refusal_does_not_quote_the_document() -> None:
    with pytest.raises(MalformedMessage) as refusal:
        read_xml("<family Жуков>".encode())

    assert "Жуков" not in str(refusal.value)


@pytest.mark.parametrize(
    ("message", "limits", "cause"),
    [
        (b"<a>" + b" " * 100 + b"</a>", Limits(size=64), "larger than 64 bytes"),
        (b"<a>" * 300 + b"</a>" * 300, Limits(), "too deep"),
        (b"<a>" * 33 + b"</a>" * 33, Limits(depth=32), "deeper than 32"),
        (b"<a>" * 100_000, Limits(), "too deep"),
        (b"<a" + b"".join(b' xmlns:n%d="u"' % n for n in range(65)) + b"/>", Limits(), "in scope"),
        (b"<a>" + b'<b xmlns="u"/>' * 513 + b"</a>", Limits(), "more than 512"),
        (b"<a>" + b"x" * 11_000_000 + b"</a>", Limits(), "ten megabytes"),
    ],
    ids=["size", "deep", "deeper than set", "never closed", "scope", "declarations", "huge text"],
)
def test_what_is_too_large_is_refused_by_the_limit_it_passes(
    message: bytes, limits: Limits, cause: str
) -> None:
    with pytest.raises(MessageTooLarge, match=cause):
        read_xml(message, limits)


def test_more_than_64_mebibytes_are_refused_unread() -> None:
    with pytest.raises(MessageTooLarge, match="larger than"):
        read_xml(b" " * (64 * 2**20 + 1))


def test_sixty_four_namespaces_in_scope_are_still_taken() -> None:
    names = b"".join(b' xmlns:n%d="u%d"' % (n, n) for n in range(64))

    assert read_xml(b"<a" + names + b"><b/></a>") is not None
    assert read_xml(b"<a>" + b'<b xmlns="u"/>' * 512 + b"</a>") is not None


PIECES = st.sampled_from(
    [
        b"<", b">", b"<a>", b"</a>", b"<a ", b"='", b'"', b"&", b"&#0;", b"&amp;", b"<!--", b"-->",
        b"<?xml version='1.0' encoding='windows-1251'?>", b"<?xml version='1.0'?>",
        b"<![CDATA[", b"]]>", b"<!DOCTYPE", b"xmlns:x='", b"xmlns=''", b"\xef\xbb\xbf", b"\xff\xfe",
        b"\xfe\xff", b"\x00", "Ж".encode(), "Ж".encode("cp1251"), b"\xd8", b"%", b"xml:id='a'",
    ]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map(b"".join)))
def test_any_bytes_give_a_tree_or_a_refusal(message: bytes) -> None:
    try:
        tree = read_xml(message)
    except MalformedMessage:
        return
    assert tree.getroot() is not None
