"""The primitives of this machine: hash, sign, verify, make a key.

`open_backend()` gives them; `run_self_test()` says what works and who does it. Nothing here knows
of certificates, XML or CMS.
"""

from gateway.signatures.backends.backend import Backend, PrivateKey, PublicKey
from gateway.signatures.backends.chooser import Chooser, open_backend
from gateway.signatures.backends.selftest import Check, SelfTest, run_self_test

__all__ = [
    "Backend",
    "Check",
    "Chooser",
    "PrivateKey",
    "PublicKey",
    "SelfTest",
    "open_backend",
    "run_self_test",
]
