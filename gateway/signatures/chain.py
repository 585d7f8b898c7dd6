"""Does a certificate lead to an authority we trust: our own path builder (RFC 5280 §6).

pyhanko-certvalidator was tried and left out for now: it reads certificates through asn1crypto,
which cannot look into GOST keys, takes milliseconds and an event loop, and its `hard-fail` mode
passes what it has not looked at. A path here is short, by names and key ids, and every link is
checked; what we do not understand and is critical is turned away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from gateway.errors import CryptoUnavailable, GatewayError, SettingError
from gateway.signatures.algorithms import MINIMUM_RSA_BITS, Family
from gateway.signatures.backends import Backend, open_backend
from gateway.signatures.certificates import Certificate, read_certificate, split_pem
from gateway.signatures.links import verify_link
from gateway.signatures.lists import RevocationList, read_list
from gateway.signatures.ocsp import OcspAnswer
from gateway.signatures.reasons import Fact
from gateway.signatures.revocation import ANSWER_AGE, Evidence, judge_revocation
from gateway.signatures.verdict import Reason, Verdict

_LONGEST: Final = 6  # certificates above the signer's
_MOST_LINKS: Final = 64  # signatures looked at for one chain: certificates may come by the hundred
_CERTIFICATE, _LIST = "CERTIFICATE", "X509 CRL"


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """Whose word counts: roots, what lies between, and what authorities have said of revocation.

    `revocation_required` decides what the absence of any fresh word of an authority means: a
    verdict `could-not-be-checked`, or a remark. `answer_age` is how long an OCSP answer without
    nextUpdate is believed; `heard_at` and `lines_kept` are those of `Evidence`.
    """

    roots: tuple[Certificate, ...] = field(default=(), repr=False)
    intermediates: tuple[Certificate, ...] = field(default=(), repr=False)
    lists: tuple[RevocationList, ...] = field(default=(), repr=False)
    revocation_required: bool = True
    backend: Backend = field(default_factory=open_backend, repr=False)
    answers: tuple[OcspAnswer, ...] = field(default=(), repr=False)
    answer_age: timedelta = ANSWER_AGE
    heard_at: datetime | None = None
    lines_kept: bool = False

    @property
    def evidence(self) -> Evidence:
        """What has been said of revocation."""
        return Evidence(
            lists=self.lists,
            answers=self.answers,
            responders=self.intermediates,
            answer_age=self.answer_age,
            heard_at=self.heard_at,
            lines_kept=self.lines_kept,
        )

    def with_evidence(
        self, answers: Sequence[OcspAnswer], lists: Sequence[RevocationList]
    ) -> Trust:
        """Return the same trust that has heard more."""
        return replace(self, answers=(*self.answers, *answers), lists=(*self.lists, *lists))

    def without_lists(self) -> Trust:
        """Return the same trust that does not ask for revocation lists."""
        return replace(self, lists=(), answers=(), revocation_required=False)


def load_trust(
    folder: Path, *, backend: Backend | None = None, revocation_required: bool = True
) -> Trust:
    """Read every PEM or DER certificate and list in the folder; raise SettingError naming the file.

    A certificate that signed itself is a root, any other lies between.
    """
    certificates: list[Certificate] = []
    lists: list[RevocationList] = []
    for path in _files(folder):
        try:
            for label, der in _contents(path):
                if label == _LIST:
                    lists.append(read_list(der))
                else:
                    certificates.append(read_certificate(der))
        except GatewayError as error:
            raise SettingError(f"{path}: {error.text}", where="trust.directory") from error
    tools = backend or open_backend()
    roots = tuple(one for one in certificates if _signed_itself(one, tools))
    return Trust(
        roots=roots,
        intermediates=tuple(one for one in certificates if one not in roots),
        lists=tuple(lists),
        revocation_required=revocation_required,
        backend=tools,
    )


def _signed_itself(certificate: Certificate, backend: Backend) -> bool:
    """Tell a root from a certificate of the same name that an older key of it has signed."""
    if certificate.subject_name != certificate.issuer_name:
        return False
    try:
        return verify_link(certificate, certificate, backend)
    except CryptoUnavailable:
        return True  # below it everything will be said to be unchecked


def judge_chain(
    certificate: Certificate,
    extra: Sequence[Certificate],
    trust: Trust,
    *,
    at: datetime,
    now: datetime | None = None,
) -> tuple[Reason, ...]:
    """Say what keeps the certificate from being trusted at the moment; empty when nothing.

    `now`: the moment of judging, where it is another than `at`: evidence must be fresh then. Of
    several paths the one with the mildest verdict counts.
    """
    paths = paths_of(certificate, extra, trust)
    try:
        judged = [_judge_path(path, trust, at, now or at) for path in paths]
    except CryptoUnavailable as error:
        return (Reason(Fact.BACKEND_MISSING, error.text),)
    if not judged:
        return (Reason(Fact.CHAIN_NOT_FOUND),)
    return min(judged, key=lambda reasons: Verdict(reasons, ()).severity)


def paths_of(
    certificate: Certificate, extra: Sequence[Certificate], trust: Trust
) -> Iterator[tuple[Certificate, ...]]:
    """Yield every path of real signatures from the certificate to a root; CryptoUnavailable."""
    roots = {root.sha256 for root in trust.roots}
    pool = {one.sha256: one for one in (*trust.roots, *trust.intermediates, *extra)}.values()
    budget = _MOST_LINKS
    paths: list[tuple[Certificate, ...]] = [(certificate,)]
    while paths:
        path = paths.pop()
        if path[-1].sha256 in roots:
            yield path
            continue
        for issuer in pool:
            if issuer in path or len(path) > _LONGEST or not _may_have_issued(issuer, path[-1]):
                continue
            budget -= 1
            if budget >= 0 and verify_link(path[-1], issuer, trust.backend):
                paths.append((*path, issuer))


def _may_have_issued(issuer: Certificate, certificate: Certificate) -> bool:
    ids = (issuer.subject_key_id, certificate.authority_key_id)
    return issuer.subject_name == certificate.issuer_name and (None in ids or ids[0] == ids[1])


def _judge_path(
    path: tuple[Certificate, ...], trust: Trust, at: datetime, now: datetime
) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    for height, one in enumerate(path):
        reasons += _judge_life(one, at)
        if one.unknown_critical:
            reasons.append(
                Reason(Fact.CHAIN_UNFIT, f"critical extension {one.unknown_critical[0]}")
            )
        if height:
            reasons += _judge_authority(one, height, trust)
    for height, (one, issuer) in enumerate(pairwise(path)):
        reason = judge_revocation(
            one, issuer, trust.evidence, at=at, now=now, backend=trust.backend
        )
        reasons += _weigh(reason, height, trust) if reason is not None else ()
    return tuple(dict.fromkeys(reasons))


def _judge_life(certificate: Certificate, at: datetime) -> Iterator[Reason]:
    if at > certificate.not_after:
        yield Reason(Fact.EXPIRED, f"until {certificate.not_after:%Y-%m-%d}")
    if at < certificate.not_before:
        yield Reason(Fact.NOT_YET_VALID, f"from {certificate.not_before:%Y-%m-%d}")


def _judge_authority(certificate: Certificate, height: int, trust: Trust) -> Iterator[Reason]:
    """Ask of an authority what §6.1.4 asks; `height` is its distance from the signer."""
    if not certificate.is_authority:
        yield Reason(Fact.CHAIN_UNFIT, "the issuer is no authority")
    if certificate.key_usage is not None and "key_cert_sign" not in certificate.key_usage:
        yield Reason(Fact.CHAIN_UNFIT, "the issuer may not sign certificates")
    if certificate.path_length is not None and height - 1 > certificate.path_length:
        yield Reason(Fact.CHAIN_UNFIT, "the chain is longer than its authority allows")
    bits = trust.backend.load_public(certificate.spki).bits
    if certificate.family is Family.RSA and bits < MINIMUM_RSA_BITS:
        yield Reason(Fact.KEY_TOO_SHORT, f"{bits} bits, of an authority")


def _weigh(reason: Reason, height: int, trust: Trust) -> Iterator[Reason]:
    """Say what a revocation, or silence about it, means so high above the signer."""
    if reason.fact is Fact.REVOCATION_UNKNOWN and not trust.revocation_required:
        reason = Reason(Fact.REVOCATION_NOT_ASKED, reason.detail)
    elif reason.fact is not Fact.REVOCATION_UNKNOWN and height:
        reason = Reason(Fact.AUTHORITY_REVOKED, reason.detail)
    yield reason


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(
            path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
        )
    except OSError as error:
        raise SettingError(
            f"{folder} cannot be read: {error.strerror}", where="trust.directory"
        ) from error


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{error.strerror}", where="trust.directory") from error
    if b"-----BEGIN" in content:
        yield from split_pem(content)
    else:
        yield (_LIST if path.suffix == ".crl" else _CERTIFICATE), content
