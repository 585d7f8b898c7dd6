"""What the operator says about a state system behind ИПС: where it is, who it is, who we are."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from gateway.errors import GatewayError, SettingError
from gateway.formats.soap import Version
from gateway.signatures.algorithms import ALLOWED, signatures_by_name
from gateway.signatures.certificates import read_certificate, split_pem
from gateway.signatures.chain import Trust
from gateway.signatures.wss import Partner


class Replies(StrEnum):
    """What an answer within a connection must bring to be believed."""

    SIGNED = "signed"
    """The partner's WS-Security signature."""
    TRANSPORT = "transport"
    """An answer without a signature is believed for the TLS it came by; one with is verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSettings:
    """`[endpoints.NAME.organizations."OID"]`: one organisation that we speak for."""

    client_entity_id: str
    """GUID of its information system in ИПС."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerSettings:
    """`[endpoints.NAME.partner]`: whose signature counts as the state system's."""

    certificate_files: tuple[Path, ...] = ()
    """Its transport certificates, PEM or DER: pinned."""
    pins: tuple[str, ...] = ()
    """The same as SHA-256 of the DER, in hex."""
    trust_directory: Path | None = None
    """Authorities and revocation lists that its certificate must chain to."""
    ogrn: str = ""
    """ОГРН that its certificate must bear; needed where nothing is pinned."""
    legacy_algorithms: tuple[str, ...] = ()
    """Broken algorithms that are admitted from it all the same: `rsa-sha1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IpsSettings:
    """What every endpoint behind ИПС is told."""

    url: str
    """Where we call it."""
    callback_url: str = ""
    """Where it calls us, as it knows the address: goes out in `ReplyTo`."""
    also_addressed_as: tuple[str, ...] = ()
    """Further addresses that its calls may bear in `To`."""
    soap: Version = Version.V12
    """SOAP version of our calls; its calls may come in either."""
    organizations: Mapping[str, OrganizationSettings] = field(default_factory=dict)
    """By OID."""
    partner: PartnerSettings = field(default_factory=PartnerSettings)
    replies: Replies = Replies.SIGNED
    """`transport` is for a partner who does not sign its answers, over https only."""
    connect_within: timedelta = timedelta(seconds=10)
    answer_within: timedelta = timedelta(minutes=1)
    """How long it may be silent once it is connected, before a call counts as unanswered."""

    def entity_of(self, organization: str) -> str:
        """Return the organisation's `clientEntityId`. Raises SettingError."""
        known = self.organizations.get(organization)
        if known is None:
            raise SettingError(
                "the organisation has no client_entity_id",
                where=f'organizations."{organization}"',
            )
        return known.client_entity_id


def refuse_open_replies(settings: IpsSettings, where: str) -> None:
    """Raise SettingError where unsigned answers would come by an open line."""
    url = urlsplit(settings.url)
    if settings.replies is Replies.SIGNED or url.scheme == "https":
        return
    try:
        if ipaddress.ip_address(url.hostname or "").is_loopback:
            return
    except ValueError:
        pass  # a name proves nothing
    raise SettingError("unsigned answers are believed over https only", where=f"{where}.replies")


def make_partner(
    name: str, settings: PartnerSettings, load_trust: Callable[[Path], Trust]
) -> Partner:
    """Return whose envelopes are taken. Raises SettingError."""
    where = f"endpoints.{name}.partner"
    try:
        legacy = signatures_by_name(settings.legacy_algorithms)
    except KeyError as error:
        raise SettingError(
            f"no such algorithm: {error.args[0]}", where=f"{where}.legacy_algorithms"
        ) from error
    pins = {pin.lower() for pin in settings.pins}
    for file in settings.certificate_files:
        pins |= _pins_of(file, f"{where}.certificate_files")
    return Partner(
        name=name,
        pins=frozenset(pins),
        trust=load_trust(settings.trust_directory) if settings.trust_directory else None,
        ogrn=settings.ogrn,
        allowed=ALLOWED | legacy,
    )


def _pins_of(file: Path, where: str) -> set[str]:
    try:
        content = file.read_bytes()
        ders = [der for label, der in split_pem(content) if label == "CERTIFICATE"] or [content]
        return {read_certificate(der).sha256 for der in ders}
    except (OSError, GatewayError) as error:
        raise SettingError(f"{file} holds no certificate that can be read", where=where) from error
