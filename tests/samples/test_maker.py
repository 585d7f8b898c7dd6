import re
from datetime import UTC, datetime

import pytest

from gateway.formats.cda import Header, read_cda
from gateway.samples.examples import read_examples
from gateway.samples.maker import Maker, SampleDocument
from gateway.signatures.declaration import read_declaration
from tests.samples.counted_ids import CountedIds

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
EXAMPLES = tuple(read_examples())


def made(number: int, example: str | None = None) -> SampleDocument:
    return Maker().make(number, now=NOW, ids=CountedIds(), example=example)


def header(document: SampleDocument) -> Header:
    return read_cda(document.content).header


def test_the_same_number_moment_and_ids_make_the_same_bytes() -> None:
    assert made(7).content == made(7).content


def test_the_examples_take_turns() -> None:
    maker, ids = Maker(), CountedIds()

    names = [
        maker.make(number, now=NOW, ids=ids).name.rpartition("-")[0]
        for number in range(1, len(EXAMPLES) + 2)
    ]

    assert names == [*EXAMPLES, EXAMPLES[0]]


def test_no_two_documents_share_an_id_a_patient_or_a_protocol() -> None:
    maker, ids = Maker(), CountedIds()

    headers = [header(maker.make(n, now=NOW, ids=ids, example=EXAMPLES[0])) for n in range(1, 100)]

    for distinct in (
        [one.local_uid for one in headers],
        [one.set_id.extension for one in headers],
        [one.patient.snils for one in headers],
        [one.protocol_number for one in headers],
    ):
        assert len(set(distinct)) == 99


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_the_maker_says_is_what_the_document_says(name: str) -> None:
    document = made(3, name)

    read = header(document)

    assert read.local_uid == document.local_uid
    assert read.set_id.extension == document.set_id
    assert read.version == str(document.version)
    assert read.protocol_number == document.protocol_number
    assert read.organization == read.custodian == document.organization
    assert not re.search(rb"\{\{|\}\}|mse-repeat", document.content)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_signers_of_the_document_are_those_of_the_declared_pki(name: str) -> None:
    example = read_examples()[name]
    organization = read_declaration().organizations[example.organization]
    known = {person.snils: person.surname for person in organization.people.values()}

    for person in header(made(1, name)).participants:
        assert person.snils is not None
        assert known[re.sub(r"\D", "", person.snils)] == person.name.family
        assert person.organization == organization.oid


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_chair_and_the_organization_sign(name: str) -> None:
    def sign(certificate: str, content: bytes, when: datetime) -> bytes:
        assert when == NOW
        return certificate.encode() + content[:5]

    document = Maker(sign=sign).make(1, now=NOW, ids=CountedIds(), example=name)

    organization = read_examples()[name].organization
    assert [(one.role, one.content) for one in document.signatures] == [
        ("14", f"ru-{organization}-chair<?xml".encode()),
        ("organization", f"ru-{organization}-organization<?xml".encode()),
    ]
    assert {"ru-" + organization + "-chair"} <= read_declaration().certificates.keys()


def test_an_example_that_is_not_bundled_is_refused() -> None:
    with pytest.raises(KeyError):
        made(1, "nowhere")
