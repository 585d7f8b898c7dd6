"""WS-Security 1.0 over SOAP envelopes: signs ours, judges those of partners."""

from gateway.signatures.wss.layout import IPS, SHEP, Layout, Token
from gateway.signatures.wss.partner import Partner, VerifiedEnvelope
from gateway.signatures.wss.signing import sign_envelope
from gateway.signatures.wss.verifying import verify_envelope

__all__ = [
    "IPS",
    "SHEP",
    "Layout",
    "Partner",
    "Token",
    "VerifiedEnvelope",
    "sign_envelope",
    "verify_envelope",
]
