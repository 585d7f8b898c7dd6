"""The body of registerDocumentResult, as it should be and as it sometimes is."""

from __future__ import annotations

from lxml import etree

from gateway.sandbox.remd.records import Attempt, Registration
from gateway.sandbox.remd.soap import CALLBACK
from gateway.sandbox.scenario import ErrorItem, Form

STATUS = "Зарегистрировано"
_BARE = (Form.NO_IDENTIFIERS,)


def write_result(
    attempt: Attempt,
    registration: Registration | None,
    errors: tuple[ErrorItem, ...],
    form: Form = Form.WELL,
) -> etree._Element:
    """Write success with the registry's entry, or else the errors."""
    result = etree.Element(f"{{{CALLBACK}}}registerDocumentResult", nsmap={"cb": CALLBACK})
    if form is Form.UNKNOWN_RELATES_TO:
        _add(result, "relatesToMessage", "00000000-0000-4000-8000-000000000000")
    elif form is not Form.NO_RELATES_TO:
        _add(result, "relatesToMessage", attempt.message_id)
    _add(result, "status", "error" if registration is None else "success")
    if form not in _BARE:
        _write_identifiers(result, attempt, form)
    if registration is None:
        _write_errors(result, errors, form)
    elif form not in _BARE:
        _write_item(result, registration)
    return result


def _write_identifiers(result: etree._Element, attempt: Attempt, form: Form) -> None:
    _add(result, "localUid", attempt.local_uid)
    if form is Form.NESTED_KIND:
        _add(_add(result, "kind", None), "code", attempt.kind)
    else:
        _add(result, "kind", attempt.kind)
    _add(result, "organization", attempt.organization)


def _write_item(result: etree._Element, registration: Registration) -> None:
    item = _add(result, "registryItem", None)
    at = registration.at.isoformat()
    _add(item, "emdrId", registration.number)
    _add(item, "registrationDate", at)
    _add(item, "registrationDateTime", at)
    _add(item, "creationDateTime", registration.created.isoformat())
    _add(item, "documentNumber", registration.document_number)
    _add(item, "documentStatus", STATUS)


def _write_errors(result: etree._Element, errors: tuple[ErrorItem, ...], form: Form) -> None:
    outside = _add(result, "errors", None)
    for error in errors:
        item = _add(outside, "item", None)
        _add(item, "code", error.code)
        _add(item, "message", "" if form is Form.EMPTY_MESSAGE else error.message)


def _add(parent: etree._Element, name: str, text: str | None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{CALLBACK}}}{name}")
    element.text = text
    return element
