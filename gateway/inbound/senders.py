"""Who speaks: known from the first request, by bearer token or client certificate.

Where nobody is configured, the server listens on loopback only and knows one sender, `local`, who
is operator too (decision 15).
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from gateway.errors import SenderError, SettingError
from gateway.ports import Sender
from gateway.settings import OperatorSettings, SenderSettings, Settings, read_secret

LOCAL = "local"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})


class Unknown(SenderError):  # noqa: N818 - a standing, not a fault
    """Nobody here knows who asks."""

    code = "login"


class Forbidden(SenderError):  # noqa: N818 - a standing, not a fault
    """Whoever asks is known, and may not."""

    code = "forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who made this request."""

    sender: Sender
    hands_over: bool = True
    """Whether it may bring documents; an operator looks and acts, but sends nothing."""

    @property
    def name(self) -> str:
        """The name of `[senders.NAME]` or `[operators.NAME]`."""
        return self.sender.name

    @property
    def is_operator(self) -> bool:
        """Whether it sees everybody's exchanges."""
        return self.sender.is_operator

    def may_see(self, tenant: str) -> bool:
        """Tell whether an exchange of this sender may be shown to it."""
        return self.is_operator or tenant == self.name


class Networks:
    """Addresses that a door is open to."""

    def __init__(self, ranges: Iterable[str], where: str = "server.operations_allow") -> None:
        """Raises SettingError for what is no network."""
        try:
            self._networks = tuple(ipaddress.ip_network(one, strict=False) for one in ranges)
        except ValueError as error:
            raise SettingError(f"no network: {error}", where=where) from error

    def hold(self, address: str | None) -> bool:
        """Tell whether an address lies within; an unreadable one does not."""
        try:
            one = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        mapped = one.ipv4_mapped if isinstance(one, ipaddress.IPv6Address) else None
        return any((mapped or one) in network for network in self._networks)


_LOOPBACK = Networks(("127.0.0.0/8", "::1/128"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everybody who is known, by the SHA-256 of what they show."""

    tokens: Mapping[str, Caller]
    certificates: Mapping[str, Caller]
    local: Caller | None = None
    """Who everybody on loopback is, where nobody is configured."""

    def recognise(
        self, *, authorization: str, certificate: bytes | None, address: str | None
    ) -> Caller:
        """Return who speaks. Raises Unknown, which names no reason that would help a guesser."""
        if self.local is not None:
            if not _LOOPBACK.hold(address):
                raise Unknown("without [senders] the gateway speaks to loopback only")
            return self.local
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return _pick(self.tokens, token.strip().encode())
        if not authorization and certificate is not None:
            return _pick(self.certificates, certificate)
        raise Unknown("a bearer token or a client certificate is wanted")


def read_directory(settings: Settings) -> Directory:
    """Return the directory of a configuration.

    Raises SettingError for a sender that shows nothing, a digest that is none, one token for two,
    and for an open address where nobody is configured.
    """
    if not settings.senders and not settings.operators:
        if settings.server.host not in _LOOPBACK_NAMES:
            raise SettingError(
                "an address beyond loopback wants [senders] or [operators]", where="server.host"
            )
        local = Caller(sender=Sender(name=LOCAL, is_operator=True))
        return Directory(tokens={}, certificates={}, local=local)
    tokens: dict[str, Caller] = {}
    certificates: dict[str, Caller] = {}
    for name, one in settings.senders.items():
        _enter_sender(tokens, certificates, name, one)
    for name, operator in settings.operators.items():
        _enter_operator(tokens, name, operator, taken=name in settings.senders)
    return Directory(tokens=tokens, certificates=certificates)


def is_same_origin(*, host: str, origin: str, fetch_site: str) -> bool:
    """Tell whether a browser's request comes from our own pages, or from no browser at all.

    Without tokens a foreign page in the operator's browser could post to loopback (CSRF), also
    under a name of its own that it lets point there (DNS rebinding).
    """
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if name not in _LOOPBACK_NAMES or fetch_site in {"cross-site", "same-site"}:
        return False
    return not origin or origin.partition("://")[2] == host


def _enter_sender(
    tokens: dict[str, Caller], certificates: dict[str, Caller], name: str, one: SenderSettings
) -> None:
    where = f"senders.{name}"
    sender = Sender(name=name, organizations=one.organizations, signatures=one.signatures)
    caller = Caller(sender=sender)
    token = _token_digest(one, where)
    if not token and not one.certificate_sha256:
        raise SettingError("token_sha256, token_file or certificate_sha256 is missing", where=where)
    _enter(tokens, token, caller, where)
    certificate = one.certificate_sha256.lower().replace(":", "")
    _enter(certificates, certificate, caller, f"{where}.certificate_sha256")


def _enter_operator(
    tokens: dict[str, Caller], name: str, one: OperatorSettings, *, taken: bool
) -> None:
    where = f"operators.{name}"
    token = _token_digest(one, where)
    if taken:
        raise SettingError("a sender has this name already", where=where)
    if not token:
        raise SettingError("token_sha256 or token_file is missing", where=where)
    sender = replace(Sender(name=name), is_operator=True)
    _enter(tokens, token, Caller(sender=sender, hands_over=False), where)


def _token_digest(one: SenderSettings | OperatorSettings, where: str) -> str:
    if one.token_file is None:
        return one.token_sha256.lower()
    token = read_secret(one.token_file, f"{where}.token_file")
    if not token:
        raise SettingError("the file is empty", where=f"{where}.token_file")
    return hashlib.sha256(token.encode()).hexdigest()


def _enter(book: dict[str, Caller], digest: str, caller: Caller, where: str) -> None:
    if not digest:
        return
    if not _DIGEST.fullmatch(digest):
        raise SettingError("a SHA-256 in hex (64 digits) is wanted", where=where)
    if digest in book:
        raise SettingError(f"{book[digest].name} shows the same", where=where)
    book[digest] = caller


def _pick(book: Mapping[str, Caller], shown: bytes) -> Caller:
    """Return whose it is, in a time that does not tell how near a guess came."""
    digest = hashlib.sha256(shown).hexdigest()
    found: Caller | None = None
    for known, caller in book.items():
        if secrets.compare_digest(known, digest):
            found = caller
    if found is None:
        raise Unknown("nobody here shows this token or certificate")
    return found
