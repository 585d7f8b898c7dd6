"""Asks an authority about one certificate, and reads what it answers (RFC 6960)."""

from gateway.signatures.ocsp.request import ask, hash_of
from gateway.signatures.ocsp.response import Declined, OcspAnswer, Status, Word, read_answer

__all__ = ["Declined", "OcspAnswer", "Status", "Word", "ask", "hash_of", "read_answer"]
