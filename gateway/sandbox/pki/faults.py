"""How the authorities misbehave: one section a service, by a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from gateway.errors import SettingError
from gateway.settings import read


class Answer(StrEnum):
    """What the caller gets."""

    GIVEN = "given"
    RESET = "reset"
    HTTP_500 = "http-500"
    SLOW = "slow"
    """As it should be, but after `delay`."""
    GARBAGE = "garbage"
    """HTTP 200 with octets that are nothing."""
    REFUSED = "refused"
    """OCSP: `tryLater`; time-stamps: `rejection`. A list is not there (404)."""


class Says(StrEnum):
    """What OCSP says of a certificate."""

    TRUTH = "truth"
    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class NextUpdate(StrEnum):
    """When there will be newer information."""

    COMING = "coming"
    PAST = "past"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspFaults:
    """`[ocsp]`; the default is a responder that works."""

    answer: Answer = Answer.GIVEN
    says: Says = Says.TRUTH
    next_update: NextUpdate = NextUpdate.COMING
    responder: str = ""
    """Certificate (`NAME` of the test PKI) that signs instead; `other`: any without the purpose."""
    about_another: bool = False
    """The answer is about the next serial number."""
    broken_signature: bool = False
    nonce: bool = True
    """Off: the caller's nonce does not come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFaults:
    """`[crl]` and `[delta]`."""

    answer: Answer = Answer.GIVEN
    next_update: NextUpdate = NextUpdate.COMING
    broken_signature: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TsaFaults:
    """`[tsa]`."""

    answer: Answer = Answer.GIVEN
    wrong_imprint: bool = False
    ahead: timedelta = timedelta()
    """How far its clock is before ours; not scaled."""
    certificate: bool = True
    """Off: not sent, though asked for."""
    nonce: bool = True
    broken_signature: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """A whole file."""

    title: str = "Authorities that work"
    counterpart: str = ""
    """Must name this counterpart where the file is given by its path."""
    delay: timedelta = timedelta(seconds=90)
    """Of a slow answer; divided by the time scale."""
    ocsp: OcspFaults = field(default_factory=OcspFaults)
    crl: ListFaults = field(default_factory=ListFaults)
    delta: ListFaults = field(default_factory=ListFaults)
    tsa: TsaFaults = field(default_factory=TsaFaults)


def load_faults(name: str, folder: Path) -> Faults:
    """Read the scenario of this name from the folder, or from the file of this path.

    Raises SettingError with what is wrong.
    """
    path = folder / f"{name}.toml"
    if not path.is_file():
        path = Path(name)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"the scenario cannot be read: {error}", where=name) from error
    return read(Faults, table, name)
