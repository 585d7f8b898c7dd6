"""Make the test PKI, and see which certificate expires when."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gateway.commands.terminal.tables import align, complain, print_json
from gateway.commands.terminal.words import Exit, config_option, json_option
from gateway.doors import SystemClock
from gateway.errors import GatewayError
from gateway.settings import load
from gateway.signatures.backends import open_backend
from gateway.signatures.certificates import Certificate
from gateway.signatures.declaration import read_declaration
from gateway.signatures.keys import load_key, read_key_files
from gateway.signatures.testpki import expiries, make_test_pki

DEFAULT_FOLDER = Path("certs/test")
_FOLDER = click.Path(file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Expiry:
    """One certificate by its name, and when it ends; `role` is empty where nobody gave it one."""

    name: str
    role: str
    organization: str
    algorithm: str
    lives: str
    not_after: datetime
    days: int
    expired: bool

    def as_json(self) -> dict[str, Any]:
        """Return what a program reads; `days` is negative when the end is past."""
        return {**asdict(self), "not_after": self.not_after.isoformat()}


@click.group()
def command() -> None:
    """Look after certificates.

    Example: mse-gateway certs list --config mse-gateway.toml
    """


@command.command("make-test-pki")
@click.option("--out", type=_FOLDER, default=DEFAULT_FOLDER, show_default=True)
@click.option("--url", help="Where the certificates send for OCSP, CRLs and issuers; '' nowhere.")
@json_option
def make(out: Path, url: str | None, *, as_json: bool) -> None:
    """Make the invented authorities, organisations and people of `certs/pki.toml`.

    Writes NAME.key.pem and NAME.cert.pem, trust/ for `verify --trust`, and index.json for the
    sandbox. What is there and still good stays. Nothing of it is worth anything outside of tests.

    Example: mse-gateway certs make-test-pki --out certs/test --url http://127.0.0.1:8090/pki
    """
    try:
        made = make_test_pki(read_declaration(), out, now=SystemClock().now(), url=url)
    except (GatewayError, OSError) as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)
    if as_json:
        print_json({"folder": str(out), "made": made.made, "kept": made.kept,
                    "left_out": made.left_out})  # fmt: skip
    else:
        click.echo(f"{len(made.made)} made, {len(made.kept)} kept in {out}")
    if made.left_out:
        complain(
            f"{len(made.left_out)} left out: GOST needs the system package libengine-gost-openssl"
        )


@command.command("list")
@click.argument("folder", type=_FOLDER, required=False)
@config_option
@json_option
def show(folder: Path | None, config: Path | None, *, as_json: bool) -> None:
    """Print each certificate with its end, the soonest first; exit code 1 when one has expired.

    Of a FOLDER with NAME.cert.pem files, or of the keys that a configuration names: whose they
    are, what for, and where each lies. Every key of a configuration is proven to be its
    certificate's, as far as its token or service answers.

    Example: mse-gateway certs list --config mse-gateway.toml
    """
    now = SystemClock().now()
    try:
        rows = _of_folder(folder, now) if folder is not None else _of_configuration(config, now)
    except (GatewayError, OSError) as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    if as_json:
        print_json([row.as_json() for row in rows])
    elif rows:
        click.echo("\n".join(align(_write(rows))))
    else:
        complain("no certificate found")
    if any(row.expired for row in rows):
        sys.exit(Exit.DOCUMENTS_AT_FAULT)


def _of_folder(folder: Path, now: datetime) -> list[Expiry]:
    return [
        _expiry(name, certificate, now, lives=f"file {folder / name}.cert.pem")
        for name, certificate in expiries(folder)
    ]


def _of_configuration(config: Path | None, now: datetime) -> list[Expiry]:
    """Return the certificates of `[keys]`, each proven to belong to its key."""
    backend = open_backend()
    files = read_key_files(load(config).settings.keys)
    keys = {name: load_key(each, backend) for name, each in files.items()}
    found = [
        _expiry(
            name,
            key.certificate,
            now,
            lives=key.lives,
            role=key.role.value,
            organization=key.organization,
        )
        for name, key in keys.items()
    ]
    return sorted(found, key=lambda row: (row.not_after, row.name))


def _expiry(
    name: str,
    certificate: Certificate,
    now: datetime,
    *,
    lives: str,
    role: str = "",
    organization: str = "",
) -> Expiry:
    return Expiry(
        name=name,
        role=role,
        organization=organization or certificate.subject.organization,
        algorithm=certificate.family.value if certificate.family else "unknown",
        lives=lives,
        not_after=certificate.not_after,
        days=(certificate.not_after - now).days,
        expired=certificate.not_after < now,
    )


def _write(rows: Iterable[Expiry]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        left = "expired" if row.expired else f"in {row.days} days"
        end = f"{row.not_after:%Y-%m-%d}"
        yield row.name, row.role, row.algorithm, end, left, row.organization, row.lives
