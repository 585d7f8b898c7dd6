"""CAdES signatures over documents, detached or attached: makes them, and judges those of others.

CAdES-BES, and CAdES-T with a time-stamp.
"""

from gateway.signatures.cades.signing import add_signer, sign_cms, sign_detached
from gateway.signatures.cades.stamping import Stamper, stamp
from gateway.signatures.cades.verifying import (
    Verified,
    certificates_in,
    verify_cms,
    verify_detached,
)
from gateway.signatures.cms.profile import DOCUMENT, KZ, RU, Profile

__all__ = [
    "DOCUMENT",
    "KZ",
    "RU",
    "Profile",
    "Stamper",
    "Verified",
    "add_signer",
    "certificates_in",
    "sign_cms",
    "sign_detached",
    "stamp",
    "verify_cms",
    "verify_detached",
]
