"""Fetches what authorities say of revocation, before anything is verified by it."""

from gateway.transports.evidence.desk import Authority, DeskTerms, RevocationDesk
from gateway.transports.evidence.fetching import Fetcher, open_guarded_session
from gateway.transports.evidence.folder import TrustFolder

__all__ = [
    "Authority",
    "DeskTerms",
    "Fetcher",
    "RevocationDesk",
    "TrustFolder",
    "open_guarded_session",
]
