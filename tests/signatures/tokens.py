"""A SoftHSM with a token in it: a PKCS#11 module that is not ours."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

TOKEN, LOCKED, PIN = "вымышленный", "запертый", "1234"
_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)


@dataclass(frozen=True)
class SoftHsm:
    """A token with a PIN; `program` is softhsm2-util."""

    program: str
    folder: Path
    module: Path

    @property
    def pin_file(self) -> Path:
        return self.folder / "pin"

    def store(self, key: Path, label: str, number: int) -> None:
        """Put a private key (PEM) on the token."""
        self._run("--import", key, "--token", TOKEN, "--label", label, "--id", f"{number:02x}")

    def make(self, label: str) -> None:
        self._run("--init-token", "--free", "--label", label, "--so-pin", PIN)

    def _run(self, *arguments: str | Path) -> None:
        subprocess.run([self.program, *arguments, "--pin", PIN], check=True, capture_output=True)


def open_softhsm(program: str, folder: Path, environ: pytest.MonkeyPatch) -> SoftHsm:
    """Make a token in the folder; this process sees it from its first use of the module on."""
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n", "utf-8")
    (folder / "pin").write_text(f"{PIN}\n", "utf-8")
    environ.setenv("SOFTHSM2_CONF", str(folder / "conf"))
    module = next(Path(path) for path in _MODULES if Path(path).exists())
    made = SoftHsm(program, folder, module)
    for label in (TOKEN, LOCKED):
        made.make(label)
    return made
