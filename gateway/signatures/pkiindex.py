"""The index beside the test PKI: who issued what, and what was revoked, when and why.

For whoever plays the authorities (the sandbox); it names the files of keys and holds none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

INDEX: Final = "index.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """One certificate of an authority: since when it is revoked and why, None for never."""

    serial: int
    revoked: datetime | None = None
    reason: str = ""
    released: datetime | None = None
    """Since when a hold is over."""

    def as_json(self) -> dict[str, Any]:
        """Return what the index says; the serial number in hex."""
        answer: dict[str, Any] = {"serial": f"{self.serial:x}"}
        if self.revoked is not None:
            answer |= {"revoked": self.revoked.isoformat(), "reason": self.reason}
        if self.released is not None:
            answer |= {"released": self.released.isoformat()}
        return answer


@dataclass(frozen=True, slots=True)
class AuthorityEntry:
    """One authority with what it has issued, by file name."""

    responder: str
    """Who answers OCSP for it; empty: itself."""
    never_issued: str
    """What OCSP says of a number it never gave: `unknown` or `revoked`."""
    trusted: bool
    issued: dict[str, Standing] = field(default_factory=dict)


def write_index(made_at: datetime, url: str, authorities: Mapping[str, AuthorityEntry]) -> bytes:
    """Return the index as JSON; `url` is what the certificates point at, empty for nothing."""
    table = {
        "made_at": made_at.isoformat(),
        "url": url,
        "authorities": {
            name: {
                "responder": entry.responder,
                "never_issued": entry.never_issued,
                "issued": {file: one.as_json() for file, one in entry.issued.items()},
            }
            for name, entry in authorities.items()
        },
    }
    return json.dumps(table, ensure_ascii=False, indent=1).encode()


def read_url(path: Path) -> str:
    """Return what the certificates beside this index point at; empty where there is none."""
    try:
        return str(json.loads(path.read_bytes())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
