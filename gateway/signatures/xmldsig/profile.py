"""How a country or a system wants its documents signed: data, and no code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.signatures.algorithms import ALLOWED, Country, SignatureAlgorithm
from gateway.signatures.fitness import Purpose
from gateway.signatures.xml.names import (
    ENVELOPED,
    EXCLUSIVE,
    EXCLUSIVE_WITH_COMMENTS,
    INCLUSIVE,
    INCLUSIVE_WITH_COMMENTS,
)
from gateway.signatures.xml.names import SMEV as SMEV_TRANSFORM
from gateway.signatures.xml.signature import Reach, Rules

_METHODS: Final = (EXCLUSIVE, EXCLUSIVE_WITH_COMMENTS, INCLUSIVE, INCLUSIVE_WITH_COMMENTS)
_CHAINS: Final = frozenset(
    {(), (ENVELOPED,)}
    | {(method,) for method in _METHODS}
    | {(ENVELOPED, method) for method in _METHODS}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is written, and what is admitted when read."""

    name: str
    method: str
    """Canonicalisation of SignedInfo, as we write it."""
    chain: tuple[str, ...]
    """Transforms of the content, as we write them; ENVELOPED comes before where it is needed."""
    rules: Rules
    allowed: frozenset[SignatureAlgorithm]
    purpose: Purpose = Purpose.DOCUMENT
    """What a certificate must be fit for."""
    peeling: bool = False
    """A later signature covers the earlier ones: the last is checked and taken off, then the one
    before. Without it a document has at most one signature inside what it signs."""


def _allowed(country: Country) -> frozenset[SignatureAlgorithm]:
    return frozenset(row for row in ALLOWED if row.country in (Country.NONE, country))


PLAIN: Final = Profile(
    name="plain",
    method=EXCLUSIVE,
    chain=(EXCLUSIVE,),
    rules=Rules(frozenset(_METHODS), _CHAINS, frozenset(Reach)),
    allowed=_allowed(Country.RUSSIA),
)
"""XML Signature 1.1 as the world writes it, with the algorithms of Russia."""

KZ: Final = Profile(
    name="kz",
    method=INCLUSIVE,
    chain=(INCLUSIVE_WITH_COMMENTS,),
    rules=Rules(frozenset(_METHODS), _CHAINS, frozenset({Reach.WHOLE, Reach.BESIDE})),
    allowed=_allowed(Country.KAZAKHSTAN),
    peeling=True,
)
"""НУЦ РК, as Kalkan and NCANode write it: the last child of the root, several one after another."""

SMEV: Final = Profile(
    name="smev",
    method=EXCLUSIVE,
    chain=(EXCLUSIVE, SMEV_TRANSFORM),
    rules=Rules(
        frozenset({EXCLUSIVE}),
        frozenset({(EXCLUSIVE, SMEV_TRANSFORM), (ENVELOPED, EXCLUSIVE, SMEV_TRANSFORM)}),
        frozenset({Reach.WHOLE, Reach.PART}),
    ),
    allowed=_allowed(Country.RUSSIA),
    purpose=Purpose.ENVELOPE,
)
"""СМЭВ3: one element by its Id, the signature beside it."""

ANY: Final = Profile(
    name="any",
    method=EXCLUSIVE,
    chain=(EXCLUSIVE,),
    rules=Rules(frozenset(_METHODS), _CHAINS, frozenset(Reach)),
    allowed=ALLOWED,
)
"""All that the others admit: for looking at a signature, not for acting on it."""
