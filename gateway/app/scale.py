"""Time can be shortened only in the sandbox's company (decision 21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import SettingError
from gateway.settings import Settings


def check_scale(settings: Settings) -> None:
    """Refuse a scaled clock unless every endpoint is on loopback. Raises SettingError."""
    if settings.time.scale == 1.0:
        return
    if settings.time.scale <= 0:
        raise SettingError("a positive number is wanted", where="time.scale")
    for where, url in _urls(settings.endpoints, "endpoints"):
        if not _is_loopback(urlsplit(url).hostname or ""):
            raise SettingError(
                f"a scaled clock is for trials on loopback, not for {where}", where="time.scale"
            )


def _urls(table: Mapping[str, Any], where: str) -> Sequence[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _urls(value, f"{where}.{key}")
        elif isinstance(value, str) and "://" in value:
            found.append((f"{where}.{key}", value))
    return found


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
