"""Who may answer in an authority's name (RFC 6960 §4.2.2.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from gateway.signatures.algorithms import MINIMUM_RSA_BITS, Family
from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate
from gateway.signatures.links import signed_by, verify_link
from gateway.signatures.ocsp.response import OcspAnswer

_OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"


def answers_for(
    answer: OcspAnswer,
    issuer: Certificate,
    extra: Iterable[Certificate],
    backend: Backend,
    stands: Callable[[Certificate], bool],
    *,
    at: datetime,
) -> bool:
    """Tell whether the issuer, or one whom it has named for this, gave the answer.

    `extra`: certificates at hand besides those inside the answer. `stands`: tells whether a
    responder's certificate without id-pkix-ocsp-nocheck is known not to be revoked. `at`: the
    moment of judging; when an answer was made it says itself, so a delegate must live at both.
    Raises CryptoUnavailable.
    """
    return any(
        verify_answer(answer, one, backend)
        for one in _candidates(answer, issuer, extra, backend, at)
        if one is issuer or one.no_check or stands(one)
    )


def _candidates(
    answer: OcspAnswer,
    issuer: Certificate,
    extra: Iterable[Certificate],
    backend: Backend,
    at: datetime,
) -> Iterator[Certificate]:
    """Yield whose key may have signed: the issuer itself, or a living delegate of its own."""
    if _is_named(issuer, answer):
        yield issuer
    for one in (*answer.certificates, *extra):
        if not _is_named(one, answer) or not _may_answer(one, answer, at):
            continue
        if _is_of(one, issuer, backend):
            yield one


def _is_named(certificate: Certificate, answer: OcspAnswer) -> bool:
    if answer.responder_key is not None:
        key = hashlib.sha1(certificate.public_key, usedforsecurity=False).digest()
        return key == answer.responder_key
    return certificate.subject_name == answer.responder_name


def _may_answer(certificate: Certificate, answer: OcspAnswer, at: datetime) -> bool:
    """Ask for the purpose, the usage and the life that a delegate needs.

    A stolen key names any moment that it likes, so the moment of judging counts too.
    """
    return (
        _OCSP_SIGNING in (certificate.extended_key_usage or ())
        and (certificate.key_usage is None or "digital_signature" in certificate.key_usage)
        and not certificate.unknown_critical
        and certificate.alive(answer.produced_at)
        and certificate.alive(at)
    )


def _is_of(certificate: Certificate, issuer: Certificate, backend: Backend) -> bool:
    """Tell whether this very issuer has named it: no chain of delegates (§4.2.2.2)."""
    return certificate.issuer_name == issuer.subject_name and verify_link(
        certificate, issuer, backend
    )


def verify_answer(answer: OcspAnswer, responder: Certificate, backend: Backend) -> bool:
    """Tell whether this responder's key signed the answer; raise CryptoUnavailable."""
    if not signed_by(responder, answer.algorithm, answer.signature, answer.tbs, backend):
        return False
    bits = backend.load_public(responder.spki).bits
    return responder.family is not Family.RSA or bits >= MINIMUM_RSA_BITS
