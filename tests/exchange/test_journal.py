import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.journal import GATEWAY_CHAIN, START, Entry, first_break, link, merkle_root
from tests.exchange.standings import NOON

HASHES = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=40)

# The leaves and roots of the Certificate Transparency test suite (RFC 6962 §2.1): the tree of
# the first n leaves has the n-th root.
LEAVES = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def chain(length: int, name: str = "x") -> list[Entry]:
    entries: list[Entry] = []
    for n in range(1, length + 1):
        entries.append(
            link(
                chain=name,
                sequence=n,
                at=NOON + timedelta(seconds=n),
                event="Accepted",
                facts={"sha256": "ab", "n": n, "code": "ОТКАЗ"},
                previous=entries[-1].hash if entries else START,
            )
        )
    return entries


def test_an_entry_is_hashed_over_canonical_json() -> None:
    body = (
        '["gateway",1,"2026-03-10T12:00:00+00:00","Accepted",{"a":"ОТКАЗ","b":1},"' + START + '"]'
    )

    entry = link(
        chain=GATEWAY_CHAIN,
        sequence=1,
        at=NOON,
        event="Accepted",
        facts={"b": 1, "a": "ОТКАЗ"},
        previous=START,
    )

    assert entry.hash == hashlib.sha256(body.encode()).hexdigest()


@given(st.integers(0, 20))
def test_an_untouched_chain_has_no_break(length: int) -> None:
    assert first_break(chain(length)) is None


TAMPERED = {
    "chain": "y",
    "sequence": 9,
    "at": NOON,
    "event": "Answered",
    "facts": {},
    "previous": "0" * 64,
    "hash": "f" * 64,
}


@pytest.mark.parametrize("field", TAMPERED)
def test_a_changed_entry_shows(field: str) -> None:
    entries = chain(4)
    entries[2] = replace(entries[2], **{field: TAMPERED[field]})  # type: ignore[arg-type]  # any field

    assert first_break(entries) == entries[2]


def test_an_entry_changed_with_its_own_hash_shows_in_the_next() -> None:
    entries = chain(4)
    old = entries[1]
    entries[1] = link(
        chain=old.chain,
        sequence=old.sequence,
        at=old.at,
        event="Cancelled",
        facts=old.facts,
        previous=old.previous,
    )

    assert first_break(entries) == entries[2]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_an_entry_that_is_left_out_shows(gone: int) -> None:
    entries = chain(4)
    following = entries[gone + 1]
    del entries[gone]

    assert first_break(entries) == following


def test_entries_in_another_order_show() -> None:
    first, second, third = chain(3)

    assert first_break([first, third, second]) == third


def test_an_entry_of_another_chain_does_not_fit_in() -> None:
    ours, theirs = chain(3), chain(3, "y")

    assert first_break([ours[0], theirs[1], ours[2]]) == theirs[1]


def test_a_cut_tail_shows_in_the_root_over_the_heads() -> None:
    whole, other = chain(4), chain(2, "y")

    assert first_break(whole[:3]) is None
    assert merkle_root([whole[-1].hash, other[-1].hash]) != merkle_root(
        [whole[2].hash, other[-1].hash]
    )


def grow(leaves: list[bytes]) -> bytes:
    """Build the same tree from below: neighbours are joined, an odd last one goes up as it is."""
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"\x01" + pair[0] + pair[1]).digest() if len(pair) > 1 else pair[0]
            for pair in pairs
        ]
    return level[0] if level else hashlib.sha256(b"").digest()


@given(HASHES)
def test_the_root_is_that_of_a_tree_grown_from_below(hashes: list[str]) -> None:
    assert merkle_root(hashes) == grow([bytes.fromhex(one) for one in hashes]).hex()


@pytest.mark.parametrize("length", range(1, 9))
def test_the_root_is_that_of_certificate_transparency(length: int) -> None:
    assert merkle_root(LEAVES[:length]) == ROOTS[length - 1]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(HASHES.filter(bool), st.data())
def test_a_root_changes_with_any_of_its_heads(hashes: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(hashes) - 1))
    flipped = bytearray.fromhex(hashes[place])
    flipped[0] ^= 1
    changed = [*hashes[:place], flipped.hex(), *hashes[place + 1 :]]

    assert merkle_root(changed) != merkle_root(hashes)
