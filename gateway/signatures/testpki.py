"""Makes the declared test PKI: `NAME.key.pem`, `NAME.cert.pem`, `trust/` and `index.json`.

What is there and still good stays, so that a signature made yesterday verifies today.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.errors import CryptoUnavailable, GatewayError, MalformedMessage
from gateway.signatures.algorithms import DEFAULTS, Family, signs_with
from gateway.signatures.backends import Backend, PrivateKey, open_backend
from gateway.signatures.certificates import Certificate, read_certificate, split_pem, write_pem
from gateway.signatures.declaration import Authority, Declaration, Wanted
from gateway.signatures.inventednames import name_subject
from gateway.signatures.issuing import (
    Issuer,
    Places,
    Revocation,
    Template,
    make_certificate,
    make_crl,
    make_name,
    make_tbs,
)
from gateway.signatures.pkiindex import INDEX, AuthorityEntry, Standing, read_url, write_index
from gateway.signatures.testkeys import KINDS, Kind, make_key, named

_KEPT: Final = timedelta(days=3650)
"""How long the line of a certificate that has ended is kept."""
_WITHOUT_GOST: Final = (Family.RSA, Family.EC)
_USAGES: Final = {
    "document": ("digital_signature", "non_repudiation"),
    "transport": ("digital_signature",),
    "tsa": ("digital_signature",),
    "ocsp": ("digital_signature",),
}
_PURPOSES: Final = {
    "document": ("client_auth", "email_protection"),
    "transport": ("client_auth", "server_auth"),
    "tsa": ("time_stamping",),
    "ocsp": ("ocsp_signing",),
}
_Plan = Callable[[bytes], Template]


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
    url: str
    done: dict[str, list[str]] = field(
        default_factory=lambda: {"made": [], "kept": [], "left_out": []}
    )
    authorities: dict[str, dict[str, str]] = field(default_factory=dict)
    """The file name of each twin, by authority and kind of key."""
    issuers: dict[str, Issuer] = field(default_factory=dict)
    """By file name, as all below."""
    entries: dict[str, AuthorityEntry] = field(default_factory=dict)

    def makes(self, kind: Kind) -> bool:
        """Tell whether keys of this kind can be made here."""
        return self.backend.supports(DEFAULTS[kind.family])

    def wants(self, kind: Kind) -> bool:
        """Tell whether keys of this kind are asked for."""
        return self.declaration.gost or kind.family in _WITHOUT_GOST

    def obtain(
        self, name: str, kind: Kind, plan: _Plan, issuer: Issuer | None
    ) -> tuple[PrivateKey, Certificate]:
        """Return key and certificate of this name, from the folder or newly made."""
        key_file, certificate_file = self.out / f"{name}.key.pem", self.out / f"{name}.cert.pem"
        found = _read_pair(key_file, certificate_file, self.backend)
        if found is not None and self._still_good(found, plan(found[0].spki), issuer):
            self.done["kept"].append(name)
            return found
        key = make_key(kind, self.backend)
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
        wanted_alive = template.not_before <= self.now <= template.not_after
        same_life = replace(
            template, not_before=certificate.not_before, not_after=certificate.not_after
        )
        return (
            certificate.alive(self.now) == wanted_alive
            and certificate.tbs == make_tbs(same_life, signer)
            and _signed_by(certificate, signer)
        )


def make_test_pki(
    declaration: Declaration,
    out: Path,
    *,
    now: datetime,
    backend: Backend | None = None,
    url: str | None = None,
) -> Made:
    """Make what is missing or no longer good; keys are readable by their owner alone.

    Without a GOST backend what needs one is left out and named. With `url` the certificates say
    that OCSP, CRLs and the authorities' certificates are to be had below it, from the sandbox;
    None: as the folder has it. Revocation lists are always written anew.
    Raises OSError when the folder cannot be written.
    """
    moment = now.replace(microsecond=0)
    place = read_url(out / INDEX) if url is None else url.rstrip("/")
    work = _Workshop(declaration, out, moment, backend or open_backend(), place)
    (out / "trust").mkdir(parents=True, exist_ok=True)
    for name, authority in declaration.authorities.items():
        _make_authority(work, name, authority)
    for name, wanted in declaration.certificates.items():
        _make_certificates(work, name, wanted)
    _publish_lists(work)
    _write(out / INDEX, write_index(moment, place, work.entries))
    return Made(*(tuple(work.done[key]) for key in ("made", "kept", "left_out")))


def _make_authority(work: _Workshop, name: str, authority: Authority) -> None:
    """Make a twin of an authority for each of its kinds of key."""
    twins = work.authorities[name] = named(name, authority.keys)
    for kind, file in twins.items():
        if not work.wants(KINDS[kind]) or not work.makes(KINDS[kind]):
            continue
        mark = "" if file == name else KINDS[kind].mark
        subject = make_name(country=authority.country, common_name=authority.name + mark)
        above = work.authorities[authority.issuer][kind] if authority.issuer else ""
        plan = _authority_planner(work, authority, subject, above)
        private, certificate = work.obtain(file, KINDS[kind], plan, work.issuers.get(above))
        work.issuers[file] = Issuer(subject, private, work.backend)
        work.entries[file] = AuthorityEntry(
            responder=_responder(work.declaration, authority, kind),
            never_issued=authority.never_issued,
            trusted=authority.trusted,
        )
        if above:
            work.entries[above].issued[file] = Standing(certificate.serial)
        if authority.trusted:
            trusted = work.out / "trust" / f"{file}.cert.pem"
            _write(trusted, write_pem("CERTIFICATE", certificate.der))


def _responder(declared: Declaration, authority: Authority, kind: str) -> str:
    """Return the file name of the responder's twin; empty where the authority answers itself."""
    wanted = declared.certificates.get(authority.responder)
    return named(authority.responder, wanted.keys).get(kind, "") if wanted else ""


