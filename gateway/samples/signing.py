"""Signs samples with the keys of a test PKI, each key loaded once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gateway.errors import SettingError
from gateway.signatures.backends import Backend
from gateway.signatures.cades import sign_detached
from gateway.signatures.keys import KeyFiles, Role, SigningKey, load_key

GOST = "-gost"
"""What the GOST twin of a certificate has behind its name."""


@dataclass(slots=True)
class PkiSigner:
    """The signers of `certs/pki.toml`; `folder` is where `make_test_pki` has put their keys.

    With `gost` the twins under GOST R 34.10-2012 sign, else those under RSA.
    """

    folder: Path
    backend: Backend
    gost: bool = False
    _keys: dict[str, SigningKey] = field(default_factory=dict, repr=False)

    def __call__(self, certificate: str, content: bytes, when: datetime) -> bytes:
        """Return a detached CMS (DER); raises `SettingError` for a key that is not there."""
        return sign_detached(content, self._key(certificate), when)

    def _key(self, certificate: str) -> SigningKey:
        if certificate not in self._keys:
            name = certificate + GOST if self.gost else certificate
            key = self.folder / f"{name}.key.pem"
            files = KeyFiles(
                organization="",  # chosen by its name: a sample says whose key it wants
                role=Role.ORGANIZATION,
                key=key,
                certificate=self.folder / f"{name}.cert.pem",
                where="samples",
            )
            if not key.is_file():
                raise SettingError(f"the test PKI has no {name}", where="samples")
            self._keys[certificate] = load_key(files, self.backend)
        return self._keys[certificate]
