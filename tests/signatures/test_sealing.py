"""Bodies at rest, and patients without names."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import HouseError, SettingError
from gateway.signatures.sealing import Seal, is_sealed, load_seal, mark, patient_index, read_key

OLD, NEW = bytes(32), bytes(range(32))


def draw_counted(count: int = 0) -> Seal:
    return Seal([NEW], lambda size: bytes([count]) * size)


@given(body=st.binary(), name=st.binary())
def test_sealed_body_opens_under_its_own_name_only(body: bytes, name: bytes) -> None:
    seal = draw_counted()

    sealed = seal.seal(body, name)

    assert seal.open(sealed, name) == body
    with pytest.raises(HouseError):
        seal.open(sealed, name + b"!")


@pytest.mark.parametrize("place", [0, 5, 15, 30, -1])
def test_a_single_changed_bit_anywhere_is_noticed(place: int) -> None:
    sealed = bytearray(draw_counted().seal(b"a body", b"id"))
    sealed[place] ^= 1

    with pytest.raises(HouseError):
        draw_counted().open(bytes(sealed), b"id")


def test_after_a_change_of_keys_old_bodies_still_open() -> None:
    old = Seal([OLD], bytes).seal(b"a body", b"id")

    changed = Seal([NEW, OLD], bytes)

    assert changed.open(old, b"id") == b"a body"
    with pytest.raises(HouseError, match="is not configured"):
        Seal([OLD], bytes).open(changed.seal(b"a body", b"id"), b"id")


def test_equal_bodies_do_not_look_equal() -> None:
    assert draw_counted(1).seal(b"a body", b"id") != draw_counted(2).seal(b"a body", b"id")


def test_what_is_not_sealed_is_told_from_what_is() -> None:
    assert is_sealed(draw_counted().seal(b"", b""))
    assert not is_sealed(b"<ClinicalDocument/>" * 9)
    with pytest.raises(HouseError, match="is not sealed"):
        draw_counted().open(b"<ClinicalDocument/>" * 9, b"id")


@pytest.mark.parametrize(
    "content", [NEW, NEW.hex().encode() + b"\n", base64.b64encode(NEW) + b"\n"]
)
def test_key_file_is_read_raw_or_written_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)

    assert read_key(tmp_path / "key") == NEW
    assert load_seal([tmp_path / "key"], bytes).open(draw_counted().seal(b"x", b""), b"") == b"x"


@pytest.mark.parametrize("content", [b"", b"too short", b"\xff" * 31, b"zz" * 32])
def test_key_of_another_size_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(SettingError, match="no key of 32 bytes"):
        read_key(tmp_path / "key")


def test_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nowhere"):
        read_key(tmp_path / "nowhere")
    with pytest.raises(SettingError):
        Seal([], bytes)


def test_patient_is_found_however_the_number_is_written() -> None:
    index = patient_index(NEW, "990-000-148 71")

    assert index == patient_index(NEW, "99000014871")
    assert index != patient_index(NEW, "99000028579")
    assert index != patient_index(OLD, "99000014871")
    assert len(index) == 32


def test_mark_of_a_checkpoint_is_nobody_elses() -> None:
    made = mark(NEW, b"content")

    assert len(made) == 32
    assert made == mark(NEW, b"content")
    assert made not in {mark(OLD, b"content"), mark(NEW, b"other"), patient_index(NEW, "content")}
