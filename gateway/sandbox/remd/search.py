"""searchRegistryItem: what the registry knows, page by page."""

from __future__ import annotations

from lxml import etree

from gateway.sandbox.remd.metadata import read_moment
from gateway.sandbox.remd.reception import write_response
from gateway.sandbox.remd.records import Registration, Search
from gateway.sandbox.remd.registry import Registry
from gateway.sandbox.remd.result import STATUS
from gateway.sandbox.remd.soap import SERVICE

RESPONSE = "searchRegistryItemResponse"


def read_search(request: etree._Element, registry: Registry, page_size: int) -> Search:
    """Read a request that the schema has passed; pages are never larger than `page_size`."""
    said = {etree.QName(child).localname: (child.text or "").strip() for child in request}
    begin, end = said.get("registerDateBegin"), said.get("registerDateEnd")
    return Search(
        organization=said["organization"],
        kind=said.get("kind", ""),
        begin=read_moment(begin) if begin else None,
        end=read_moment(end) if end else None,
        patient=registry.hide(said.get("patientSnils", "")),
        page=int(said.get("page", "1")),
        page_size=min(page_size, int(said.get("pageSize", page_size))),
    )


def write_matches(search: Search, found: list[Registration], total: int) -> etree._Element:
    """Write one page; `hasMore` false says that nothing is left out."""
    response = write_response(RESPONSE, ())
    matches = etree.SubElement(response, f"{{{SERVICE}}}matches")
    for registration in found:
        _write_match(matches, registration)
    has_more = search.page * search.page_size < total
    for name, value in (
        ("page", str(search.page)),
        ("total", str(total)),
        ("hasMore", "true" if has_more else "false"),
    ):
        etree.SubElement(response, f"{{{SERVICE}}}{name}").text = value
    return response


def _write_match(matches: etree._Element, registration: Registration) -> None:
    item = etree.SubElement(matches, f"{{{SERVICE}}}item")
    for name, value in (
        ("localUid", registration.local_uid),
        ("emdrId", registration.number),
        ("registrationDateTime", registration.at.isoformat()),
        ("kind", registration.kind),
        ("organization", registration.organization),
        ("documentNumber", registration.document_number),
        ("creationDateTime", registration.created.isoformat()),
        ("documentStatus", STATUS),
    ):
        etree.SubElement(item, f"{{{SERVICE}}}{name}").text = value
