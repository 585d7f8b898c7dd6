"""Detached CAdES-BES signatures over documents: makes them, and judges those of others."""

from gateway.signatures.cades.signing import sign_detached
from gateway.signatures.cades.verifying import verify_detached

__all__ = ["sign_detached", "verify_detached"]
