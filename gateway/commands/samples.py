"""Hand out the bundled documents, to look at and to start from."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from gateway.commands.terminal.tables import align, complain, paint, print_json
from gateway.commands.terminal.words import Exit, json_option
from gateway.doors import SystemChance, SystemClock, SystemIds
from gateway.errors import GatewayError
from gateway.samples.broken import read_twins
from gateway.samples.examples import CORRIDOR, read_examples
from gateway.samples.export import Exported, write_index, write_samples, write_trust
from gateway.samples.maker import Maker, SampleDocument
from gateway.samples.people import MOST
from gateway.samples.signing import PkiSigner
from gateway.signatures.algorithms import DEFAULTS, Family
from gateway.signatures.backends import Backend, open_backend
from gateway.signatures.declaration import read_declaration
from gateway.signatures.testpki import make_test_pki

LARGEST = 99_999


@click.group()
def command() -> None:
    """Look at the bundled documents, or have them written to a folder.

    Example: mse-gateway samples export /tmp/samples
    """


@command.command(name="list")
@json_option
def list_samples(*, as_json: bool) -> None:
    """List the bundled documents of every corridor and their broken twins.

    Example: mse-gateway samples list
    """
    rows = [(one.name, CORRIDOR, one.expected, one.title) for one in read_examples().values()] + [
        (twin.name, CORRIDOR, "refused", twin.title) for twin in read_twins().values()
    ]
    if as_json:
        keys = ("name", "corridor", "expected", "title")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    for line in align([(name, corridor, paint(out), title) for name, corridor, out, title in rows]):
        click.echo(line)


@command.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--count",
    type=click.IntRange(1, LARGEST),
    help="How many documents; by default each of the bundled ones once.",
)
@click.option(
    "--first",
    type=click.IntRange(1, MOST - LARGEST),
    help="Number of the first patient and protocol; by default drawn, so that a second export is "
    "not taken for a repetition of the first.",
)
@click.option("--broken", is_flag=True, help="Write the broken twins too.")
@click.option(
    "--pki",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of a test PKI; what is missing there is made. By default one that is thrown "
    "away: its roots are written to DIR/trust.",
)
@click.option(
    "--algorithm",
    type=click.Choice(("gost", "rsa")),
    help="Which of a signer's two keys signs; by default GOST where this machine can.",
)
@json_option
def export(
    folder: Path,
    count: int | None,
    first: int | None,
    pki: Path | None,
    algorithm: str | None,
    *,
    broken: bool,
    as_json: bool,
) -> None:
    """Write documents, their signatures and the roots to trust into DIR.

    One folder a corridor; samples.json says what belongs together and what must become of it.

    Example: mse-gateway samples export /tmp/samples --count 100
    """
    clock = SystemClock()
    number = first or 1 + int(SystemChance().draw() * (MOST - LARGEST))
    try:
        backend = open_backend()
        with _pki(pki, backend, clock.now()) as keys:
            maker = Maker(sign=PkiSigner(keys, backend, gost=_uses_gost(algorithm, backend)))
            total = count or len(maker.examples)
            samples = _make(maker, clock, range(number, number + total), broken=broken)
            exported = list(_watched(write_samples(samples, folder), total))
            trust = write_trust(keys, folder)
        index = write_index(exported, folder)
    except (GatewayError, OSError) as error:
        complain(str(error))
        sys.exit(Exit.GATEWAY_AT_FAULT)
    if as_json:
        print_json([one.as_json() for one in exported])
    else:
        click.echo(f"{len(exported)} documents in {folder}, listed in {index}")
        click.echo(f"what verifies their signatures: {trust}")


@contextmanager
def _pki(chosen: Path | None, backend: Backend, now: datetime) -> Iterator[Path]:
    """Yield a folder with the test PKI: the chosen one, or one that is thrown away."""
    declaration = read_declaration()
    if chosen is not None:
        make_test_pki(declaration, chosen, now=now, backend=backend)
        yield chosen
        return
    signers = {one.certificate for each in read_examples().values() for one in each.signatures}
    with tempfile.TemporaryDirectory(prefix="mse-gateway-pki-") as thrown_away:
        folder = Path(thrown_away)
        make_test_pki(declaration.only(*sorted(signers)), folder, now=now, backend=backend)
        yield folder


def _uses_gost(algorithm: str | None, backend: Backend) -> bool:
    return backend.supports(DEFAULTS[Family.GOST_256]) if algorithm is None else algorithm == "gost"


def _make(
    maker: Maker, clock: SystemClock, numbers: range, *, broken: bool
) -> Iterator[SampleDocument]:
    ids = SystemIds()
    for place, number in enumerate(numbers):
        names = tuple(maker.examples)
        name = names[place % len(names)]
        yield maker.make(number, now=clock.now(), ids=ids, example=name)
    if broken:
        for number, twin in enumerate(read_twins().values(), numbers.stop):
            yield maker.make_broken(number, now=clock.now(), ids=ids, twin=twin)


def _watched(exported: Iterator[Exported], total: int) -> Iterator[Exported]:
    """Show a bar on a terminal; nothing when piped."""
    with click.progressbar(
        exported, length=total, file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        yield from bar
