"""One process owns a store for writing."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gateway.errors import HouseError


class Lock:
    """`FILE.lock` with the owner's process id, locked by the kernel (flock(2)).

    The kernel lets it go when the owner dies, however it dies: what a dead process has left
    behind is simply taken. The file itself stays, so that two starts never lock two files of
    one name.
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Own the store. Raises HouseError with the process id of whoever owns it."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise HouseError(
                f"the store {self.path.stem} is owned by process {owner or 'unknown'}; "
                "one process writes into it at a time",
                where="store",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            reason = error.strerror or "it cannot be written"
            raise HouseError(f"no store in {self.path.parent}: {reason}", where="store") from error

    def let_go(self) -> None:
        """Give the store up; twice is once."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
