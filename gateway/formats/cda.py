"""A CDA document as it came, and the facts of its header.

The bytes are kept: they are what was signed. Every fact knows the place where it stands, so that
whoever uses one can point at it. Long, because the facts, their places and the reading of both are
one matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final, Self

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.formats.xml import DEFAULT_LIMITS, Limits, elements_of, read_xml

HL7: Final = "urn:hl7-org:v3"
NAMESPACES: Final = {
    "h": HL7,
    "identity": "urn:hl7-ru:identity",
    "address": "urn:hl7-ru:address",
    "fias": "urn:hl7-ru:fias",
    "medService": "urn:hl7-ru:medService",
    "PII": "urn:hl7-ru:PII",
}
_PREFIXES: Final = {uri: prefix for prefix, uri in NAMESPACES.items() if prefix != "h"} | {
    "http://www.w3.org/2001/XMLSchema-instance": "xsi"
}
_SNILS: Final = "1.2.643.100.3"
_SECTION: Final = "h:component/h:structuredBody/h:component/h:section[h:code/@code='{}']"
_DEPARTMENT: Final = re.compile(r"[0-9.]+\.0\.[0-9]+")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Placed(str):
    """A string that knows where it stands in the document it was read from."""

    __slots__ = ("where",)
    where: str

    def __new__(cls, value: str, where: str) -> Self:
        """Return `value` with its absolute XPath."""
        placed = super().__new__(cls, value)
        placed.where = where
        return placed


class Part(StrEnum):
    """What a person did in the document; the words of CDA R2 for who did it."""

    AUTHOR = "author"
    LEGAL_AUTHENTICATOR = "legalAuthenticator"
    CHAIR = "PPRF"
    """Primary performer of the commission: its chair."""
    MEMBER = "SPRF"


@dataclass(frozen=True, slots=True)
class InstanceId:
    """An HL7 `II`: who numbers (`root`, an OID) and the number."""

    root: Placed | None
    extension: Placed | None


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a person's name, as written."""

    family: Placed | None
    given: Placed | None
    patronymic: Placed | None


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom the document is about. `birth_date` and `sex` as written (TS, code of 11.1040)."""

    where: str
    local_id: InstanceId
    snils: Placed | None
    name: Name
    birth_date: Placed | None
    sex: Placed | None
    regions: tuple[Placed, ...]
    """Regions of the patient's addresses (codes of 99.2.206)."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A member of the staff who wrote, signs or sat in the commission."""

    where: str
    part: Part
    local_id: InstanceId
    snils: Placed | None
    name: Name
    position: Placed | None
    """Code of 11.1002."""
    organization: Placed | None
    """OID of the organization the person acts for."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the document says about itself; None or empty where it says nothing."""

    id: InstanceId
    set_id: InstanceId
    version: Placed | None
    replaces: tuple[InstanceId, ...]
    templates: tuple[Placed, ...]
    code: Placed | None
    code_system: Placed | None
    title: Placed | None
    effective_time: Placed | None
    organization: Placed | None
    """OID of the organization that keeps the patient's record (providerOrganization)."""
    department: Placed | None
    """OID of its department where one is given: the organization's OID, `.0.` and a number."""
    custodian: Placed | None
    organization_regions: tuple[Placed, ...]
    patient: Patient
    participants: tuple[Participant, ...]
    protocol_number: Placed | None
    """Number of the commission's protocol (field 4059)."""
    protocol_date: Placed | None
    form: Placed | None
    """Wanted form of the expertise (field 12480): 1 in presence, 2 without."""
    bureau: Placed | None
    """OID of the bureau that is asked (performer of the act of code 34)."""
    bureau_regions: tuple[Placed, ...]

    @property
    def local_uid(self) -> Placed | None:
        """The UUID under which РЭМД knows this version, in lower case (§1.3 of its method)."""
        instance = self.id.extension
        if instance is None or not _UUID.fullmatch(instance):
            return None
        return Placed(instance.lower(), instance.where)

    def of(self, *parts: Part) -> tuple[Participant, ...]:
        """Return the participants with one of these parts, in document order."""
        return tuple(person for person in self.participants if person.part in parts)


@dataclass(frozen=True, slots=True)
class CdaDocument:
    """A parsed CDA document with the bytes it came in."""

    content: bytes = field(repr=False)
    tree: etree._ElementTree = field(repr=False)
    header: Header = field(repr=False)


