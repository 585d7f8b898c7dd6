"""Signing by a service over HTTP: an assumption with a name, for adapters to certified tools.

КриптоПро DSS and the like each have a protocol of their own; a small adapter beside them speaks
ours. `POST url` with `Authorization: Bearer …`, and

    {"key": "…", "algorithm": "gost-256", "digest_algorithm": "streebog-256", "digest": "base64"}

answers 200 and `{"signature": "base64"}` in canonical octets: RSA (PKCS#1 v1.5 over the DigestInfo
of that digest) as it is, EC r‖s, GOST s‖r, all big-endian (RFC 9215 §2.2). `algorithm` is a name
of our table. Anything else means «not now», and the exchange waits.
"""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gateway.errors import SettingError
from gateway.signatures.algorithms import SignatureAlgorithm
from gateway.signatures.backends.elsewhere import Patience

_LARGEST: Final = 64 * 2**10  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Service:
    """Where a key is asked for; `timeout` in seconds for connecting and for each read."""

    url: str
    key: str
    token: str = field(default="", repr=False)
    authorities: Path | None = None
    """PEM of the certificates that its TLS certificate must chain to; None: the system's."""
    timeout: float = 10.0


class RemoteKey:
    """One key of a signing service."""

    def __init__(self, service: Service, clock: Callable[[], float] = time.monotonic) -> None:
        """Raise SettingError for an address that is none, or plain HTTP to another machine."""
        self._service = service
        self._url = _need_address(service.url)
        self._tls = _open_tls(service, self._url)
        self.name = f"the signing service {self._url.hostname}"
        self._patience = Patience(self.name, clock)

    def sign(self, algorithm: SignatureAlgorithm, digest: bytes) -> tuple[bytes, ...]:
        """Ask for one signature; raise CryptoUnavailable for whatever is not one."""
        self._patience.need()
        asked = {
            "key": self._service.key,
            "algorithm": algorithm.name,
            "digest_algorithm": algorithm.digest.name,
            "digest": base64.b64encode(digest).decode("ascii"),
        }
        try:
            status, answer = self._post(json.dumps(asked).encode())
        except (OSError, http.client.HTTPException) as error:
            raise self._patience.lose(f"no answer ({type(error).__name__})") from error
        if status != http.client.OK:
            raise self._patience.lose(f"HTTP {status}")
        signature = _read_signature(answer)
        if signature is None:
            raise self._patience.lose("the answer holds no signature")
        return (signature,)

    def _post(self, body: bytes) -> tuple[int, bytes]:
        connection = self._connect()
        try:
            connection.request("POST", self._path, body, self._headers)
            answer = connection.getresponse()  # a redirect is an answer like any other: not 200
            content = answer.read(_LARGEST + 1)
        finally:
            connection.close()
        return answer.status, content if len(content) <= _LARGEST else b""

    def _connect(self) -> http.client.HTTPConnection:
        host, port, timeout = self._url.hostname or "", self._url.port, self._service.timeout
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=timeout)
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)

    @property
    def _path(self) -> str:
        return self._url._replace(scheme="", netloc="", fragment="").geturl() or "/"

    @property
    def _headers(self) -> Mapping[str, str]:
        bearer = {"Authorization": f"Bearer {self._service.token}"} if self._service.token else {}
        return {"Content-Type": "application/json", "Accept": "application/json", **bearer}


def _need_address(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise SettingError(f"{url!r} is no address") from None
    if not known or parts.username is not None:
        raise SettingError(f"{url!r} is no address of a signing service")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise SettingError("a signing service on another machine wants https")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open_tls(service: Service, url: SplitResult) -> ssl.SSLContext | None:
    if url.scheme == "http":
        return None
    try:
        return ssl.create_default_context(cafile=service.authorities)
    except OSError as error:
        raise SettingError(f"{service.authorities} holds no certificates: {error}") from error


def _read_signature(answer: bytes) -> bytes | None:
    try:
        found = json.loads(answer)
        signature = found.get("signature") if isinstance(found, dict) else None
        return base64.b64decode(signature, validate=True) if isinstance(signature, str) else None
    except (ValueError, binascii.Error):
        return None
