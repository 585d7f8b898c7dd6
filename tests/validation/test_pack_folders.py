from pathlib import Path

import pytest

from gateway.errors import HouseError
from gateway.validation.pack_folders import find_packs
from tests.validation.pack_made_here import SCHEMATRON, TEMPLATE, write_pack


def test_a_pack_is_found_below_the_folder_with_its_schema(tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "ru" / "semd-121")

    (found,) = find_packs([tmp_path])

    assert found.name == "121"
    assert found.templates == {TEMPLATE}
    assert found.schema == pack / "xsd" / "main.xsd"


def test_the_same_folder_named_twice_is_one_pack(tmp_path: Path) -> None:
    write_pack(tmp_path / "pack")

    assert len(find_packs([tmp_path, tmp_path / "pack"])) == 1


def test_a_schematron_for_no_template_is_left_out(tmp_path: Path) -> None:
    write_pack(tmp_path, SCHEMATRON.replace("templateId", "title"))

    assert find_packs([tmp_path]) == ()


def test_two_packs_for_one_template_are_refused_by_their_names(tmp_path: Path) -> None:
    write_pack(tmp_path / "old")
    write_pack(tmp_path / "new")

    with pytest.raises(HouseError, match=r"new/121\.sch and .*old/121\.sch"):
        find_packs([tmp_path])


def test_two_schemas_to_start_from_are_refused(tmp_path: Path) -> None:
    write_pack(tmp_path)
    (tmp_path / "xsd" / "other.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>', encoding="utf-8"
    )

    with pytest.raises(HouseError, match="more than one XSD"):
        find_packs([tmp_path])


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(HouseError, match="is not a folder"):
        find_packs([tmp_path / "nowhere"])
