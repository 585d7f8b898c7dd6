"""What has been verified is remembered by its hash, and nothing that was verified is kept."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gateway.errors import CryptoUnavailable
from gateway.signatures import der
from gateway.signatures.algorithms import RSA_SHA1, SignatureAlgorithm
from gateway.signatures.backends import Chooser, PublicKey, open_backend
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.certificates import read_certificate
from gateway.signatures.keys import SigningKey
from gateway.signatures.links import Memory, signed_by, verify_link
from gateway.signatures.lists import RevocationList, verify_list
from gateway.signatures.ocsp.responder import verify_answer
from gateway.signatures.ocsp.response import OcspAnswer, read_answer
from tests.signatures.conftest import Issue, Load
from tests.signatures.ocsp.answering import Answer
from tests.signatures.reissuing import extended, extension, listed

CONTENT = b"content"


class Watched(Chooser):
    """Counts what it verifies; out of order while `missing`."""

    def __init__(self) -> None:
        super().__init__([Pyca()])
        self.verified, self.missing = 0, False

    def verify(
        self, key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, content: bytes
    ) -> bool:
        if self.missing:
            raise CryptoUnavailable("not now")
        self.verified += 1
        return super().verify(key, algorithm, signature, content)


@pytest.fixture
def signer(issue: Issue) -> SigningKey:
    return issue()


@pytest.fixture
def backend() -> Watched:
    return Watched()


def test_what_was_verified_is_not_verified_again(signer: SigningKey, backend: Watched) -> None:
    made = signer.sign(CONTENT)

    for _ in range(3):
        assert signed_by(signer.certificate, signer.algorithm, made, CONTENT, backend)
        assert not signed_by(signer.certificate, signer.algorithm, made, b"other", backend)

    assert backend.verified == 2


def test_key_signature_content_algorithm_and_backend_are_all_asked_for(
    issue: Issue, signer: SigningKey, backend: Watched
) -> None:
    other, made = issue(), signer.sign(CONTENT)
    assert signed_by(signer.certificate, signer.algorithm, made, CONTENT, backend)

    assert not signed_by(other.certificate, signer.algorithm, made, CONTENT, backend)
    assert not signed_by(signer.certificate, signer.algorithm, made[::-1], CONTENT, backend)
    assert not signed_by(signer.certificate, signer.algorithm, made, CONTENT[1:], backend)
    for algorithm in (None, RSA_SHA1, replace(signer.algorithm, name="another", oid="1.2.3")):
        assert not signed_by(other.certificate, algorithm, made, CONTENT, backend)
    asked = backend.verified
    fresh = Watched()
    assert signed_by(signer.certificate, signer.algorithm, made, CONTENT, fresh)
    assert (backend.verified, fresh.verified) == (asked, 1)


def test_border_between_key_signature_and_content_counts(
    signer: SigningKey, backend: Watched
) -> None:
    made = signer.sign(CONTENT)
    assert signed_by(signer.certificate, signer.algorithm, made, CONTENT, backend)

    assert not signed_by(
        signer.certificate, signer.algorithm, made + CONTENT[:1], CONTENT[1:], backend
    )


def test_fingerprint_at_hand_stands_for_the_content(signer: SigningKey, backend: Watched) -> None:
    made = signer.sign(CONTENT)

    for _ in range(2):
        assert signed_by(
            signer.certificate, signer.algorithm, made, CONTENT, backend, fingerprint=b"f" * 32
        )
    assert not signed_by(
        signer.certificate, signer.algorithm, made, b"other", backend, fingerprint=b"g" * 32
    )
    assert backend.verified == 2


def test_backend_that_cannot_tell_is_asked_again(signer: SigningKey, backend: Watched) -> None:
    made, backend.missing = signer.sign(CONTENT), True
    with pytest.raises(CryptoUnavailable):
        signed_by(signer.certificate, signer.algorithm, made, CONTENT, backend)

    backend.missing = False

    assert signed_by(signer.certificate, signer.algorithm, made, CONTENT, backend)


def test_memory_forgets_what_was_not_asked_for_the_longest_time(backend: Watched) -> None:
    memory = Memory(2)
    first, second, third = ((backend, "a", octet) for octet in (b"1", b"2", b"3"))

    memory.keep(first, answer=True)
    memory.keep(second, answer=False)
    assert memory.recall(first) is True
    memory.keep(third, answer=True)

    assert [memory.recall(one) for one in (first, second, third)] == [True, None, True]
    memory.keep(first, answer=True)
    memory.keep(second, answer=False)
    assert [memory.recall(one) for one in (first, second, third)] == [True, False, None]


def test_memory_is_shared_by_threads(backend: Watched) -> None:
    memory = Memory(16)

    def work(number: int) -> bool:
        question = (backend, "a", bytes([number % 64]))
        memory.keep(question, answer=bool(number % 2))
        return memory.recall(question) in (None, bool(number % 2))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(4000)))


def lists_and_answers() -> list[RevocationList | OcspAnswer]:
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, RevocationList | OcspAnswer)]


def test_list_and_answer_are_gone_with_their_last_user(key: Load, issue: Issue) -> None:
    issuing, chair = key("ru-issuing"), issue().certificate
    crl = listed(issuing, {})
    answer = read_answer(
        Answer(responder=issuing, certificate=chair, issuer=issuing.certificate).der()
    )
    assert isinstance(answer, OcspAnswer)
    for _ in range(2):
        assert verify_list(crl, issuing.certificate, open_backend())
        assert verify_answer(answer, issuing.certificate, open_backend())
    tbs = {crl.tbs, answer.tbs}
    assert {one.tbs for one in lists_and_answers()} >= tbs

    del crl, answer

    assert not {one.tbs for one in lists_and_answers()} & tbs


def test_changed_list_is_another(key: Load, backend: Watched) -> None:
    issuing = key("ru-issuing")
    crl = listed(issuing, {})
    changed = replace(crl, tbs=crl.tbs[:-1] + b"\0")

    for _ in range(2):
        assert verify_list(crl, issuing.certificate, backend)
        assert not verify_list(changed, issuing.certificate, backend)
    assert backend.verified == 2


def test_certificate_of_unusual_size_is_read_and_not_kept(key: Load, issue: Issue) -> None:
    above, signer = key("ru-issuing"), issue()
    largest = extended(signer, above, extension("1.2.3", der.octets(b"x" * 4096))).certificate
    filler = b"x" * (4096 + 8192 - len(largest.der))

    kept = extended(signer, above, extension("1.2.3", der.octets(filler))).certificate
    large = extended(signer, above, extension("1.2.3", der.octets(filler + b"x"))).certificate

    assert (len(kept.der), len(large.der)) == (8192, 8193)
    assert read_certificate(bytes(bytearray(kept.der))) is kept
    assert read_certificate(large.der) == large
    assert read_certificate(large.der) is not large


def test_link_is_remembered(key: Load, signer: SigningKey, backend: Watched) -> None:
    issuer = key("ru-issuing").certificate

    assert all(verify_link(signer.certificate, issuer, backend) for _ in range(3))
    assert backend.verified == 1
