"""Opens what signs, verifies, seals and finds: backends, keys, the index key."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import SettingError
from gateway.settings import Settings, StoreSettings
from gateway.signatures.backends import Chooser, SelfTest, open_backend, run_self_test
from gateway.signatures.keys import KeyRing, load_keys, read_key_files
from gateway.signatures.sealing import read_key


@dataclass(frozen=True, slots=True)
class Crypto:
    """All that knows keys."""

    backend: Chooser
    self_test: SelfTest
    keys: KeyRing
    index_key: bytes
    """Patients are found by it, checkpoints are signed with it."""

    @property
    def remarks(self) -> list[str]:
        """Return what is missing and what it means."""
        return [f"no backend for {check.name}" for check in self.self_test.missing]


def open_crypto(settings: Settings) -> Crypto:
    """Open and test the backends, load keys and trust. Raises SettingError."""
    backend = open_backend()
    self_test = run_self_test(backend)
    if self_test.broken:
        names = ", ".join(check.name for check in self_test.broken)
        raise SettingError(f"the signature backends fail their own test: {names}")
    return Crypto(
        backend=backend,
        self_test=self_test,
        keys=load_keys(read_key_files(settings.keys).values(), backend),
        index_key=_open_index_key(settings.store),
    )


def _open_index_key(store: StoreSettings) -> bytes:
    """Return the key that patients are found by; made beside the store when none is named."""
    file = store.index_key_file
    if file is None:
        file = store.path.with_name(store.path.name + ".index-key")
        if not file.exists():
            _make_key(file)
    return read_key(file)


def _make_key(file: Path) -> None:
    """Write a new key whole or not at all: without it no patient is found again.

    Whoever starts second keeps the first one's key.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write(secrets.token_hex(32))
        out.flush()
        os.fsync(out.fileno())
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
