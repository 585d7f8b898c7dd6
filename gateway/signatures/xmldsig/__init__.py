"""XML signatures over documents: enveloped, over one element, or beside the content."""

from gateway.signatures.xmldsig.profile import ANY, KZ, PLAIN, SMEV, Profile
from gateway.signatures.xmldsig.signing import sign_detached, sign_element, sign_enveloped
from gateway.signatures.xmldsig.smev import sign_smev
from gateway.signatures.xmldsig.verifying import Verified, verify_xmldsig

__all__ = [
    "ANY",
    "KZ",
    "PLAIN",
    "SMEV",
    "Profile",
    "Verified",
    "sign_detached",
    "sign_element",
    "sign_enveloped",
    "sign_smev",
    "verify_xmldsig",
]
