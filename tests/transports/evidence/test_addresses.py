"""Whom a certificate may make us call."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from gateway.transports.evidence.addresses import (
    PrivateAddressError,
    PublicResolver,
    host_of,
    is_private_literal,
    is_public,
)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4010:c05::64", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - is not listened on
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("ff0e::1", False),
        ("authority.example", False),
    ],
)
def test_only_public_addresses_are_public(address: str, public: object) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Authority.Example/ocsp", "authority.example"),
        ("https://authority.example:8443/", "authority.example"),
        ("http://[::1]/", "::1"),
        ("ftp://authority.example/", None),
        ("file:///etc/passwd", None),
        ("//authority.example/", None),
        ("http://user@authority.example/", None),
        ("http://authority.example:0/", None),
        ("http://authority.example:99999/", None),
        ("http://[::1/", None),
        ("http:///ocsp", None),
        ("http://authority.example/" + "a" * 999, "authority.example"),
        ("http://authority.example/" + "a" * 1000, None),
    ],
)
def test_only_plain_web_addresses_are_called(url: str, host: str | None) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("host", "private"), [("127.0.0.1", True), ("8.8.8.8", False), ("authority.example", False)]
)
def test_address_written_out_is_known_at_once(host: str, private: object) -> None:
    assert is_private_literal(host) is private


class Book(AbstractResolver):
    closed = False

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in self.addresses
        ]

    async def close(self) -> None:
        self.closed = True


async def test_of_a_names_addresses_only_public_ones_are_left() -> None:
    found = await PublicResolver(Book("10.0.0.1", "8.8.8.8")).resolve("authority.example", 80)

    assert [one["host"] for one in found] == ["8.8.8.8"]


async def test_name_with_private_addresses_only_is_found_nowhere() -> None:
    book = Book("10.0.0.1", "127.0.0.1")
    resolver = PublicResolver(book)

    with pytest.raises(PrivateAddressError):
        await resolver.resolve("authority.example", 80)
    await resolver.close()

    assert book.closed
