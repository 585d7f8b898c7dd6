"""Makes the declared test PKI: `NAME.key.pem`, `NAME.cert.pem` and `trust/` in one folder.

What is there and still good stays, so that a signature made yesterday verifies today.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError, MalformedMessage
from gateway.signatures.algorithms import DEFAULTS, Family, signs_with
from gateway.signatures.backends import Backend, PrivateKey, open_backend
from gateway.signatures.certificates import Certificate, read_certificate, split_pem, write_pem
from gateway.signatures.declaration import Authority, Declaration, Wanted
from gateway.signatures.issuing import (
    Issuer,
    Revocation,
    Template,
    make_certificate,
    make_crl,
    make_name,
)

_FAMILIES: Final = {"": Family.RSA, "-gost": Family.GOST_256}
_USAGES: Final = {
    "document": ("digital_signature", "non_repudiation"),
    "transport": ("digital_signature",),
}
_PURPOSES: Final = {
    "document": ("client_auth", "email_protection"),
    "transport": ("client_auth", "server_auth"),
}


@dataclass(frozen=True, slots=True)
class Made:
    """The names of the certificates that were made, kept, or could not be made here."""

    made: tuple[str, ...]
    kept: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(slots=True)
class _Workshop:
    """One run: where it writes, when, and what it has done so far."""

    declaration: Declaration
    out: Path
    now: datetime
    backend: Backend
    done: dict[str, list[str]] = field(
        default_factory=lambda: {"made": [], "kept": [], "left_out": []}
    )

    def obtain(
        self,
        name: str,
        family: Family,
        plan: Callable[[bytes], Template],
        issuer: Issuer | None,
    ) -> tuple[PrivateKey, Certificate]:
        """Return key and certificate of this name, from the folder or newly made."""
        key_file, certificate_file = self.out / f"{name}.key.pem", self.out / f"{name}.cert.pem"
        found = _read_pair(key_file, certificate_file, self.backend)
        if found is not None and self._still_good(found, plan(found[0].spki), issuer):
            self.done["kept"].append(name)
            return found
        key = self.backend.generate(family)
        private = self.backend.load_private(key)
        template = plan(private.spki)
        signer = issuer or Issuer(template.subject, private, self.backend)
        certificate = make_certificate(template, signer)
        _write(key_file, write_pem("PRIVATE KEY", key), secret=True)
        _write(certificate_file, write_pem("CERTIFICATE", certificate))
        self.done["made"].append(name)
        return private, read_certificate(certificate)

    def _still_good(
        self, found: tuple[PrivateKey, Certificate], template: Template, issuer: Issuer | None
    ) -> bool:
        """Tell whether what lies there is what the declaration asks for now."""
        private, certificate = found
        signer = issuer or Issuer(template.subject, private, self.backend)
        timely = certificate.alive(self.now) == (
            template.not_before <= self.now <= template.not_after
        )
        return (
            timely
            and certificate.subject_name == template.subject
            and certificate.spki == private.spki
            and (certificate.key_usage or frozenset()) == frozenset(template.key_usage)
            and _signed_by(certificate, signer)
        )


def make_test_pki(
    declaration: Declaration, out: Path, *, now: datetime, backend: Backend | None = None
) -> Made:
    """Make what is missing or no longer good; keys are readable by their owner alone.

    Without a GOST backend the `-gost` twins are left out and named. Revocation lists are always
    written anew. Raises OSError when the folder cannot be written.
    """
    work = _Workshop(declaration, out, now.replace(microsecond=0), backend or open_backend())
    (out / "trust").mkdir(parents=True, exist_ok=True)
    for suffix, family in _FAMILIES.items():
        if suffix and not declaration.gost:
            continue
        if work.backend.supports(DEFAULTS[family]):
            _make_family(work, suffix, family)
        else:
            work.done["left_out"] += [f"{name}{suffix}" for name in declaration.certificates]
    return Made(*(tuple(work.done[key]) for key in ("made", "kept", "left_out")))


def _make_family(work: _Workshop, suffix: str, family: Family) -> None:
    issuers = _make_authorities(work, suffix, family)
    revoked: dict[str, list[Revocation]] = {name: [] for name in issuers}
    for name, wanted in work.declaration.certificates.items():
        plan = _planner(work, wanted)
        _, certificate = work.obtain(f"{name}{suffix}", family, plan, issuers[wanted.issuer])
        if wanted.revoked_days is not None:
            since = work.now + timedelta(days=wanted.revoked_days)
            revoked[wanted.issuer].append(
                Revocation(certificate.serial, since, wanted.revocation_reason)
            )
    _publish_lists(work, suffix, issuers, revoked)


def _make_authorities(work: _Workshop, suffix: str, family: Family) -> dict[str, Issuer]:
    issuers: dict[str, Issuer] = {}
    for name, authority in work.declaration.authorities.items():
        mark = " ГОСТ" if suffix else ""
        subject = make_name(country="RU", common_name=authority.name + mark)
        above = issuers[authority.issuer] if authority.issuer else None
        private, certificate = work.obtain(
            f"{name}{suffix}", family, _authority_planner(work, authority, subject), above
        )
        issuers[name] = Issuer(subject, private, work.backend)
        if authority.trusted:
            trusted = work.out / "trust" / f"{name}{suffix}.cert.pem"
            _write(trusted, write_pem("CERTIFICATE", certificate.der))
    return issuers


def _publish_lists(
    work: _Workshop,
    suffix: str,
    issuers: Mapping[str, Issuer],
    revoked: Mapping[str, list[Revocation]],
) -> None:
    until = work.now + timedelta(days=work.declaration.crl_days)
    for name, issuer in issuers.items():
        if work.declaration.authorities[name].trusted:
            # An hour back: the clock of whoever reads it may be slow.
            crl = make_crl(issuer, revoked[name], work.now - timedelta(hours=1), until)
            _write(work.out / "trust" / f"{name}{suffix}.crl.pem", write_pem("X509 CRL", crl))


def _authority_planner(
    work: _Workshop, authority: Authority, subject: bytes
) -> Callable[[bytes], Template]:
    declared = work.declaration

    def plan(spki: bytes) -> Template:
        return Template(
            subject=subject,
            spki=spki,
            not_before=work.now - timedelta(days=10 * declared.lifetime_days // 2),
            not_after=work.now + timedelta(days=10 * declared.lifetime_days // 2),
            authority=True,
            path_length=0 if authority.issuer else None,
            key_usage=("key_cert_sign", "crl_sign"),
        )

    return plan


def _planner(work: _Workshop, wanted: Wanted) -> Callable[[bytes], Template]:
    declared = work.declaration
    first, last = wanted.not_before_days, wanted.not_after_days
    subject = _subject(declared, wanted)

    def plan(spki: bytes) -> Template:
        return Template(
            subject=subject,
            spki=spki,
            not_before=work.now
            + timedelta(days=-declared.backdate_days if first is None else first),
            not_after=work.now + timedelta(days=declared.lifetime_days if last is None else last),
            key_usage=wanted.key_usage or _USAGES[wanted.usage],
            extended_key_usage=wanted.extended_key_usage or _PURPOSES[wanted.usage],
        )

    return plan


def _subject(declaration: Declaration, wanted: Wanted) -> bytes:
    """Return the Name of an organisation, or of a person who works there."""
    house = declaration.organizations[wanted.organization]
    place = {"country": "RU", "region": house.region, "city": house.city}
    if not wanted.person:
        return make_name(
            **place,
            street=house.street,
            organization=house.name,
            ogrn=house.ogrn,
            organization_inn=house.inn,
            common_name=house.name,
        )
    person = house.people[wanted.person]
    return make_name(
        **place,
        organization=house.name,
        title=person.position,
        snils=person.snils,
        inn=person.inn,
        surname=person.surname,
        given_name=f"{person.given_name} {person.patronymic}",
        common_name=person.full_name,
    )


def _signed_by(certificate: Certificate, issuer: Issuer) -> bool:
    public = issuer.backend.load_public(issuer.private.spki)
    return (
        certificate.issuer_name == issuer.name
        and certificate.algorithm is signs_with(issuer.private.family, issuer.private.bits)
        and issuer.backend.verify(
            public, certificate.algorithm, certificate.signature, certificate.tbs
        )
    )


def _read_pair(
    key_file: Path, certificate_file: Path, backend: Backend
) -> tuple[PrivateKey, Certificate] | None:
    try:
        private = backend.load_private(key_file.read_bytes())
        return private, _first_certificate(certificate_file)
    except (OSError, GatewayError):
        return None


def _write(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Write beside and rename: nobody ever reads half a key."""
    beside = path.with_name(f".{path.name}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    beside.replace(path)


def expiries(folder: Path) -> list[tuple[str, Certificate]]:
    """Return name and certificate of each `NAME.cert.pem` here, soonest to expire first.

    Raises MalformedMessage for a file that holds no certificate.
    """
    found = [
        (path.name.removesuffix(".cert.pem"), _first_certificate(path))
        for path in folder.glob("*.cert.pem")
    ]
    return sorted(found, key=lambda pair: (pair[1].not_after, pair[0]))


def _first_certificate(path: Path) -> Certificate:
    for _, der in split_pem(path.read_bytes()):
        return read_certificate(der)
    raise MalformedMessage(f"{path.name} holds no certificate")
