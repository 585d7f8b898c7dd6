"""The assumed WSDL of РЭМД is whole, loads offline and agrees with what was captured."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import zeep
import zeep.transports
from lxml import etree

from gateway.resources import PROFILES

WSDL = PROFILES / "wsdl" / "remd"
PACKS = Path(os.environ.get("MSE_GATEWAY_PACKS", "/nonexistent"))  # noqa: TID251 - tests read it


class NoNetwork(zeep.transports.Transport):
    def load(self, url: str) -> bytes:
        if "://" in url and not url.startswith("file:"):
            raise AssertionError(f"asked the network for {url}")
        return Path(url.removeprefix("file://")).read_bytes()


def parse(path: Path) -> etree._ElementTree:
    return etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True))


@pytest.mark.parametrize(
    ("file", "operations"),
    [
        ("service.wsdl", {"registerDocument", "searchRegistryItem"}),
        ("callback.wsdl", {"getDocumentFile", "sendRegisterDocumentResult"}),
    ],
)
def test_zeep_finds_every_operation_in_both_versions_of_soap(
    file: str, operations: set[str]
) -> None:
    transport = NoNetwork()  # type: ignore[no-untyped-call]  # zeep is half typed
    client = zeep.Client(  # type: ignore[no-untyped-call]
        str(WSDL / file), transport=transport
    )

    (service,) = client.wsdl.services.values()
    bound = {name: set(port.binding._operations) for name, port in service.ports.items()}

    assert len(bound) == 2
    assert all(found == operations for found in bound.values())


@pytest.mark.packs
@pytest.mark.skipif(not PACKS.is_dir(), reason="MSE_GATEWAY_PACKS names no folder")
@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("callback.xsd", "ru/remd/success_registry.xml"),
        ("callback.xsd", "ru/remd/error_two_items.xml"),
        ("service.xsd", "ru/ips/searchRegistryItem_request.xml"),
    ],
)
def test_captured_body_is_valid_by_our_schema(schema: str, message: str) -> None:
    body = parse(PACKS / message).getroot().find("{*}Body")
    assert body is not None

    etree.XMLSchema(parse(WSDL / schema)).assertValid(body[0])
