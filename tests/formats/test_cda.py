"""The facts of the header, each with its place."""

import pytest

from gateway.errors import MalformedMessage
from gateway.formats.cda import NAMESPACES, Part, place_of, read_cda

REFERRAL = """<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:identity="urn:hl7-ru:identity"
    xmlns:address="urn:hl7-ru:address" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <templateId root="1.2.643.5.1.13.13.14.34.9.6"/>
  <id root="1.2.643.5.1.13.13.12.2.77.8312.100.1.1.51"
      extension="7B5E9D0C-2F0E-4B60-9B1D-0C6D5E3F1A2B"/>
  <code code="34" codeSystem="1.2.643.5.1.13.13.11.1522"/>
  <setId root="1.2.643.5.1.13.13.12.2.77.8312.100.1.1.50" extension="S-1"/>
  <versionNumber value="2"/>
  <recordTarget><patientRole>
    <id root="1.2.643.5.1.13.13.12.2.77.8312.100.1.1.10" extension="585233"/>
    <id root="1.2.643.100.3" extension="112-233-445 95"/>
    <addr><address:stateCode code="77"/></addr>
    <patient>
      <name><family>Жу<!-- split -->ков</family><given> Пётр </given>
        <identity:Patronymic xsi:type="ST">Ильич</identity:Patronymic></name>
      <administrativeGenderCode code="1"/><birthTime value="19800102"/>
    </patient>
    <providerOrganization><id root="1.2.643.5.1.13.13.12.2.77.8312"/>
      <addr><address:stateCode code="77"/></addr></providerOrganization>
  </patientRole></recordTarget>
  <documentationOf><serviceEvent>
    <performer typeCode="SPRF"><assignedEntity><code code="109"/></assignedEntity></performer>
    <performer typeCode="PPRF"><assignedEntity><code code="7"/>
      <representedOrganization><id root="1.2.643.5.1.13.13.12.2.77.8312.0.200"/>
      </representedOrganization></assignedEntity></performer>
  </serviceEvent></documentationOf>
  <relatedDocument typeCode="RPLC"><parentDocument>
    <id root="1.2.643.5.1.13.13.12.2.77.8312.100.1.1.51" extension="OLD"/>
  </parentDocument></relatedDocument>
</ClinicalDocument>
""".encode()


def test_the_header_says_who_what_and_which_version() -> None:
    header = read_cda(REFERRAL).header

    assert header.local_uid == "7b5e9d0c-2f0e-4b60-9b1d-0c6d5e3f1a2b"
    assert (header.version, header.code, header.set_id.extension) == ("2", "34", "S-1")
    assert [replaced.extension for replaced in header.replaces] == ["OLD"]
    assert (header.patient.snils, header.patient.birth_date) == ("112-233-445 95", "19800102")
    assert header.patient.name.family == "Жуков"
    assert header.patient.name.given == "Пётр"
    assert header.organization == "1.2.643.5.1.13.13.12.2.77.8312"


def test_each_participant_stands_with_its_part() -> None:
    header = read_cda(REFERRAL).header

    assert [person.position for person in header.of(Part.CHAIR)] == ["7"]
    assert [person.part for person in header.participants] == [Part.CHAIR, Part.MEMBER]


def test_a_fact_leads_back_to_the_node_it_was_read_from() -> None:
    document = read_cda(REFERRAL)
    sex = document.header.patient.sex

    assert sex is not None
    assert sex.where == (
        "/ClinicalDocument/recordTarget[1]/patientRole[1]/patient[1]"
        "/administrativeGenderCode[1]/@code"
    )
    snils = document.header.patient.snils
    assert snils is not None
    assert snils.where.endswith("/patientRole[1]/id[2]/@extension")
    assert document.header.participants[0].where.endswith("/performer[2]/assignedEntity[1]")


def test_places_name_other_namespaces_by_their_usual_prefix() -> None:
    document = read_cda(REFERRAL.replace(b"identity:", b"i:").replace(b":identity=", b":i="))
    found = document.tree.xpath("//identity:Patronymic", namespaces=NAMESPACES)

    assert isinstance(found, list)
    assert place_of(found[0]).endswith("/name[1]/identity:Patronymic[1]")  # type: ignore[arg-type] # one element


def test_what_the_document_does_not_say_is_none() -> None:
    header = read_cda(b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>').header

    assert header.local_uid is None
    assert header.patient.snils is None
    assert (header.replaces, header.participants, header.bureau_regions) == ((), (), ())


def test_an_id_that_is_no_uuid_gives_no_local_uid() -> None:
    header = read_cda(REFERRAL.replace(b"7B5E9D0C-2F0E", b"7B5E9D0C_2F0E")).header

    assert header.local_uid is None
    assert header.id.extension is not None


@pytest.mark.parametrize("message", [b"<ClinicalDocument/>", b'<a xmlns="urn:hl7-org:v3"/>'])
def test_another_root_or_namespace_is_no_cda(message: bytes) -> None:
    with pytest.raises(MalformedMessage, match="urn:hl7-org:v3"):
        read_cda(message)
