"""Writes samples into a folder: documents, their signatures, the roots to trust."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.samples.maker import SampleDocument

INDEX = "samples.json"


@dataclass(frozen=True, slots=True)
class Exported:
    """One written document; `file` and those of the signatures are below the folder."""

    file: str
    sample: SampleDocument
    signatures: tuple[tuple[str, str], ...]
    """File and role of each."""

    def as_json(self) -> dict[str, object]:
        """Return what a program needs to send it and to judge the outcome."""
        return {
            "file": self.file,
            "corridor": self.sample.corridor,
            "profile": self.sample.profile,
            "organization": self.sample.organization,
            "local_uid": self.sample.local_uid,
            "set_id": self.sample.set_id,
            "version": self.sample.version,
            "protocol_number": self.sample.protocol_number,
            "size": len(self.sample.content),
            "signatures": [{"file": file, "role": role} for file, role in self.signatures],
            "expected": self.sample.expected,
        }


def write_samples(samples: Iterable[SampleDocument], folder: Path) -> Iterator[Exported]:
    """Write each sample below the folder of its corridor and yield what was written.

    A document is `CORRIDOR/NAME.xml`, a signature `CORRIDOR/NAME.ROLE.p7s` (DER, detached).
    """
    for sample in samples:
        place = folder / sample.corridor
        place.mkdir(parents=True, exist_ok=True)
        document = place / f"{sample.name}.xml"
        document.write_bytes(sample.content)
        signatures = []
        for signature in sample.signatures:
            file = place / f"{sample.name}.{signature.role}.p7s"
            file.write_bytes(signature.content)
            signatures.append((str(file.relative_to(folder)), signature.role))
        yield Exported(str(document.relative_to(folder)), sample, tuple(signatures))


def write_index(exported: Iterable[Exported], folder: Path) -> Path:
    """Write the list of what was exported; return its file."""
    index = folder / INDEX
    rows = [one.as_json() for one in exported]
    index.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return index


def write_trust(pki: Path, folder: Path) -> Path:
    """Copy the public roots and revocation lists of a test PKI; return their folder."""
    trust = folder / "trust"
    shutil.copytree(pki / "trust", trust, dirs_exist_ok=True)
    return trust
