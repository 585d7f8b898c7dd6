"""Who may speak for a state system, and what a verified envelope lets its reader see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import SettingError
from gateway.signatures.algorithms import ALLOWED, SignatureAlgorithm
from gateway.signatures.certificates import Certificate
from gateway.signatures.chain import Trust
from gateway.signatures.verdict import Verdict
from gateway.signatures.wss.names import WSA
from gateway.signatures.xml.parsing import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Whose envelopes are taken.

    `pins` are SHA-256 of certificates (DER, lower-case hex). `trust` asks for a chain. With both,
    both must hold; a chain without pins also wants the ОГРН in the certificate to be `ogrn`, for
    an authority issues to anybody. A legacy algorithm in `allowed` is admitted and remarked upon.
    """

    name: str
    pins: frozenset[str] = frozenset()
    trust: Trust | None = None
    ogrn: str = ""
    allowed: frozenset[SignatureAlgorithm] = ALLOWED
    required_headers: frozenset[str] = frozenset()
    """Local names of WS-Addressing headers that must be signed, besides Body and Timestamp."""
    longest_life: timedelta = timedelta(hours=1)
    """Longest life that a Timestamp may claim: ids are remembered that long."""
    certificates: tuple[Certificate, ...] = ()
    """Pinned like `pins`; a KeyInfo of issuer and serial number can name these alone."""
    timestamp_required: bool = True
    """Whether there must be a Timestamp (ШЭП has none). One that is there must be signed."""

    anyone: bool = False
    """Whether whoever has a chain counts: for looking at an envelope, never for acting on it."""

    @property
    def pinned(self) -> frozenset[str]:
        """SHA-256 of all pinned certificates."""
        return self.pins | {each.sha256 for each in self.certificates}

    def __post_init__(self) -> None:
        named = self.anyone or self.ogrn
        if not self.pinned and not (self.trust is not None and named):
            raise SettingError(
                f"{self.name}: pin its certificates, or give its authority and its ОГРН",
                where=f"endpoints.{self.name}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEnvelope:
    """The verdict, and the bytes that were signed; read nothing else of the envelope.

    Every part is the canonical form that the digest was taken of. All of them are empty unless
    the verdict is `valid`.
    """

    verdict: Verdict
    certificate: Certificate | None = None
    soap: str = ""
    """Namespace of the SOAP version; known also when the verdict is bad."""
    body: bytes = field(default=b"", repr=False)
    """The soap:Body element."""
    created: datetime | None = None
    """Beginning of its life; None also where the partner writes no Timestamp."""
    expires: datetime | None = None
    headers: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Signed header blocks by Clark name (`{namespace}local`)."""
    must_understand: frozenset[str] = frozenset()
    """Clark names of header blocks, signed or not, that demand to be understood by us."""

    def addressing(self, name: str) -> str:
        """Return the text of a signed WS-Addressing header, or of its Address; empty if none."""
        block = self.headers.get(f"{{{WSA}}}{name}")
        if block is None:
            return ""
        element = parse(block)
        return (element.findtext(f"{{{WSA}}}Address") or element.text or "").strip()
