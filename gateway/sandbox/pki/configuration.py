"""The piece of configuration that has a gateway ask these authorities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from gateway.sandbox.pki.authorities import Registry


def write_configuration(registry: Registry, url: str) -> str:
    """Return a `[trust.authorities.NAME]` for each authority."""
    return "\n".join(_lines(registry, url)) + "\n"


def _lines(registry: Registry, url: str) -> Iterator[str]:
    for name, authority in registry.authorities.items():
        yield f"[trust.authorities.{name}]"
        yield f'certificate_sha256 = "{hashlib.sha256(authority.hand.der).hexdigest()}"'
        yield f"ocsp = [{json.dumps(f'{url}/ocsp/{name}')}]"
        yield f"lists = [{json.dumps(f'{url}/crl/{name}.crl')}]"
        yield f"deltas = [{json.dumps(f'{url}/crl/{name}-delta.crl')}]"
        yield ""
