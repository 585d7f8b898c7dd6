"""РЭМД's own words: what we write into its requests and read out of what it says.

All element names stand here and in `profiles/wsdl/remd`, which is an assumption of ours.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from lxml import etree

from gateway.endpoints.remd.faults import ErrorItem
from gateway.errors import HouseError, MalformedMessage
from gateway.ports import Reference
from gateway.signatures.algorithms import DigestAlgorithm
from gateway.transports.ips import canonical_id

SERVICE: Final = "http://egisz.rosminzdrav.ru/iehr/emdr/service/"
CALLBACK: Final = "http://egisz.rosminzdrav.ru/iehr/emdr/callback/"
MOSCOW: Final = timezone(timedelta(hours=3))
_ROLES_VERSION: Final = "2.8"  # НСИ 1.2.643.5.1.13.13.99.2.368
_REGISTERED: Final = re.compile(r"зарегистр", re.IGNORECASE)
"""How the status of a standing entry begins; «Не зарегистрировано» has it further on."""
_UUID: Final = rb"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
_HINTS: Final = {
    "message_id": re.compile(
        rb"[rR]elatesTo(?:Message)?[^>]{0,200}>\s*(?:urn:uuid:)?(" + _UUID + rb")"
    ),
    "local_uid": re.compile(rb"localUid[^>]{0,200}>\s*(" + _UUID + rb")"),
    "number": re.compile(rb"emdrId[^>]{0,200}>\s*([0-9]{1,5}(?:\.[0-9]{1,12}){2,8})\s*<"),
}
_HEAD: Final = 64 * 2**10


@dataclass(frozen=True, slots=True)
class PersonalSignature:
    """A signer as the document names the person, the role signed in, and the CMS."""

    signer: Mapping[str, Any] = field(repr=False)
    role: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What registerDocument says of a document."""

    form: Mapping[str, Any] = field(repr=False)
    kind: str
    digest: bytes
    digest_algorithm: DigestAlgorithm
    size: int
    organization_signature: bytes = field(repr=False)
    personal: tuple[PersonalSignature, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """One registered document."""

    local_uid: str
    number: str
    registered_at: datetime | None
    status: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search; `more` is None when the answer does not say whether it is the last."""

    matches: tuple[Match, ...]
    more: bool | None
    errors: tuple[ErrorItem, ...]
    success: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A registerDocumentResult."""

    relates_to: str
    success: bool
    local_uid: str
    organization: str
    match: Match | None
    errors: tuple[ErrorItem, ...]


# --- requests ---------------------------------------------------------------------------------


def write_registration(told: Registration) -> etree._Element:
    """Return `registerDocumentRequest`; the file itself is fetched from us later."""
    form = told.form
    root = etree.Element(f"{{{SERVICE}}}registerDocumentRequest", nsmap={"ser": SERVICE})
    _put(root, "localUid", form["local_uid"])
    _put(root, "kind", told.kind)
    _put(root, "organization", form["organization"])
    _put(root, "department", form.get("department"))
    _put(root, "documentNumber", form["number"])
    _put(root, "creationDate", form["created"])
    _write_patient(_put(root, "patient"), form["patient"])
    file = _put(root, "documentFile")
    digest = _put(file, "digest", base64.b64encode(told.digest).decode("ascii"))
    digest.set("algorithm", told.digest_algorithm.oid)
    _put(file, "size", str(told.size))
    _write_signature(_put(root, "orgSignature"), told.organization_signature)
    signatures = _put(root, "personalSignatures")
    for one in told.personal:
        item = _put(signatures, "item")
        _write_signer(_put(item, "signer"), one)
        _write_signature(_put(item, "signature"), one.content)
    return root


def _write_patient(patient: etree._Element, form: Mapping[str, Any]) -> None:
    _put(patient, "localId", form["local_id"])
    _write_name(patient, form)
    _put(patient, "birthDate", form["birth_date"])
    _put_versioned(patient, "gender", form["sex"])
    _put(patient, "snils", form["snils"])


def _write_signer(signer: etree._Element, one: PersonalSignature) -> None:
    form = one.signer
    _put(signer, "localId", form["local_id"])
    _put_versioned(signer, "role", {"code": one.role, "version": _ROLES_VERSION})
    _write_name(signer, form)
    _put(signer, "snils", form["snils"])
    _put_versioned(signer, "position", form["position"])
    _put(signer, "department", form.get("department"))


def _write_name(parent: etree._Element, form: Mapping[str, Any]) -> None:
    _put(parent, "lastName", form["family"])
    _put(parent, "firstName", form["given"])
    _put(parent, "middleName", form.get("patronymic"))


def _write_signature(parent: etree._Element, content: bytes) -> None:
    # checkSum is left out: it is optional, and its algorithm is published nowhere.
    _put(parent, "data", base64.b64encode(content).decode("ascii"))


def write_search(
    *, organization: str, kind: str, snils: str, since: datetime, until: datetime, page: int
) -> etree._Element:
    """Return `searchRegistryItemRequest`; the moments are written in Moscow's time."""
    root = etree.Element(f"{{{SERVICE}}}searchRegistryItemRequest", nsmap={"ser": SERVICE})
    _put(root, "organization", organization)
    _put(root, "kind", kind)
    _put(root, "registerDateBegin", _moscow(since))
    _put(root, "registerDateEnd", _moscow(until))
    _put(root, "patientSnils", snils)
    _put(root, "page", str(page))
    return root


# --- our answers ------------------------------------------------------------------------------


def write_file(local_uid: str, document: bytes) -> etree._Element:
    """Return `getDocumentFileResponse` with the file."""
    root = etree.Element(f"{{{CALLBACK}}}getDocumentFileResponse", nsmap={"cb": CALLBACK})
    _put(root, "status", "success")
    _put(root, "localUid", local_uid)
    _put(root, "document", base64.b64encode(document).decode("ascii"))
    return root


def write_acknowledgement(errors: Iterable[ErrorItem] = ()) -> etree._Element:
    """Return `sendRegisterDocumentResultResponse`; with errors: that it could not be read."""
    root = etree.Element(
        f"{{{CALLBACK}}}sendRegisterDocumentResultResponse", nsmap={"cb": CALLBACK}
    )
    told = tuple(errors)
    _put(root, "status", "error" if told else "success")
    if told:
        listed = _put(root, "errors")
        for error in told:
            item = _put(listed, "item")
            _put(item, "code", error.code)
            _put(item, "message", error.message)
    return root


# --- what РЭМД says ---------------------------------------------------------------------------


def read_status(reply: etree._Element) -> tuple[bool, tuple[ErrorItem, ...]]:
    """Return whether a reply says success, and its errors."""
    return _text(reply, "status") == "success", tuple(_errors(reply))


def read_page(reply: etree._Element) -> Page:
    """Return a `searchRegistryItemResponse`."""
    success, errors = read_status(reply)
    more = {"true": True, "1": True, "false": False, "0": False}.get(_text(reply, "hasMore"))
    items = reply.iterfind("{*}matches/{*}item")
    return Page(tuple(_match(one) for one in items), more, errors, success)


def read_result(content: etree._Element) -> Result:
    """Return a `registerDocumentResult`. Raises MalformedMessage for a date that is none."""
    success, errors = read_status(content)
    item = content.find("{*}registryItem")
    return Result(
        relates_to=_text(content, "relatesToMessage"),
        success=success,
        local_uid=_text(content, "localUid").lower(),
        organization=_text(content, "organization"),
        match=None if item is None else _match(item),
        errors=errors,
    )


def read_file_request(content: etree._Element) -> str:
    """Return the `localUid` that a getDocumentFile asks for, in lower case."""
    return _text(content, "localUid").lower()


def flatten_kind(content: etree._Element) -> None:
    """Turn `<kind><code>187</code></kind>`, as seen in the field, into the plain form."""
    for kind in content.iterfind("{*}kind"):
        code = kind.find("{*}code")
        if code is not None and len(kind) == 1:
            kind.text = code.text
            kind.remove(code)


def says_registered(match: Match) -> bool:
    """Tell whether a registry entry stands: its status says so, or it has none."""
    return not match.status or _REGISTERED.match(match.status) is not None


def guess_reference(message: bytes) -> Reference:
    """Return what unreadable bytes claim to be about; proves nothing."""
    head = message[:_HEAD]
    found = {name: pattern.search(head) for name, pattern in _HINTS.items()}
    told = {name: match[1].decode("ascii") for name, match in found.items() if match}
    return Reference(
        message_id=canonical_id(told.get("message_id", "")),
        local_uid=canonical_id(told.get("local_uid", "")),
        number=told.get("number", ""),
    )


def _match(item: etree._Element) -> Match:
    moment = _text(item, "registrationDateTime") or _text(item, "registrationDate")
    return Match(
        local_uid=_text(item, "localUid").lower(),
        number=_text(item, "emdrId"),
        registered_at=_moment(moment),
        status=_text(item, "documentStatus"),
    )


def _moment(text: str) -> datetime | None:
    """Read an xs:dateTime; without a zone it is Moscow's."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedMessage("a moment of registration is none") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=MOSCOW)


def _moscow(moment: datetime) -> str:
    return moment.astimezone(MOSCOW).isoformat(timespec="seconds")


def _errors(reply: etree._Element) -> Iterator[ErrorItem]:
    for item in reply.iterfind("{*}errors/{*}item"):
        yield ErrorItem(_text(item, "code"), _text(item, "message"))


def _text(parent: etree._Element, name: str) -> str:
    return (parent.findtext(f"{{*}}{name}") or "").strip()


def _put(parent: etree._Element, name: str, text: str | None = "") -> etree._Element:
    """Append an element of the parent's namespace; None: append nothing."""
    child = etree.Element(f"{{{etree.QName(parent).namespace}}}{name}")
    if text is None:
        return child
    try:
        child.text = text or None
    except ValueError as error:
        raise HouseError("a value holds characters that XML forbids", where=name) from error
    parent.append(child)
    return child


def _put_versioned(parent: etree._Element, name: str, value: Mapping[str, str]) -> None:
    element = _put(parent, name, value["code"])
    if value.get("version"):
        element.set("version", value["version"])
