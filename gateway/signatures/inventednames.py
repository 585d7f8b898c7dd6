"""The names that stand in the certificates of the test PKI, as each country writes them."""

from __future__ import annotations

from gateway.signatures.declaration import Declaration, Organization, Person, Wanted
from gateway.signatures.issuing import make_name


def name_subject(declaration: Declaration, wanted: Wanted) -> bytes:
    """Return the DER Name of an organisation, of a person who works there, or of its system."""
    house = declaration.organizations[wanted.organization]
    person = house.people[wanted.person] if wanted.person else None
    if house.country == "KZ":
        return _in_kazakhstan(house, person)
    return _person_in_russia(house, person) if person else _organization_in_russia(house)


def _organization_in_russia(house: Organization) -> bytes:
    """Order of the ФСБ No. 795, §§ 16-20."""
    return make_name(
        country="RU",
        region=house.region,
        city=house.city,
        street=house.street,
        organization=house.name,
        ogrn=house.ogrn,
        organization_inn=house.inn,
        common_name=house.name,
    )


def _person_in_russia(house: Organization, person: Person) -> bytes:
    return make_name(
        country="RU",
        region=house.region,
        city=house.city,
        organization=house.name,
        title=person.position,
        snils=person.snils,
        inn=person.inn,
        surname=person.surname,
        given_name=f"{person.given_name} {person.patronymic}",
        common_name=person.full_name,
    )


def _in_kazakhstan(house: Organization, person: Person | None) -> bytes:
    """As НУЦ РК writes it: numbers with their kind before them, the patronymic as given name.

    The certificate of an information system has a UID and nobody's ИИН.
    """
    employer = {"country": "KZ", "organization": house.name, "unit": f"BIN{house.bin}"}
    if person is None:
        return make_name(**employer, user_id=house.system_uid, common_name=house.name)
    return make_name(
        **employer,
        surname=person.surname.upper(),
        given_name=person.patronymic.upper(),
        serial_number=f"IIN{person.iin}",
        common_name=f"{person.surname} {person.given_name}".upper(),
    )