def read_cda(content: bytes, limits: Limits = DEFAULT_LIMITS) -> CdaDocument:
    """Read a CDA document; the root must be HL7's `ClinicalDocument`.

    Raises `MalformedMessage` (`MessageTooLarge` among them) when it is not one.
    """
    tree = read_xml(content, limits)
    root = tree.getroot()
    if root.tag != f"{{{HL7}}}ClinicalDocument":
        raise MalformedMessage(
            f"the root is not ClinicalDocument of the namespace {HL7}", where=place_of(root)
        )
    return CdaDocument(content, tree, read_header(root))


def place_of(element: etree._Element, attribute: str = "") -> str:
    """Return the absolute positional XPath of an element or of its attribute.

    Names without a prefix are HL7's, as in the Ministry's own checks.
    """
    return Places().of(element, attribute)


class Places:
    """Places of many nodes of one tree that does not change: siblings are counted once."""

    def __init__(self) -> None:
        self._children: dict[etree._Element, dict[etree._Element, int]] = {}

    def of(self, element: etree._Element, attribute: str = "") -> str:
        """Return what `place_of` returns."""
        steps: list[str] = []
        step: etree._Element | None = element
        while step is not None:
            above = step.getparent()
            position = "" if above is None else f"[{self._position(step, above)}]"
            steps.append(f"{name_of(step.tag)}{position}")
            step = above
        path = "/" + "/".join(reversed(steps))
        return f"{path}/@{name_of(attribute)}" if attribute else path

    def _position(self, element: etree._Element, above: etree._Element) -> int:
        if above not in self._children:
            self._children[above] = _positions(above)
        return self._children[above][element]


def line_of(element: etree._Element) -> int:
    """Return the source line of an element, 0 when it was not read from a source."""
    line: object = element.sourceline
    return line if isinstance(line, int) else 0


def name_of(tag: str) -> str:
    """Return `{uri}local` as people write it: without HL7's prefix, with the known ones."""
    uri, _, local = tag.rpartition("}")
    uri = uri.removeprefix("{")
    if not uri or uri == HL7:
        return local
    prefix = _PREFIXES.get(uri)
    return f"{prefix}:{local}" if prefix else f"Q{{{uri}}}{local}"


def _positions(above: etree._Element) -> dict[etree._Element, int]:
    """Return where each child stands among those of its name."""
    seen: Counter[str] = Counter()
    positions = {}
    for child in above:
        seen[child.tag] += 1
        positions[child] = seen[child.tag]
    return positions


def read_header(root: etree._Element) -> Header:
    """Read the facts of the header; what is missing is None, nothing is raised."""
    places = Places()
    provider = _first(root, "h:recordTarget/h:patientRole/h:providerOrganization")
    act = _first(root, f"{_SECTION.format('SCOPORG')}/h:entry/h:act[h:code/@code='34']")
    bureau = _first(act, "h:performer/h:assignedEntity/h:representedOrganization")
    custodian = "h:custodian/h:assignedCustodian/h:representedCustodianOrganization/h:id"
    protocol = _first(act, "h:entryRelationship/h:observation[h:code/@code='4059']")
    form = f"{_SECTION.format('CONSENT')}/h:entry/h:observation[h:code/@code='12480']/h:value"
    return Header(
        id=_instance(places, _first(root, "h:id")),
        set_id=_instance(places, _first(root, "h:setId")),
        version=_attribute(places, root, "h:versionNumber", "value"),
        replaces=tuple(
            _instance(places, element)
            for element in _all(root, "h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id")
        ),
        templates=_attributes(places, root, "h:templateId", "root"),
        code=_attribute(places, root, "h:code", "code"),
        code_system=_attribute(places, root, "h:code", "codeSystem"),
        title=_text(places, root, "h:title"),
        effective_time=_attribute(places, root, "h:effectiveTime", "value"),
        organization=_attribute(places, provider, "h:id[1]", "root"),
        department=_department(places, root),
        custodian=_attribute(places, root, custodian, "root"),
        organization_regions=_attributes(places, provider, "h:addr/address:stateCode", "code"),
        patient=_patient(places, _first(root, "h:recordTarget/h:patientRole")),
        participants=tuple(_participants(places, root)),
        protocol_number=_text(places, protocol, "h:value"),
        protocol_date=_attribute(places, protocol, "h:effectiveTime", "value"),
        form=_attribute(places, root, form, "code"),
        bureau=_attribute(places, bureau, "h:id", "root"),
        bureau_regions=_attributes(places, bureau, "h:addr/address:stateCode", "code"),
    )


