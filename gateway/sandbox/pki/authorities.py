"""Who has issued what, and what has become of it: read from the index of the test PKI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.errors import CryptoUnavailable, SettingError
from gateway.sandbox.pki.signing import Hand, read_hand
from gateway.signatures.backends import Backend

INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """A certificate that was issued; None: never revoked, never released."""

    name: str
    serial: int
    revoked: datetime | None = None
    reason: str = "unspecified"
    released: datetime | None = None

    def is_revoked(self, moment: datetime) -> bool:
        """Tell whether it is revoked, or on hold, at this moment."""
        if self.revoked is None or moment < self.revoked:
            return False
        return self.released is None or moment < self.released


@dataclass(frozen=True)
class Authority:
    """One authority; `responder` is who answers OCSP for it."""

    hand: Hand
    responder: Hand
    revokes_strangers: bool
    """A number it never gave is `revoked`, not `unknown` (RFC 6960 §2.2)."""
    issued: Mapping[int, Standing] = field(default_factory=dict)


class Registry:
    """Every authority of a folder, read once."""

    def __init__(self, folder: Path, backend: Backend) -> None:
        self._folder = folder
        self._backend = backend
        self._hands: dict[str, Hand] = {}
        self.authorities = {
            name: self._read(name, row) for name, row in _read_index(folder).items()
        }
        if not self.authorities:
            raise SettingError("no authority in the index", where="pki.folder")

    def hand(self, name: str) -> Hand:
        """Return a certificate with its key. Raises SettingError, CryptoUnavailable."""
        if name not in self._hands:
            self._hands[name] = read_hand(self._folder, name, self._backend)
        return self._hands[name]

    def stampers(self) -> tuple[str, ...]:
        """Return the names of the certificates that are for time-stamps."""
        names = (one.name for each in self.authorities.values() for one in each.issued.values())
        return tuple(name for name in names if self._stamps(name))

    def other(self, authority: Authority) -> Hand:
        """Return somebody of this authority who may not answer for it."""
        responder = authority.responder.name
        names = [one.name for one in authority.issued.values() if one.name != responder]
        return self.hand(names[0]) if names else self.hand(next(iter(self.authorities)))

    def _stamps(self, name: str) -> bool:
        try:
            purposes = self.hand(name).certificate.extended_key_usage_value
        except (SettingError, CryptoUnavailable):  # issued once, and no longer in the folder
            return False
        return purposes is not None and purposes.native == ["time_stamping"]

    def _read(self, name: str, row: Mapping[str, Any]) -> Authority:
        try:
            return Authority(
                hand=self.hand(name),
                responder=self.hand(row["responder"] or name),
                revokes_strangers=row["never_issued"] == "revoked",
                issued={one.serial: one for one in map(_read_one, row["issued"].items())},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SettingError(f"the index is wrong about {name}", where="pki.folder") from error


def _read_one(item: tuple[str, Mapping[str, str]]) -> Standing:
    name, row = item
    moments = {
        key: datetime.fromisoformat(row[key]) for key in ("revoked", "released") if key in row
    }
    return Standing(
        name, int(row["serial"], 16), reason=row.get("reason", "unspecified"), **moments
    )


def _read_index(folder: Path) -> Mapping[str, Any]:
    try:
        table: Mapping[str, Any] = json.loads((folder / INDEX).read_bytes())["authorities"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(
            "the index of the test PKI cannot be read: `certs make-test-pki` writes it",
            where="pki.folder",
        ) from error
    return table
