"""The piece of configuration that gives a gateway the trust and the keys of the test PKI."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from gateway.signatures.declaration import read_declaration

ROLES = ("organization", "transport")


def write_keys(pki: Path) -> str:
    """Return `[trust]` and `[keys]` in TOML for every organisation of ФРМО that has people."""
    return "\n".join(_lines(pki.absolute())) + "\n"


def _lines(pki: Path) -> Iterator[str]:
    yield "[trust]"
    yield f"directory = {json.dumps(str(pki / 'trust'))}"
    for name, organization in read_declaration().organizations.items():
        for role in ROLES if organization.people and organization.oid else ():
            yield f"\n[keys.{name}-{role}]"
            yield f"organization = {json.dumps(organization.oid)}"
            yield f"role = {json.dumps(role)}"
            yield f"key_file = {json.dumps(str(pki / f'ru-{name}-{role}.key.pem'))}"
            yield f"certificate_file = {json.dumps(str(pki / f'ru-{name}-{role}.cert.pem'))}"
