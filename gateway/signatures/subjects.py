"""Whom a certificate names, in the attributes of both countries.

Numbers are given as they stand; whether their check digits are right is asked elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.signatures import asn1

# Order of the ФСБ No. 795 on the form of qualified certificates, §§ 16-20, and RFC 5280 names.
_ATTRIBUTES: Final = {
    "2.5.4.3": "common_name",
    "2.5.4.4": "surname",
    "2.5.4.42": "given_name",
    "2.5.4.10": "organization",
    "2.5.4.12": "title",
    "1.2.643.100.3": "snils",
    "1.2.643.100.1": "ogrn",
    "1.2.643.3.131.1.1": "inn",
    "1.2.643.100.4": "organization_inn",
    "2.5.4.5": "iin",
    "2.5.4.11": "bin",
    "0.9.2342.19200300.100.1.1": "system",
}
# НУЦ РК writes what a number is before it, and a system's number below an arc of its own.
_FORMS: Final = {
    "iin": re.compile(r"IIN([0-9]{12})"),
    "bin": re.compile(r"BIN([0-9]{12})"),
    "system": re.compile(r"(1\.2\.398\.3\.3\.4\.1\.2\.6\.[0-9]+)"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the certificate names; an attribute that is not there is an empty string."""

    common_name: str = ""
    surname: str = ""
    given_name: str = ""
    organization: str = ""
    title: str = ""
    snils: str = ""
    ogrn: str = ""
    inn: str = ""
    organization_inn: str = ""
    iin: str = ""
    """ИИН, 12 digits: serialNumber `IIN…`."""
    bin: str = ""
    """БИН, 12 digits: organizationalUnitName `BIN…`."""
    system: str = ""
    """OID of an information system in Kazakhstan: UID `1.2.398.3.3.4.1.2.6.N`."""


def read_subject(name: asn1.Value) -> Subject:
    """Return what a Name says; of a repeated attribute the first that can be read counts."""
    found: dict[str, str] = {}
    for relative in name.members():
        for attribute in relative.members():
            known = _ATTRIBUTES.get(attribute.fields().take(asn1.OID).oid())
            text = _shape(known, _first_text(attribute)) if known else ""
            if known and text and known not in found:
                found[known] = text
    return Subject(**found)


def _shape(known: str, text: str) -> str:
    """Return the number inside a form of НУЦ РК, empty for any other text in its place."""
    form = _FORMS.get(known)
    if form is None:
        return text
    match = form.fullmatch(text)
    return match[1] if match else ""


def _first_text(attribute: asn1.Value) -> str:
    _, *values = attribute.members()
    return values[0].text() if values else ""