def _patient(places: Places, role: etree._Element | None) -> Patient:
    person = _first(role, "h:patient")
    return Patient(
        where="" if role is None else places.of(role),
        local_id=_instance(places, _first(role, f"h:id[not(@root='{_SNILS}')]")),
        snils=_attribute(places, role, f"h:id[@root='{_SNILS}']", "extension"),
        name=_name(places, _first(person, "h:name")),
        birth_date=_attribute(places, person, "h:birthTime", "value"),
        sex=_attribute(places, person, "h:administrativeGenderCode", "code"),
        regions=_attributes(places, role, "h:addr/address:stateCode", "code"),
    )


_PARTICIPANTS: Final = (
    (Part.AUTHOR, "h:author/h:assignedAuthor"),
    (Part.LEGAL_AUTHENTICATOR, "h:legalAuthenticator/h:assignedEntity"),
    (Part.CHAIR, "h:documentationOf/h:serviceEvent/h:performer[@typeCode='PPRF']/h:assignedEntity"),
    (
        Part.MEMBER,
        "h:documentationOf/h:serviceEvent/h:performer[@typeCode='SPRF']/h:assignedEntity",
    ),
)


def _participants(places: Places, root: etree._Element) -> Iterator[Participant]:
    for part, path in _PARTICIPANTS:
        for entity in _all(root, path):
            yield Participant(
                where=places.of(entity),
                part=part,
                local_id=_instance(places, _first(entity, f"h:id[not(@root='{_SNILS}')]")),
                snils=_attribute(places, entity, f"h:id[@root='{_SNILS}']", "extension"),
                name=_name(places, _first(entity, "h:assignedPerson/h:name")),
                position=_attribute(places, entity, "h:code", "code"),
                organization=_attribute(places, entity, "h:representedOrganization/h:id", "root"),
            )


def _department(places: Places, root: etree._Element) -> Placed | None:
    # ФРМО numbers a department below its organization (…12.2.77.8312.0.123456); which of the
    # places holds it is not published, so the first that has this form counts.
    paths = (
        "h:recordTarget/h:patientRole/h:providerOrganization/h:id",
        "h:author/h:assignedAuthor/h:representedOrganization/h:id",
        "h:custodian/h:assignedCustodian/h:representedCustodianOrganization/h:id",
    )
    found = (oid for path in paths for oid in _attributes(places, root, path, "root"))
    return next((oid for oid in found if _DEPARTMENT.fullmatch(oid)), None)


def _name(places: Places, name: etree._Element | None) -> Name:
    return Name(
        family=_text(places, name, "h:family"),
        given=_text(places, name, "h:given"),
        patronymic=_text(places, name, "identity:Patronymic"),
    )


def _instance(places: Places, element: etree._Element | None) -> InstanceId:
    return InstanceId(
        _attribute(places, element, ".", "root"), _attribute(places, element, ".", "extension")
    )


@cache
def _compiled(path: str) -> etree.XPath:
    return etree.XPath(path, namespaces=NAMESPACES)


def _all(element: etree._Element | None, path: str) -> list[etree._Element]:
    return [] if element is None else elements_of(_compiled(path)(element))


def _first(element: etree._Element | None, path: str) -> etree._Element | None:
    return next(iter(_all(element, path)), None)


def _attributes(
    places: Places, element: etree._Element | None, path: str, name: str
) -> tuple[Placed, ...]:
    return tuple(_each_attribute(places, element, path, name))


def _each_attribute(
    places: Places, element: etree._Element | None, path: str, name: str
) -> Iterator[Placed]:
    for found in _all(element, path):
        if value := (found.get(name) or "").strip():
            yield Placed(value, places.of(found, name))


def _attribute(
    places: Places, element: etree._Element | None, path: str, name: str
) -> Placed | None:
    return next(_each_attribute(places, element, path, name), None)


def _text(places: Places, element: etree._Element | None, path: str) -> Placed | None:
    found = _first(element, path)
    if found is None:
        return None
    value = "".join(str(text) for text in found.itertext()).strip()
    return Placed(value, places.of(found)) if value else None
