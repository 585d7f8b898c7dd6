"""The WSDL says what there is; the schema judges bodies without repeating them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import SettingError
from gateway.formats.soap import Version
from gateway.resources import PROFILES
from gateway.transports.wsdl import Contract, read_contract

FOLDER = PROFILES / "wsdl" / "remd"
CALLBACK = "http://egisz.rosminzdrav.ru/iehr/emdr/callback/"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return read_contract(FOLDER / "callback.wsdl")


def test_operations_are_found_by_name_and_by_what_comes_in(contract: Contract) -> None:
    fetch = contract.operations["getDocumentFile"]

    assert contract.versions == frozenset(Version)
    assert contract.by_request(f"{{{CALLBACK}}}getDocumentFileRequest") == fetch
    assert contract.by_request(f"{{{CALLBACK}}}getDocumentFileResponse") is None


def test_body_that_breaks_the_schema_is_told_without_its_content(contract: Contract) -> None:
    text = f'<getDocumentFileRequest xmlns="{CALLBACK}"><secret/></getDocumentFileRequest>'

    told = contract.fault_in(etree.fromstring(text))

    assert "callback.xsd" in told
    assert "secret" not in told


def test_served_wsdl_needs_no_file_of_ours(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "callback.wsdl"
    path.write_bytes(contract.wsdl)
    # An empty schema beside it: what is served has its types inside.
    again = etree.fromstring(contract.wsdl)

    assert not list(again.iter("{http://www.w3.org/2001/XMLSchema}include"))
    assert {one.get("targetNamespace") for one in again.iter("{*}schema")} == {
        CALLBACK,
        "http://egisz.rosminzdrav.ru",
    }
    assert read_contract(path).operations == contract.operations


@pytest.mark.parametrize("missing", ["callback.xsd", "callback.wsdl"])
def test_file_that_is_not_there_is_named(tmp_path: Path, missing: str) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / missing).unlink()

    with pytest.raises(SettingError, match=missing.partition(".")[0]):
        read_contract(tmp_path / "callback.wsdl")


def test_entity_in_a_wsdl_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "callback.wsdl"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("<wsdl:definitions", '<!DOCTYPE a [<!ENTITY e "x">]><wsdl:definitions')
    )

    with pytest.raises(SettingError, match="WSDL"):
        read_contract(path)
