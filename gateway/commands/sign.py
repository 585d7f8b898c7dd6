"""Sign a file with a key: CMS, CAdES-T, XML signature, WS-Security, СМЭВ."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp
import click

from gateway.commands.terminal.tables import complain
from gateway.commands.terminal.words import Exit
from gateway.doors import SystemClock
from gateway.errors import GatewayError, MalformedMessage, SettingError
from gateway.signatures.backends import open_backend
from gateway.signatures.cades import stamp
from gateway.signatures.chain import Trust, load_trust
from gateway.signatures.keys import KeyFiles, Role, load_key
from gateway.signatures.production import ENVELOPES, FORMS, STAMPED, Order, produce
from gateway.transports.evidence import Fetcher
from gateway.transports.timestamps import FixedTrust, Tsa

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--as", "form", type=click.Choice(FORMS), required=True, help="Which kind.")
@click.option("--key", type=_FILE, required=True, help="PEM or DER private key.")
@click.option("--cert", type=_FILE, required=True, help="Its certificate, PEM or DER.")
@click.option("--password-file", type=_FILE, help="File with the key's password.")
@click.option("--detached", is_flag=True, help="Leave the content out of the signature.")
@click.option("--tsa", metavar="URL", help="Time-stamping authority (RFC 3161), for cades-t.")
@click.option(
    "--trust",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Roots and CRLs that the time-stamping authority must chain to.",
)
@click.option(
    "-o", "out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Where to."
)
def command(  # noqa: PLR0913 - one argument an option
    file: Path,
    form: str,
    key: Path,
    cert: Path,
    password_file: Path | None,
    tsa: str | None,
    folder: Path | None,
    out: Path,
    *,
    detached: bool,
) -> None:
    """Sign a file.

    Example: mse-gateway sign referral.xml --as cms --detached --key chair.key.pem
    --cert chair.cert.pem -o referral.p7s
    """
    if {tsa is not None, folder is not None} != {form == STAMPED}:
        raise click.UsageError(f"--tsa and --trust belong to --as {STAMPED}, and it to them.")
    role = Role.TRANSPORT if form in ENVELOPES else Role.ORGANIZATION
    files = KeyFiles("", role, key, cert, password_file, where="--key")
    clock, backend = SystemClock(), open_backend()
    try:
        order = Order(
            content=file.read_bytes(),
            key=load_key(files, backend),
            at=clock.now(),
            detached=detached,
        )
        made = produce(form, order)
        if tsa is not None and folder is not None:
            trust = load_trust(folder, backend=backend)
            made = asyncio.run(_put_stamp(made, tsa, trust, clock))
        out.write_bytes(made)
    except MalformedMessage as error:
        complain(str(error))
        sys.exit(Exit.DOCUMENTS_AT_FAULT)
    except SettingError as error:
        complain(str(error))
        sys.exit(Exit.USAGE)
    except (GatewayError, OSError) as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)


async def _put_stamp(made: bytes, url: str, trust: Trust, clock: SystemClock) -> bytes:
    """Return the CMS with a token of the authority; only what is in the folder says who counts."""
    async with aiohttp.ClientSession() as session:
        fetcher = Fetcher(plain=session, guarded=session)
        return await stamp(
            made, Tsa(url=url, fetcher=fetcher, desk=FixedTrust(trust), now=clock.now)
        )
