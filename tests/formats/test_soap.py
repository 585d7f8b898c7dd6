"""Envelopes and Faults of both versions, written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import MalformedMessage
from gateway.formats.soap import (
    FaultCode,
    Version,
    addressed,
    addressing,
    guess_version,
    read_fault,
    read_message,
    write_fault,
    write_message,
)

CODES = [FaultCode.SENDER, FaultCode.RECEIVER, FaultCode.MUST_UNDERSTAND]


@pytest.mark.parametrize("version", list(Version))
def test_what_was_written_is_read(version: Version) -> None:
    headers = [addressing("MessageID", "m"), addressed("ReplyTo", "https://here")]

    written = write_message(version, headers, etree.Element("{urn:x}thing"))
    message = read_message(written)

    assert message.version is version
    assert message.content is not None
    assert message.content.tag == "{urn:x}thing"
    assert message.header is not None
    assert "".join(map(str, message.header.itertext())) == "mhttps://here"


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("code", CODES)
@given(reason=st.text())
def test_fault_says_whose_it_is_whatever_the_reason(
    version: Version, code: FaultCode, reason: str
) -> None:
    status, written = write_fault(version, code, reason)

    content = read_message(written).content
    assert content is not None
    fault = read_fault(content)
    assert fault is not None
    assert fault.code is code
    assert status == (400 if version is Version.V12 and code is FaultCode.SENDER else 500)


def test_finer_code_of_soap_11_is_of_its_class() -> None:
    soap = Version.V11.namespace
    text = f'<s:Fault xmlns:s="{soap}"><faultcode>s:Client.Auth</faultcode></s:Fault>'

    fault = read_fault(etree.fromstring(text))

    assert fault is not None
    assert fault.code is FaultCode.SENDER


@pytest.mark.parametrize("tag", ["{urn:x}Fault", "{urn:x}Answer"])
def test_what_is_no_fault_is_none(tag: str) -> None:
    assert read_fault(etree.Element(tag)) is None


@pytest.mark.parametrize(
    "text",
    [
        b"<a/>",
        b'<Envelope xmlns="urn:x"/>',
        b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>',
        b'<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body><a/><b/></Body></Envelope>',
    ],
)
def test_what_is_no_envelope_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_message(text)


@given(st.binary())
def test_any_bytes_are_an_envelope_or_malformed(content: bytes) -> None:
    assert guess_version(content) in Version
    with pytest.raises(MalformedMessage):
        read_message(content)


@pytest.mark.parametrize("version", list(Version))
def test_version_is_guessed_from_what_it_names(version: Version) -> None:
    assert guess_version(write_fault(version, FaultCode.SENDER, "x")[1]) is version


def test_http_headers_name_the_operation_in_each_version() -> None:
    assert Version.V11.headers("registerDocument")["SOAPAction"] == '"registerDocument"'
    assert 'action="registerDocument"' in Version.V12.headers("registerDocument")["Content-Type"]
