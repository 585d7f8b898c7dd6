"""What a МИС says of its document in registerDocument: checked by the XSD, then read."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache

from lxml import etree

from gateway.resources import PROFILES
from gateway.sandbox.remd.codes import say
from gateway.sandbox.remd.soap import SERVICE
from gateway.sandbox.scenario import ErrorItem

WSDL = PROFILES / "wsdl" / "remd"
MOST_ITEMS = 20
"""More violations of the schema than this are not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Names and numbers of a patient or a signer; `snils` in digits only."""

    local_id: str
    last_name: str
    first_name: str
    middle_name: str
    snils: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalSignature:
    """One signer with the container of their signature."""

    person: Person = field(repr=False)
    role: str
    """Code in НСИ 1.2.643.5.1.13.13.99.2.368."""
    container: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A registerDocumentRequest."""

    local_uid: str
    kind: str
    organization: str
    document_number: str
    created: datetime
    patient: Person = field(repr=False)
    birth_date: date = field(repr=False)
    gender: str = field(repr=False)
    digest_oid: str
    digest: bytes = field(repr=False)
    size: int
    organization_signature: bytes = field(repr=False)
    """The container; empty when there is none."""
    personal_signatures: tuple[PersonalSignature, ...]


def find_faults(body: etree._Element) -> tuple[ErrorItem, ...]:
    """Return what the schema and the checksums say against a request; values are not repeated."""
    schema = _schema()
    if not schema.validate(body):
        lines = dict.fromkeys(map(_tell, schema.error_log))  # type: ignore[call-overload] # iterable
        return tuple(say("VALIDATION_ERROR", line) for line in list(lines)[:MOST_ITEMS])
    return (*_find_impossible_moments(body), *_find_wrong_sums(body))


def read_metadata(body: etree._Element) -> Metadata:
    """Read a request that has no faults."""
    patient = _need(body, "patient")
    file = _need(body, "documentFile")
    digest = _need(file, "digest")
    return Metadata(
        local_uid=_text(body, "localUid"),
        kind=_text(body, "kind"),
        organization=_text(body, "organization"),
        document_number=_text(body, "documentNumber"),
        created=read_moment(_text(body, "creationDate")),
        patient=_read_person(patient),
        birth_date=date.fromisoformat(_text(patient, "birthDate")[:10]),
        gender=_text(patient, "gender"),
        digest_oid=digest.get("algorithm", ""),
        digest=_decode(digest.text),
        size=int(_text(file, "size")),
        organization_signature=_decode(body.findtext(_path("orgSignature", "data"))),
        personal_signatures=tuple(
            PersonalSignature(
                person=_read_person(_need(item, "signer")),
                role=_text(item, "signer", "role"),
                container=_decode(item.findtext(_path("signature", "data"))),
            )
            for item in body.iterfind(_path("personalSignatures", "item"))
        ),
    )


def read_moment(text: str) -> datetime:
    """Read an xs:dateTime; one without a zone is taken as UTC."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def snils_digits(text: str) -> str:
    """Return the eleven digits of a СНИЛС however it is written."""
    return "".join(filter(str.isdigit, text))


def snils_holds(text: str) -> bool:
    """Tell whether the control number is right (постановление Правления ПФР 02.10.2019 № 485п)."""
    digits = snils_digits(text)
    if len(digits) != 11:
        return False
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(digits[:9]))
    return total % 101 % 100 == int(digits[9:])


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(WSDL / "service.xsd"))


def _tell(error: etree._LogEntry) -> str:
    """Say where and which rule, without the value that libxml2 quotes."""
    place = "/".join(step.rpartition(":")[2] for step in (error.path or "").split("/"))
    return f"{place} ({error.type_name})"


def _find_impossible_moments(body: etree._Element) -> Iterable[ErrorItem]:
    """Find what the schema calls a moment and no calendar of ours has: 24:00, the year 12026."""
    for name in ("creationDate", "birthDate", "registerDateBegin", "registerDateEnd"):
        for element in body.iter(f"{{{SERVICE}}}{name}"):
            text = (element.text or "").strip()
            try:
                read_moment(text[:10] if name == "birthDate" else text).astimezone(UTC)
            except (ValueError, OverflowError):
                yield say("VALIDATION_ERROR", f"такого времени нет: {name}")


def _find_wrong_sums(body: etree._Element) -> Iterable[ErrorItem]:
    tree = body.getroottree()
    for element in body.iter(f"{{{SERVICE}}}snils", f"{{{SERVICE}}}patientSnils"):
        if not snils_holds(element.text or ""):
            where = _strip(tree.getelementpath(element))
            yield say("VALIDATION_ERROR", f"контрольное число СНИЛС: {where}")
    for element in body.iter(f"{{{SERVICE}}}checkSum"):
        container = element.getparent()
        content = None if container is None else container.findtext(_path("data"))
        if content is not None and zlib.crc32(_decode(content)) != int(element.text or ""):
            yield say("VALIDATION_ERROR", f"checkSum: {_strip(tree.getelementpath(element))}")


def _strip(path: str) -> str:
    return path.replace(f"{{{SERVICE}}}", "")


def _read_person(element: etree._Element) -> Person:
    return Person(
        local_id=_text(element, "localId"),
        last_name=_text(element, "lastName"),
        first_name=_text(element, "firstName"),
        middle_name=element.findtext(_path("middleName"), "").strip(),
        snils=snils_digits(_text(element, "snils")),
    )


def _path(*names: str) -> str:
    return "/".join(f"{{{SERVICE}}}{name}" for name in names)


def _need(element: etree._Element, *names: str) -> etree._Element:
    found = element.find(_path(*names))
    if found is None:
        raise ValueError(f"{'/'.join(names)} is missing from a request that the schema passed")
    return found


def _text(element: etree._Element, *names: str) -> str:
    return (_need(element, *names).text or "").strip()


def _decode(text: str | None) -> bytes:
    return base64.b64decode("".join((text or "").split()))
