"""ASN.1 from strangers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import MalformedMessage
from gateway.signatures import asn1, der

MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001 - made aware next
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
ARCS = st.lists(st.integers(0, 2**70), min_size=1, max_size=8)


@given(st.integers(0, 2**600))
def test_integers_are_written_as_asn1crypto_writes_them(number: int) -> None:
    assert der.integer(number) == core.Integer(number).dump()
    assert asn1.read_der(der.integer(number)).integer() == number


@given(st.sampled_from(["1.2", "2.5", "0.39", "2.999"]), ARCS)
def test_oids_survive(root: str, arcs: list[int]) -> None:
    dotted = ".".join([root, *map(str, arcs)])

    assert asn1.read_der(der.oid(dotted)).oid() == dotted


@given(MOMENTS)
def test_times_survive(moment: datetime) -> None:
    assert asn1.read_der(der.time(moment)).time() == moment


@given(st.sets(st.integers(0, 8), min_size=1))
def test_named_bits_are_written_as_asn1crypto_writes_them(numbers: set[int]) -> None:
    octets, unused = asn1.read_der(der.named_bits(*numbers)).bits()

    assert {
        n for n in range(len(octets) * 8 - unused) if octets[n // 8] >> (7 - n % 8) & 1
    } == numbers
    assert octets[-1]


@given(st.binary(max_size=70_000))
def test_lengths_are_minimal(content: bytes) -> None:
    assert der.octets(content) == core.OctetString(content).dump()
    assert asn1.is_der(der.octets(content))


@given(st.binary(max_size=64))
def test_any_octets_are_a_value_or_malformed(content: bytes) -> None:
    try:
        value = asn1.read_ber(content)
    except MalformedMessage:
        assert not asn1.is_der(content)
    else:
        assert value.raw == content


@pytest.mark.parametrize(
    "content",
    [
        b"\x04\x81\x01x",  # a long form where the short one does
        b"\x04\x82\x00\x81" + bytes(0x81),  # a leading zero in the length
        b"\x30\x80\x00\x00",  # no length at all
        b"\x31\x06\x02\x01\x02\x02\x01\x01",  # a SET out of order
        b"\x30\x04\x24\x02\x04\x00\x00",  # junk after it
        b"\x1f\x81\x01\x00",  # a tag of several octets
        b"\x30" + b"\x80\x30" * 40,  # endless nesting
        b"\x04\x84\x80",  # a length that is cut off
        b"\x04\x85\x00\x00\x00\x00\x81" + bytes(0x81),  # a length of five octets
        b"\x04\x81\x80" + bytes(0x7F),  # a body that is cut off
        b"\x04",  # a tag alone
    ],
)
def test_what_is_not_der_is_not_taken_for_it(content: bytes) -> None:
    assert not asn1.is_der(content)
    assert not asn1.is_der(der.sequence(content))
    assert not asn1.is_der(der.sequence(der.sequence(der.NULL, content), der.NULL))
    assert not asn1.is_der(der.sequence(content) + der.NULL)


def test_longest_forms_of_a_length_are_der() -> None:
    for size in (0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000):
        assert asn1.is_der(der.sequence(der.octets(bytes(size)), der.NULL))


@given(
    st.recursive(
        st.binary(max_size=200).map(der.octets),
        lambda inner: (
            st.lists(inner, max_size=4).map(lambda parts: der.set_of(*parts))
            | st.lists(inner, max_size=4).map(lambda parts: der.sequence(*parts))
        ),
        max_leaves=12,
    )
)
def test_what_we_write_is_der_however_deep(content: bytes) -> None:
    assert asn1.is_der(content)


@pytest.mark.parametrize(("levels", "good"), [(32, True), (33, False)])
def test_nesting_has_an_end(levels: int, *, good: bool) -> None:
    content = der.NULL
    for _ in range(levels):
        content = der.sequence(content)

    assert asn1.is_der(content) is good


def test_deep_der_is_refused() -> None:
    content = b""
    for _ in range(40):
        content = der.sequence(content)

    with pytest.raises(MalformedMessage, match="not DER"):
        asn1.read_der(content)


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (der.NULL, asn1.Value.oid),
        (der.NULL, asn1.Value.members),
        (der.NULL, asn1.Value.integer),
        (der.NULL, asn1.Value.bits),
        (der.NULL, asn1.Value.time),
        (b"\x03\x02\x08\x00", asn1.Value.bits),
        (b"\x06\x01\x80", asn1.Value.oid),
        (b"\x0c\x01\xff", asn1.Value.text),
        (b"\x17\x0d" + b"26061512000\xb2Z", asn1.Value.time),
        (b"\x17\x0b" + b"2606151200Z", asn1.Value.time),
        (b"\x18\x0f" + b"20260631120000Z", asn1.Value.time),
        (b"\x18\x0f" + b"20260630120000+", asn1.Value.time),
    ],
)
def test_value_of_another_kind_is_malformed(content: bytes, read: object) -> None:
    with pytest.raises(MalformedMessage):
        read(asn1.read_ber(content))  # type: ignore[operator] # an unbound method


def test_fields_are_taken_in_their_order() -> None:
    fields = asn1.read_der(der.sequence(der.NULL, der.integer(1))).fields()

    assert fields.optional(asn1.INTEGER) is None
    assert fields.take(0x05).body == b""
    with pytest.raises(MalformedMessage, match="unexpected"):
        fields.end()
    assert fields.take(asn1.INTEGER).integer() == 1
    with pytest.raises(MalformedMessage, match="missing"):
        fields.take(asn1.INTEGER)


def test_text_of_every_string_type_is_read() -> None:
    assert asn1.read_der(der.text("Ж")).text() == "Ж"
    assert asn1.read_der(der.printable("RU")).text() == "RU"
    assert asn1.read_der(der.numeric("99")).text() == "99"
    assert asn1.read_der(b"\x1e\x02\x04\x16").text() == "Ж"
    assert asn1.read_der(der.NULL).text() == ""


def test_value_without_a_length_ends_at_its_own_mark() -> None:
    inner = b"\x30\x80\x02\x01\x05\x00\x00"
    outer = asn1.read_ber(b"\x30\x80" + inner + b"\x02\x01\x07\x00\x00")

    first, second = outer.members()

    assert first.raw == inner
    assert [one.integer() for one in first.members()] == [5]
    assert second.integer() == 7


@pytest.mark.parametrize(("depth", "good"), [(33, True), (34, False), (5_000, False)])
def test_values_without_a_length_lie_in_each_other_only_so_deep(depth: int, *, good: bool) -> None:
    octets = b"\x30\x80" * depth + b"\x00\x00" * depth

    if good:
        assert asn1.read_ber(octets).raw == octets
        return
    with pytest.raises(MalformedMessage):
        asn1.read_ber(octets)


def test_primitive_value_always_has_a_length() -> None:
    with pytest.raises(MalformedMessage):
        asn1.read_ber(b"\x04\x80\x02\x01\x05\x00\x00")
