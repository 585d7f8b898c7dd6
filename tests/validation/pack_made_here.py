"""A small pack and its documents, so that tier 3 is tested where no authority's pack is."""

from pathlib import Path

TEMPLATE = "1.2.643.5.1.13.13.14.34.9.6"
HL7 = "urn:hl7-org:v3"
SCHEMATRON = f"""<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2">
  <pattern>
    <rule context="ClinicalDocument/templateId">
      <assert test="@root='{TEMPLATE}'">У1-11. Не тот шаблон.</assert>
    </rule>
    <rule context="ClinicalDocument/code">
      <assert test="@code=['34']">У1-13. Не тот код.</assert>
      <report test="@codeSystem='1'">У1-13. Не тот справочник.</report>
    </rule>
  </pattern>
</schema>"""
SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{HL7}"
    targetNamespace="{HL7}" elementFormDefault="qualified">
  <xs:include schemaLocation="parts.xsd"/>
  <xs:element name="ClinicalDocument"><xs:complexType><xs:sequence>
    <xs:element name="templateId" type="coded"/>
    <xs:element name="code" type="coded" maxOccurs="unbounded"/>
    <xs:element name="birthTime" type="xs:date" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>"""
PARTS = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{HL7}">
  <xs:complexType name="coded"><xs:anyAttribute processContents="skip"/></xs:complexType>
</xs:schema>"""


def write_pack(folder: Path, schematron: str = SCHEMATRON, name: str = "121") -> Path:
    """Write the pack as an authority would: the Schematron, its XSD in a folder below."""
    (folder / "xsd").mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.sch").write_text(schematron, encoding="utf-8")
    (folder / "xsd" / "main.xsd").write_text(SCHEMA, encoding="utf-8")
    (folder / "xsd" / "parts.xsd").write_text(PARTS, encoding="utf-8")
    return folder


def document(content: str, namespace: str = HL7) -> bytes:
    """Return a document of the pack."""
    return (
        f'<ClinicalDocument xmlns="{namespace}">\n<templateId root="{TEMPLATE}"/>\n'
        f"{content}\n</ClinicalDocument>"
    ).encode()
