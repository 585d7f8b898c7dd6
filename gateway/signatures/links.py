"""The one question below every trust: did this key sign that. Answers are remembered."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Final

from gateway.errors import CryptoUnavailable, GatewayError
from gateway.signatures.algorithms import SignatureAlgorithm
from gateway.signatures.backends import Backend
from gateway.signatures.certificates import Certificate

_MOST_REMEMBERED: Final = 8192

Question = tuple[Backend, str, bytes]
"""Who was asked, by which algorithm, and the SHA-256 of key, signature and content."""


class Memory:
    """Answers to the questions asked last; it holds hashes and never what was signed."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._answers: OrderedDict[Question, bool] = OrderedDict()

    def recall(self, question: Question) -> bool | None:
        """Return the answer, None where there is none."""
        with self._lock:
            if question in self._answers:
                self._answers.move_to_end(question)
            return self._answers.get(question)

    def keep(self, question: Question, *, answer: bool) -> None:
        """Remember the answer; what was not asked for the longest time is forgotten."""
        with self._lock:
            self._answers[question] = answer
            self._answers.move_to_end(question)
            if len(self._answers) > self._most:
                self._answers.popitem(last=False)


_MEMORY: Final = Memory(_MOST_REMEMBERED)


def signed_by(
    signer: Certificate,
    algorithm: SignatureAlgorithm | None,
    signature: bytes,
    content: bytes,
    backend: Backend,
    *,
    fingerprint: bytes = b"",
) -> bool:
    """Tell whether the certificate's key signed; a refused algorithm never has.

    `signature` in canonical octets; `fingerprint` is the SHA-256 of the content where the caller
    has it at hand. Raises CryptoUnavailable when nobody here can tell.
    """
    if algorithm is None or algorithm.refused:
        return False
    parts = _hash(signer.spki) + _hash(signature) + (fingerprint or _hash(content))
    question = (backend, algorithm.name, _hash(parts))
    answer = _MEMORY.recall(question)
    if answer is None:
        answer = _ask(signer, algorithm, signature, content, backend)
        _MEMORY.keep(question, answer=answer)
    return answer


def verify_link(certificate: Certificate, issuer: Certificate, backend: Backend) -> bool:
    """Tell whether the issuer's key signed the certificate; raise CryptoUnavailable."""
    return signed_by(issuer, certificate.algorithm, certificate.signature, certificate.tbs, backend)


def _ask(
    signer: Certificate,
    algorithm: SignatureAlgorithm,
    signature: bytes,
    content: bytes,
    backend: Backend,
) -> bool:
    try:
        public = backend.load_public(signer.spki)
    except CryptoUnavailable:
        raise
    except GatewayError:
        return False
    return backend.verify(public, algorithm, signature, content)


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
