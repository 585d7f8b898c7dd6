"""What a recipient wants of a container: how many signers, which attributes, which algorithms."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from gateway.signatures.algorithms import ALLOWED, Country, SignatureAlgorithm
from gateway.signatures.cms.attributes import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
)
from gateway.signatures.cms.container import DATA

_MOST_SIGNERS: Final = 32


def _allowed_in(country: Country) -> frozenset[SignatureAlgorithm]:
    return frozenset(row for row in ALLOWED if row.country in (Country.NONE, country))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one recipient; `required` are the OIDs of signed attributes."""

    name: str
    fewest: int = 1
    """Signers that must be there."""
    most: int = 1
    """Signers that may be there; one more makes the container invalid."""
    content_type: str = DATA
    required: tuple[str, ...] = (
        *(CONTENT_TYPE, MESSAGE_DIGEST),  # RFC 5652 §5.3
        *(SIGNING_TIME, SIGNING_CERTIFICATE_V2),  # EN 319 122-1 §6.3, B-B
    )
    remarked: tuple[str, ...] = ()
    """OIDs of signed attributes whose absence is told, and weighs nothing."""
    allowed: Collection[SignatureAlgorithm] = field(default=ALLOWED, repr=False)

    def counts(self, signers: int) -> bool:
        """Tell whether so many signers are wanted; nobody at all has signed nothing."""
        return max(1, self.fewest) <= signers <= self.most

    @property
    def wanted(self) -> str:
        """How many signers are wanted, in words for a reason."""
        return f"{self.fewest}" if self.fewest == self.most else f"{self.fewest} to {self.most}"


DOCUMENT: Final = Profile(name="document")
"""CAdES-BES with one signer, whatever the country."""
RU: Final = Profile(name="ru", allowed=_allowed_in(Country.RUSSIA))
"""РЭМД: one signer a container (`MULTIPLE_SIGNERS`), the signing time is mandatory."""
KZ: Final = Profile(
    name="kz",
    most=_MOST_SIGNERS,
    required=(CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME),
    remarked=(SIGNING_CERTIFICATE_V2,),
    allowed=_allowed_in(Country.KAZAKHSTAN),
)
"""Kazakhstan: one signer or several; Kalkan writes no signing-certificate attribute."""
ANY: Final = Profile(
    name="any",
    most=_MOST_SIGNERS,
    required=(CONTENT_TYPE, MESSAGE_DIGEST),
    remarked=(SIGNING_TIME, SIGNING_CERTIFICATE_V2),
)
"""What RFC 5652 asks and no more: for looking at a signature, not for acting on it."""
