"""What the sandbox РЭМД knows of the world: who may call, where to call back, whom to trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gateway.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSettings:
    """`[remd.organizations.NAME]`: a medical organisation and its information system."""

    oid: str
    """OID in ФРМО."""
    ogrn: str
    """ОГРН, as in the certificates of the organisation."""
    client_entity_id: str
    """GUID of its information system in the transport header; several may share one."""
    name: str = ""
    """Name in ФРМО; when given, the certificate that signs documents must carry it."""
    callback: str = ""
    """Where its documents are fetched and told of; empty: what ReplyTo says, on loopback only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemdSettings:
    """`[remd]` of the sandbox's configuration."""

    trust: Path
    """Folder of roots, intermediates and CRLs (PEM or DER) that count."""
    key_file: Path
    """РЭМД's own key: it signs what РЭМД sends."""
    certificate_file: Path
    organizations: Mapping[str, OrganizationSettings] = field(default_factory=dict)
    transport_certificates: tuple[str, ...] = ()
    """SHA-256 (hex) of certificates that may sign envelopes for any organisation."""
    time_scale: float = 1.0
    """All durations of the scenario, and `pause`, are divided by it."""
    skew: timedelta = timedelta(minutes=5)
    """How far a caller's clock may be off."""
    page_size: int = 100
    """Most items in one answer of the search."""
    at_once: int = 16
    """Documents that are worked on at one time."""
    patience: timedelta = timedelta(seconds=30)
    """How long a call to a МИС may take; never scaled."""
    tries: int = 3
    """How often a file is asked for and a callback is offered."""
    pause: timedelta = timedelta(seconds=30)
    """Between two tries."""

    def scaled(self, duration: timedelta) -> timedelta:
        """Return how long a duration of the real system lasts here."""
        return duration / self.time_scale

    def organization(self, oid: str) -> OrganizationSettings | None:
        """Return the organisation of this OID."""
        return next((one for one in self.organizations.values() if one.oid == oid), None)

    def client(self, client_entity_id: str) -> tuple[OrganizationSettings, ...]:
        """Return the organisations that speak by this information system."""
        wanted = client_entity_id.lower()
        known = self.organizations.values()
        return tuple(one for one in known if one.client_entity_id.lower() == wanted)


def read_bytes(path: Path, where: str) -> bytes:
    """Return a file's bytes. Raises SettingError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"the file cannot be read: {error}", where=where) from error
