"""Our signatures beside the limit (hash and one operation of the same key) and beside peers.

Run: make bench-signatures

Prints a table a key family and, as its last line, the ratios as JSON. Everything runs on one core;
rates are operations per CPU-second, and each is the best of several rounds taken in turns.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from gateway.signatures import xmldsig
from gateway.signatures.backends import Backend, open_backend
from gateway.signatures.cades import sign_detached, verify_detached
from gateway.signatures.wss import Partner, sign_envelope, verify_envelope
from tests.bench.signatures.material import (
    FAMILIES,
    NOON,
    Material,
    make_material,
    write_document,
    write_envelope,
)
from tests.bench.signatures.meter import Rate, Work, measure
from tests.bench.signatures.peers import gostcrypto_primitive, peers

ROWS = ("cms_sign", "cms_verify", "xmldsig_sign", "xmldsig_verify", "wss_sign", "wss_verify")
OURS, LIMIT = "ours", "limit"


def main() -> None:
    """Measure, print."""
    backend = open_backend()
    document, envelope = write_document(), write_envelope()
    ratios: dict[str, dict[str, float]] = {row: {} for row in ROWS}
    for name, family in FAMILIES.items():
        works = gather(make_material(family, backend), backend, document, envelope)
        rates = measure({f"{row} {who}": work for (row, who), work in works.items()})
        show(name, rates)
        for row in ROWS:
            ratios[row][name] = round(rates[f"{row} {OURS}"].ratio(rates[f"{row} {LIMIT}"]), 3)
    sys.stdout.write(json.dumps(ratios) + "\n")


def gather(
    material: Material, backend: Backend, document: bytes, envelope: bytes
) -> Mapping[tuple[str, str], Work]:
    """Return every piece of work by its row and who does it."""
    works: dict[tuple[str, str], Work] = {}
    for row, content in (("cms", document), ("xmldsig", document), ("wss", envelope)):
        sign, verify = limit(material, backend, content)
        works[f"{row}_sign", LIMIT], works[f"{row}_verify", LIMIT] = sign, verify
    works |= ours(material, document, envelope)
    works |= {(row, who): work for row, who, work in peers(material, document)}
    if material.key.algorithm.name == "gost-256":
        sign, verify = gostcrypto_primitive(document)
        works["cms_sign", "gostcrypto"], works["cms_verify", "gostcrypto"] = sign, verify
    return works


def limit(material: Material, backend: Backend, content: bytes) -> tuple[Work, Work]:
    """Return hash and one operation of the key over the same bytes."""
    key = material.key
    public, made = backend.load_public(key.certificate.spki), key.sign(content)
    return (
        lambda: key.sign(content),
        lambda: need(backend.verify(public, key.algorithm, made, content)),
    )


def ours(material: Material, document: bytes, envelope: bytes) -> dict[tuple[str, str], Work]:
    """Return our work: from bytes to bytes, from bytes to a verdict."""
    key, trust = material.key, material.trust
    partner = Partner(name="bench", pins=frozenset({key.certificate.sha256}))

    def wrap() -> bytes:
        return sign_envelope(envelope, key, created=NOON, sign_header_names=())

    cms, signed_envelope = sign_detached(document, key, NOON), wrap()
    signed = xmldsig.sign_enveloped(document, key)

    def judge_cms() -> None:
        need(verify_detached(cms, document, trust=trust, at=NOON).valid)

    def judge_document() -> None:
        need(xmldsig.verify_xmldsig(signed, trust, at=NOON).verdict.valid)

    def judge_envelope() -> None:
        need(verify_envelope(signed_envelope, partner=partner, at=NOON).verdict.valid)

    return {
        ("cms_sign", OURS): lambda: sign_detached(document, key, NOON),
        ("cms_verify", OURS): judge_cms,
        ("xmldsig_sign", OURS): lambda: xmldsig.sign_enveloped(document, key),
        ("xmldsig_verify", OURS): judge_document,
        ("wss_sign", OURS): wrap,
        ("wss_verify", OURS): judge_envelope,
    }


def need(good: bool) -> None:  # noqa: FBT001 - the verdict of what was just signed
    """Stop where a signature does not hold: its speed means nothing."""
    if not good:
        raise SystemExit("a signature of the bench does not hold")


def show(name: str, rates: Mapping[str, Rate]) -> None:
    """Print one family's table."""
    lines = ["", f"{name:16}{'who':12}{'per CPU-second':>16}{'of the limit':>14}"]
    for what, rate in sorted(rates.items()):
        row, who = what.split(" ")
        share = rate.ratio(rates[f"{row} {LIMIT}"])
        lines.append(f"{row:16}{who:12}{rate.per_second:>16.1f}{share:>14.1%}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
