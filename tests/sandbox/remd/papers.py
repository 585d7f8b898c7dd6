"""A bundled referral as a МИС would bring it: the file, its signatures, what is said of it."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from lxml import etree

from gateway.samples.maker import Maker

SERVICE = "http://egisz.rosminzdrav.ru/iehr/emdr/service/"
SHA_256 = "2.16.840.1.101.3.4.2.1"
HL7 = {"h": "urn:hl7-org:v3", "identity": "urn:hl7-ru:identity"}
Seal = Callable[[str, bytes], bytes]
"""Signs bytes by the key of this name in pki.toml."""


@dataclass(frozen=True)
class TwoIds:
    """The first id asked for, then others."""

    first: str
    _left: list[str] = field(default_factory=list)

    def new(self) -> str:
        self._left.append("")
        number = len(self._left)
        return self.first if number == 1 else f"{self.first[:-4]}{number:04x}"


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A document; change a field with `replace` to make it wrong."""

    content: bytes
    local_uid: str
    organization: str
    number: str
    created: str
    patient: dict[str, str]
    signers: tuple[tuple[str, dict[str, str]], ...]
    """Name of the certificate, and what is said of the person."""
    seal: Seal
    organization_certificate: str
    kind: str = "121"
    digest: bytes | None = None
    containers: dict[str, bytes] = field(default_factory=dict)
    """By certificate: what is sent instead of a right signature."""

    def request(self) -> etree._Element:
        """Write the registerDocumentRequest."""
        root = etree.Element(f"{{{SERVICE}}}registerDocumentRequest", nsmap={"ser": SERVICE})
        for name, value in (
            ("localUid", self.local_uid),
            ("kind", self.kind),
            ("organization", self.organization),
            ("documentNumber", self.number),
            ("creationDate", self.created),
        ):
            add(root, name, value)
        self._write_patient(add(root, "patient"))
        file = add(root, "documentFile")
        digest = self.digest or hashlib.sha256(self.content).digest()
        add(file, "digest", base64.b64encode(digest).decode()).set("algorithm", SHA_256)
        add(file, "size", str(len(self.content)))
        if self.organization_certificate:
            self._write_signature(root, "orgSignature", self.organization_certificate)
        signatures = add(root, "personalSignatures")
        for certificate, person in self.signers:
            item = add(signatures, "item")
            self._write_signer(add(item, "signer"), person)
            self._write_signature(item, "signature", certificate)
        return root

    def _write_patient(self, patient: etree._Element) -> None:
        for name in ("localId", "lastName", "firstName", "middleName", "birthDate"):
            add(patient, name, self.patient[name])
        add(patient, "gender", self.patient["gender"]).set("version", "2.1")
        add(patient, "snils", self.patient["snils"])

    def _write_signer(self, signer: etree._Element, person: dict[str, str]) -> None:
        add(signer, "localId", person["localId"])
        add(signer, "role", person["role"]).set("version", "2.8")
        for name in ("lastName", "firstName", "middleName", "snils"):
            add(signer, name, person[name])
        add(signer, "position", person["position"]).set("version", "9.6")

    def _write_signature(self, parent: etree._Element, name: str, certificate: str) -> None:
        made = self.containers.get(certificate) or self.seal(certificate, self.content)
        signature = add(parent, name)
        add(signature, "data", base64.b64encode(made).decode())
        add(signature, "checkSum", str(zlib.crc32(made)))


def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{SERVICE}}}{name}")
    element.text = text
    return element


def make_paper(number: int, local_uid: str, now: datetime, seal: Seal) -> Paper:
    """Stamp the bundled referral and describe it truly."""
    sample = Maker().make(number, now=now, ids=TwoIds(local_uid), example="adult-in-person")
    root = etree.fromstring(sample.content, etree.XMLParser(resolve_entities=False))
    role = _one(root, "h:recordTarget/h:patientRole")
    written = _value(root, "h:effectiveTime/@value")
    form = "%Y%m%d%H%M%S%z" if len(written) > 17 else "%Y%m%d%H%M%z"
    born = _value(role, "h:patient/h:birthTime/@value")
    return Paper(
        content=sample.content,
        local_uid=sample.local_uid,
        organization=sample.organization,
        number=sample.protocol_number,
        created=datetime.strptime(written, form).astimezone(UTC).isoformat(),
        patient={
            **_read_person(role, "h:patient"),
            "birthDate": f"{born[:4]}-{born[4:6]}-{born[6:8]}",
            "gender": _value(role, "h:patient/h:administrativeGenderCode/@code"),
        },
        signers=(("ru-clinic77-chair", dict(_read_chair(root))),),
        seal=seal,
        organization_certificate="ru-clinic77-organization",
    )


def spoil(paper: Paper, old: str, new: str) -> Paper:
    """Change the file before it is signed, so that only the description is wrong."""
    assert old.encode() in paper.content
    return replace(paper, content=paper.content.replace(old.encode(), new.encode()))


def _read_chair(root: etree._Element) -> Iterator[tuple[str, str]]:
    entity = _one(root, "h:legalAuthenticator/h:assignedEntity")
    yield from _read_person(entity, "h:assignedPerson").items()
    yield "role", "14"
    yield "position", _value(entity, "h:code/@code")


def _read_person(element: etree._Element, inside: str) -> dict[str, str]:
    return {
        "localId": _value(element, "h:id[not(@root='1.2.643.100.3')]/@extension"),
        "snils": _value(element, "h:id[@root='1.2.643.100.3']/@extension"),
        "lastName": _value(element, f"{inside}/h:name/h:family/text()"),
        "firstName": _value(element, f"{inside}/h:name/h:given/text()"),
        "middleName": _value(element, f"{inside}/h:name/identity:Patronymic/text()"),
    }


def _one(element: etree._Element, path: str) -> etree._Element:
    found = element.xpath(path, namespaces=HL7)
    assert isinstance(found, list)
    assert isinstance(found[0], etree._Element)
    return found[0]


def _value(element: etree._Element, path: str) -> str:
    found = element.xpath(path, namespaces=HL7)
    assert isinstance(found, list)
    return str(found[0])
