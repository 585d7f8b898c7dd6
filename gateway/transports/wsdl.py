"""What a partner's WSDL and XSD say: its operations, and whether a body keeps to its schema.

zeep reads the WSDL and its types once, at the start, from files. It does not look at facets, so
bodies are judged by libxml2 against the schema itself, those that we write included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zeep
from lxml import etree
from zeep.wsdl.bindings.soap import SoapBinding

from gateway.errors import GatewayError, SettingError
from gateway.formats.soap import Version

_STRICT: Final = {
    "strict": True,
    "forbid_dtd": True,
    "forbid_entities": True,
    "forbid_external": True,
    "xml_huge_tree": False,
}
_LANGUAGE: Final = "http://www.w3.org/2001/XMLSchema"
_SCHEMA: Final = f"{{{_LANGUAGE}}}schema"
_INCLUDE: Final = f"{{{_LANGUAGE}}}include"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its name, action, and the Clark names of what goes in and comes out."""

    name: str
    action: str
    request: str
    response: str


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """A WSDL with its schema, read."""

    path: Path
    wsdl: bytes
    """The WSDL as it is served: with its schemas inside, for a reader has no files of ours."""
    operations: Mapping[str, Operation]
    """By name."""
    versions: frozenset[Version]
    schema: etree.XMLSchema

    def by_request(self, tag: object) -> Operation | None:
        """Return the operation whose request has this Clark name."""
        return next((one for one in self.operations.values() if one.request == tag), None)

    def fault_in(self, content: etree._Element) -> str:
        """Return why a body breaks the schema, without its content; empty when it does not."""
        if self.schema.validate(content):
            return ""
        # libxml2's sentence quotes the value; the kind of fault and the line do not.
        last: object = getattr(self.schema.error_log, "last_error", None)
        kind = str(getattr(last, "type_name", "unknown")).lower().replace("_", "-")
        where = f", line {getattr(last, 'line', 0)}"
        return f"the body breaks {self.path.with_suffix('.xsd').name} ({kind}{where})"


def read_contract(path: Path) -> Contract:
    """Read a WSDL with the schemas beside it. Raises SettingError naming the file."""
    try:
        bindings = _read_bindings(path)
        operations = {one.name: one for one in _operations(bindings)}
        return Contract(
            path=path,
            wsdl=_read_whole(path),
            operations=operations,
            versions=frozenset(_version(one) for one in bindings),
            schema=_read_schema(path),
        )
    except GatewayError:
        raise
    except Exception as error:  # zeep has no common base of its errors
        raise SettingError(f"the WSDL cannot be read: {error}", where=str(path)) from error


def _read_bindings(path: Path) -> list[SoapBinding]:
    client = zeep.Client(str(path), settings=zeep.Settings(**_STRICT))  # type: ignore[no-untyped-call] # zeep has no types here
    return [one for one in client.wsdl.bindings.values() if isinstance(one, SoapBinding)]


def _operations(bindings: list[SoapBinding]) -> Iterator[Operation]:
    for binding in bindings:
        for operation in binding.all().values():  # type: ignore[no-untyped-call] # as above
            yield Operation(
                name=operation.name,
                action=operation.soapaction or operation.name,
                request=str(operation.input.body.qname),
                response=str(operation.output.body.qname),
            )


def _version(binding: SoapBinding) -> Version:
    return Version.V12 if type(binding).__name__.startswith("Soap12") else Version.V11


def _read_whole(path: Path) -> bytes:
    """Return the WSDL with every included schema in the place of its `xs:include`."""
    tree = _read_file(path)
    for schema in list(tree.iter(_SCHEMA)):
        for include in schema.findall(_INCLUDE):
            included = _read_file(path.parent / include.get("schemaLocation", "")).getroot()
            for name, value in included.attrib.items():
                schema.set(name, value)
            schema.remove(include)
            schema.extend(included)
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=True)


def _read_schema(path: Path) -> etree.XMLSchema:
    """Return the schema of the types that the WSDL includes, each from its own file."""
    root = etree.Element(_SCHEMA, nsmap={"xs": _LANGUAGE})
    for schema in _read_file(path).iter(_SCHEMA):
        for include in schema.findall(_INCLUDE):
            location = (path.parent / include.get("schemaLocation", "")).resolve().as_uri()
            wanted = {"namespace": schema.get("targetNamespace", ""), "schemaLocation": location}
            etree.SubElement(root, f"{{{_LANGUAGE}}}import", wanted)
    return etree.XMLSchema(root)


def _read_file(path: Path) -> etree._ElementTree:
    return etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True))
