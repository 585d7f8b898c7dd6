"""Which addresses may be called on a certificate's word: public ones, and no others.

A certificate comes from outside. Were its URLs called wherever they point, whoever gets one
issued could make us knock at the doors of the house.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

_SCHEMES: Final = frozenset({"http", "https"})
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LONGEST: Final = 1024


class PrivateAddressError(OSError):
    """A name led to no public address."""


class PublicResolver(AbstractResolver):
    """Finds public addresses only.

    It is asked for each new connection, so a name cannot be good when it is looked at and lead
    elsewhere when it is called.
    """

    def __init__(self, below: AbstractResolver) -> None:
        self._below = below

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of a name. Raises PrivateAddressError when it has none."""
        found = await self._below.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise PrivateAddressError("the name leads to no public address")
        return public

    async def close(self) -> None:
        """Let go of the resolver below."""
        await self._below.close()


def host_of(url: str) -> str | None:
    """Return the host of a URL that may be called at all; None for any other."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if len(url) > _LONGEST or parts.scheme not in _SCHEMES or "@" in parts.netloc or port == 0:
        return None
    return parts.hostname or None


def is_private_literal(host: str) -> bool:
    """Tell whether the host is written as an address, and not a public one."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return not is_public(host)


def is_public(address: str) -> bool:
    """Tell whether anybody may be called there; an address inside an address counts too."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    inner = _inside(ip)
    return ip.is_global and not ip.is_multicast and (inner is None or inner.is_global)


def _inside(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to (RFC 4291 §2.5.5, 3056, 4380, 6052)."""
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
