"""The WSDL says what there is; the schema judges bodies without repeating them.

The partner is invented: a library that lends books and wants to know who asks.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from gateway.errors import SettingError
from gateway.formats.soap import Version
from gateway.transports.wsdl import Contract, read_contract

LENDING = "urn:example:lending"
READER = "urn:example:reader"
BINDING = """
  <wsdl:binding name="Lending_{prefix}" type="t:Lending">
    <{prefix}:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="lend">
      <{prefix}:operation soapAction="lend" style="document"/>
      <wsdl:input>
        <{prefix}:header message="t:reader" part="header" use="literal"/>
        <{prefix}:body use="literal" parts="parameters"/>
      </wsdl:input>
      <wsdl:output><{prefix}:body use="literal" parts="parameters"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>"""
WSDL = f"""<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
                  xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
                  xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"
                  xmlns:xs="http://www.w3.org/2001/XMLSchema"
                  xmlns:r="{READER}" xmlns:t="{LENDING}" targetNamespace="{LENDING}">
  <wsdl:types>
    <xs:schema targetNamespace="{LENDING}"><xs:include schemaLocation="lending.xsd"/></xs:schema>
    <xs:schema targetNamespace="{READER}"><xs:include schemaLocation="reader.xsd"/></xs:schema>
  </wsdl:types>
  <wsdl:message name="reader"><wsdl:part name="header" element="r:reader"/></wsdl:message>
  <wsdl:message name="wish"><wsdl:part name="parameters" element="t:wish"/></wsdl:message>
  <wsdl:message name="loan"><wsdl:part name="parameters" element="t:loan"/></wsdl:message>
  <wsdl:portType name="Lending">
    <wsdl:operation name="lend">
      <wsdl:input message="t:wish"/>
      <wsdl:output message="t:loan"/>
    </wsdl:operation>
  </wsdl:portType>{BINDING.format(prefix="soap")}{BINDING.format(prefix="soap12")}
  <wsdl:service name="Lending">
    <wsdl:port name="Lending11" binding="t:Lending_soap">
      <soap:address location="http://127.0.0.1/lending"/>
    </wsdl:port>
    <wsdl:port name="Lending12" binding="t:Lending_soap12">
      <soap12:address location="http://127.0.0.1/lending"/>
    </wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""
LENDING_XSD = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
           targetNamespace="{LENDING}" elementFormDefault="qualified">
  <xs:element name="wish">
    <xs:complexType><xs:sequence><xs:element name="title" type="xs:string"/></xs:sequence>
    </xs:complexType>
  </xs:element>
  <xs:element name="loan" type="xs:date"/>
</xs:schema>
"""
READER_XSD = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{READER}">
  <xs:element name="reader" type="xs:string"/>
</xs:schema>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"lending.wsdl": WSDL, "lending.xsd": LENDING_XSD, "reader.xsd": READER_XSD}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def contract(folder: Path) -> Contract:
    return read_contract(folder / "lending.wsdl")


def test_operations_are_found_by_name_and_by_what_comes_in(contract: Contract) -> None:
    lend = contract.operations["lend"]

    assert contract.versions == frozenset(Version)
    assert contract.by_request(f"{{{LENDING}}}wish") == lend
    assert contract.by_request(f"{{{LENDING}}}loan") is None


def test_body_that_keeps_to_the_schema_has_no_fault(contract: Contract) -> None:
    text = f'<wish xmlns="{LENDING}"><title>a book</title></wish>'

    assert contract.fault_in(etree.fromstring(text)) == ""


def test_body_that_breaks_the_schema_is_told_without_its_content(contract: Contract) -> None:
    text = f'<wish xmlns="{LENDING}"><secret/></wish>'

    told = contract.fault_in(etree.fromstring(text))

    assert "lending.xsd" in told
    assert "secret" not in told


def test_served_wsdl_needs_no_file_of_ours(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "alone" / "lending.wsdl"
    path.parent.mkdir()
    path.write_bytes(contract.wsdl)
    # No schema lies beside it: what is served has its types inside.
    again = etree.fromstring(contract.wsdl)

    assert not list(again.iter("{http://www.w3.org/2001/XMLSchema}include"))
    assert {one.get("targetNamespace") for one in again.iter("{*}schema")} == {LENDING, READER}
    assert read_contract(path).operations == contract.operations


@pytest.mark.parametrize("missing", ["lending.xsd", "lending.wsdl"])
def test_file_that_is_not_there_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()

    with pytest.raises(SettingError, match=missing.partition(".")[0]):
        read_contract(folder / "lending.wsdl")


def test_entity_in_a_wsdl_is_refused(folder: Path) -> None:
    path = folder / "lending.wsdl"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("<wsdl:definitions", '<!DOCTYPE a [<!ENTITY e "x">]><wsdl:definitions')
    )

    with pytest.raises(SettingError, match="WSDL"):
        read_contract(path)