def _make_certificates(work: _Workshop, name: str, wanted: Wanted) -> None:
    """Make a twin of a certificate for each of its kinds of key."""
    for kind, file in named(name, wanted.keys).items():
        if not work.wants(KINDS[kind]):
            continue
        above = work.authorities[wanted.issuer][KINDS[kind].under]
        try:
            plan = _planner(work, wanted, above)
            _, certificate = work.obtain(file, KINDS[kind], plan, work.issuers[above])
        except (CryptoUnavailable, KeyError):  # the kind itself, or that of its authority
            work.done["left_out"].append(file)
            continue
        work.entries[above].issued[file] = _stand(work, wanted, certificate.serial)


def _stand(work: _Workshop, wanted: Wanted, serial: int) -> Standing:
    if wanted.revoked_days is None:
        return Standing(serial)
    released = wanted.released_days
    return Standing(
        serial,
        revoked=work.now + timedelta(days=wanted.revoked_days),
        reason=wanted.revocation_reason,
        released=None if released is None else work.now + timedelta(days=released),
    )


def _publish_lists(work: _Workshop) -> None:
    """Write the complete list of each trusted authority."""
    until = work.now + timedelta(days=work.declaration.crl_days)
    for file, entry in work.entries.items():
        if entry.trusted:
            lines = [
                Revocation(one.serial, one.revoked, one.reason)
                for one in entry.issued.values()
                if one.revoked is not None and one.released is None
            ]
            # An hour back: the clock of whoever reads it may be slow.
            made = work.now - timedelta(hours=1)
            crl = make_crl(work.issuers[file], lines, made, until, keeps_since=made - _KEPT)
            _write(work.out / "trust" / f"{file}.crl.pem", write_pem("X509 CRL", crl))


def _places(work: _Workshop, issuer: str) -> Places:
    """Return where an authority is asked for its own: at the sandbox, or nowhere."""
    if not work.url or not issuer:
        return Places()
    return Places(
        ocsp=f"{work.url}/ocsp/{issuer}",
        certificate=f"{work.url}/ca/{issuer}.cer",
        crl=f"{work.url}/crl/{issuer}.crl",
        delta_crl=f"{work.url}/crl/{issuer}-delta.crl",
    )


def _authority_planner(work: _Workshop, authority: Authority, subject: bytes, above: str) -> _Plan:
    half_a_life = timedelta(days=10 * work.declaration.lifetime_days // 2)

    def plan(spki: bytes) -> Template:
        return Template(
            subject=subject,
            spki=spki,
            not_before=work.now - half_a_life,
            not_after=work.now + half_a_life,
            authority=True,
            path_length=0 if authority.issuer else None,
            key_usage=("key_cert_sign", "crl_sign"),
            places=_places(work, above),
        )

    return plan


def _planner(work: _Workshop, wanted: Wanted, issuer: str) -> _Plan:
    declared = work.declaration
    first, last = wanted.not_before_days, wanted.not_after_days
    subject = name_subject(declared, wanted)
    is_responder = wanted.usage == "ocsp"

    def plan(spki: bytes) -> Template:
        return Template(
            subject=subject,
            spki=spki,
            not_before=work.now
            + timedelta(days=-declared.backdate_days if first is None else first),
            not_after=work.now + timedelta(days=declared.lifetime_days if last is None else last),
            key_usage=wanted.key_usage or _USAGES[wanted.usage],
            extended_key_usage=wanted.extended_key_usage or _PURPOSES[wanted.usage],
            purpose_is_critical=wanted.usage == "tsa",
            no_check=is_responder,
            policy=declared.authorities[wanted.issuer].policy,
            places=Places() if is_responder else _places(work, issuer),
        )

    return plan


def _signed_by(certificate: Certificate, issuer: Issuer) -> bool:
    public = issuer.backend.load_public(issuer.private.spki)
    algorithm = signs_with(issuer.private.family, issuer.private.bits)
    return certificate.algorithm is algorithm and issuer.backend.verify(
        public, certificate.algorithm, certificate.signature, certificate.tbs
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
