"""Where the data that ships with the gateway lies, installed or in a source tree."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_INSTALLED = _PACKAGE / "_data"
ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent
"""The folder that holds `mappings`, `profiles` and `certs`."""

MAPPINGS = ROOT / "mappings"
PROFILES = ROOT / "profiles"
CERTS = ROOT / "certs"
