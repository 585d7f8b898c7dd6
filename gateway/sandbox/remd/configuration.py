"""The piece of configuration that points a gateway at this sandbox."""

from __future__ import annotations

import json

from gateway.sandbox.remd.settings import RemdSettings


def write_configuration(settings: RemdSettings, url: str) -> str:
    """Return `[endpoints.remd]` with the organisations that the sandbox knows."""
    lines = [
        "[endpoints.remd]",
        f"url = {_quote(url)}",
        'callback_url = "http://127.0.0.1:8080/soap/remd"',
        "",
        "[endpoints.remd.partner]",
        f"certificate_files = [{_quote(str(settings.certificate_file.absolute()))}]",
    ]
    for organization in settings.organizations.values():
        lines += [
            "",
            f"[endpoints.remd.organizations.{_quote(organization.oid)}]",
            f"client_entity_id = {_quote(organization.client_entity_id)}",
        ]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    """Write a TOML basic string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False)
