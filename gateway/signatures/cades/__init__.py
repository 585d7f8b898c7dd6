"""CAdES signatures over documents, detached or attached: makes them, and judges those of others.

CAdES-BES, and CAdES-T with a time-stamp.
"""

from gateway.signatures.cades.signing import add_signer, sign_cms, sign_detached
from gateway.signatures.cades.stamping import stamp
from gateway.signatures.cades.verifying import Verified, verify_cms, verify_detached
from gateway.signatures.cms.profile import DOCUMENT, KZ, RU, Profile

__all__ = [
    "DOCUMENT",
    "KZ",
    "RU",
    "Profile",
    "Verified",
    "add_signer",
    "sign_cms",
    "sign_detached",
    "stamp",
    "verify_cms",
    "verify_detached",
]
