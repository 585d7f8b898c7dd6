"""Whether the fetched file is the CDA that the request described.

The cross-checks of request against document: id, dates, organisation in its three places,
patient, signers, who gave it legal force. Texts name places, never values.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.sandbox.remd.codes import say
from gateway.sandbox.remd.metadata import Metadata, Person, PersonalSignature, snils_digits
from gateway.sandbox.remd.soap import parse
from gateway.sandbox.scenario import ErrorItem
from gateway.settings import read

HL7 = "urn:hl7-org:v3"
SNILS_ROOT = "1.2.643.100.3"
_NS = {"h": HL7, "identity": "urn:hl7-ru:identity"}
_STAFF = "h:author/h:assignedAuthor | h:legalAuthenticator/h:assignedEntity | //h:performer/*"
_ORGANIZATIONS = {
    "providerOrganization": "h:recordTarget/h:patientRole/h:providerOrganization",
    "representedCustodianOrganization": (
        "h:custodian/h:assignedCustodian/h:representedCustodianOrganization"
    ),
    "representedOrganization": "h:author/h:assignedAuthor/h:representedOrganization",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRules:
    """What a kind of document asks for; see kinds.toml."""

    template: str = ""
    organization_signature: bool = False
    role: str = ""
    performer: str = ""


@cache
def _kinds() -> dict[str, KindRules]:
    table = tomllib.loads((Path(__file__).parent / "kinds.toml").read_text(encoding="utf-8"))
    return {kind: read(KindRules, rules, f"kinds.{kind}") for kind, rules in table.items()}


def rules_of(kind: str) -> KindRules:
    """Return what this kind asks for."""
    return _kinds().get(kind, KindRules())


def find_mismatches(file: bytes, metadata: Metadata) -> tuple[ErrorItem, ...]:
    """Return every contradiction between the file and what was said of it."""
    try:
        document = parse(file)
    except MalformedMessage as error:
        return (say("INVALID_CONTENT", error.text),)
    if document.tag != f"{{{HL7}}}ClinicalDocument":
        return (say("INVALID_CONTENT", "не ClinicalDocument"),)
    return (
        *_check_header(document, metadata),
        *_check_organization(document, metadata),
        *_check_patient(document, metadata),
        *_check_signers(document, metadata),
    )


def _check_header(document: etree._Element, metadata: Metadata) -> Iterator[ErrorItem]:
    identifiers = _values(document, "h:id/@extension")
    if [one.lower() for one in identifiers] != [metadata.local_uid.lower()]:
        yield say("ATTRIBUTE_MISMATCH", "ClinicalDocument/id не равен localUid")
    template = rules_of(metadata.kind).template
    if template and template not in _values(document, "h:templateId/@root"):
        yield say("INVALID_CONTENT", "templateId не соответствует виду документа")
    if not _same_moment("".join(_values(document, "h:effectiveTime/@value")), metadata):
        yield say("VALIDATION_ERROR", "effectiveTime не равен дате создания в запросе")


_HL7_TIME = re.compile(r"(\d{8})(\d{4}(?:\d{2})?)?(?:\.\d+)?([+-]\d{4})?")


def _same_moment(written: str, metadata: Metadata) -> bool:
    """Compare to the precision and in the zone that the document is written with."""
    match = _HL7_TIME.fullmatch(written)
    if match is None:
        return False
    day, clock, zone = match.groups()
    created = metadata.created
    try:
        if zone:
            created = created.astimezone(datetime.strptime(zone, "%z").tzinfo)
    except (ValueError, OverflowError):  # +29:00 is no zone
        return False
    return created.strftime("%Y%m%d%H%M%S").startswith(day + (clock or ""))


def _check_organization(document: etree._Element, metadata: Metadata) -> Iterator[ErrorItem]:
    for name, path in _ORGANIZATIONS.items():
        places = _elements(document, path)
        right = [metadata.organization in _values(place, "h:id/@root") for place in places]
        if not right or not all(right):
            yield say("VALIDATION_ERROR", f"организация в {name} не равна организации в запросе")


def _check_patient(document: etree._Element, metadata: Metadata) -> Iterator[ErrorItem]:
    roles = _elements(document, "h:recordTarget/h:patientRole")
    if len(roles) != 1:
        yield say("VALIDATION_ERROR", "recordTarget/patientRole")
        return
    (role,) = roles
    patient = metadata.patient
    found = _read_person(role, "h:patient")
    for name in ("local_id", "last_name", "first_name", "middle_name", "snils"):
        if getattr(found, name) != getattr(patient, name):
            yield say("VALIDATION_ERROR", f"пациент: {name} отличается от указанного в запросе")
    birth = "".join(_values(role, "h:patient/h:birthTime/@value"))
    if birth[:8] != metadata.birth_date.strftime("%Y%m%d"):
        yield say("VALIDATION_ERROR", "пациент: birthTime отличается от указанного в запросе")
    if _values(role, "h:patient/h:administrativeGenderCode/@code") != [metadata.gender]:
        yield say("VALIDATION_ERROR", "пациент: пол отличается от указанного в запросе")


def _check_signers(document: etree._Element, metadata: Metadata) -> Iterator[ErrorItem]:
    staff: dict[str, list[Person]] = {}
    for element in _elements(document, _STAFF):
        person = _read_person(element, "h:assignedPerson")
        staff.setdefault(person.snils, []).append(person)
    for signature in metadata.personal_signatures:
        yield from _check_signer(staff.get(signature.person.snils, []), signature)
    signers = {signature.person.snils for signature in metadata.personal_signatures}
    for element in _elements(document, "h:legalAuthenticator/h:assignedEntity"):
        if _read_person(element, "h:assignedPerson").snils not in signers:
            yield say("LEGAL_AUTHENTICATOR_NOT_FOUND")
    yield from _check_chair(document, metadata)


def _check_signer(places: list[Person], signature: PersonalSignature) -> Iterator[ErrorItem]:
    person = signature.person
    if not places:
        yield say("INVALID_DOCTOR_INFO")
        return
    for code, name in (
        ("INVALID_DOCTOR_ID", "local_id"),
        ("INVALID_DOCTOR_FAMILY", "last_name"),
        ("INVALID_DOCTOR_NAME", "first_name"),
        ("INVALID_DOCTOR_PATRONYMIC", "middle_name"),
    ):
        if any(getattr(place, name) != getattr(person, name) for place in places):
            yield say(code)


def _check_chair(document: etree._Element, metadata: Metadata) -> Iterator[ErrorItem]:
    rules = rules_of(metadata.kind)
    if not rules.performer:
        return
    path = f"h:documentationOf/h:serviceEvent/h:performer[@typeCode='{rules.performer}']/*"
    leading = {
        _read_person(element, "h:assignedPerson").snils for element in _elements(document, path)
    }
    signing = {
        signature.person.snils
        for signature in metadata.personal_signatures
        if signature.role == rules.role
    }
    if leading != signing:
        yield say("ROLE_OCCURRENCE_MISMATCH", "подписал не председатель врачебной комиссии")


def _read_person(element: etree._Element, inside: str) -> Person:
    """Read who is written in a role: first the МИС's id, somewhere the СНИЛС, and one name."""
    snils = _values(element, f"h:id[@root='{SNILS_ROOT}']/@extension")
    local = _values(element, f"h:id[not(@root='{SNILS_ROOT}')]/@extension")
    name = f"{inside}/h:name"
    given = _values(element, f"{name}/h:given/text()")
    patronymic = _values(element, f"{name}/identity:Patronymic/text()") or given[1:]
    return Person(
        local_id=local[0] if local else "",
        last_name="".join(_values(element, f"{name}/h:family/text()")),
        first_name=given[0] if given else "",
        middle_name=patronymic[0] if patronymic else "",
        snils=snils_digits("".join(snils)),
    )


def _elements(element: etree._Element, path: str) -> list[etree._Element]:
    found = element.xpath(path, namespaces=_NS)
    return list(found)  # type: ignore[arg-type] # a path to elements


def _values(element: etree._Element, path: str) -> list[str]:
    found = element.xpath(path, namespaces=_NS)
    return [str(one).strip() for one in found]  # type: ignore[union-attr] # a path to text
