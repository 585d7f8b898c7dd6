"""Every fact that a signature can be judged by: the verdict, the mender, the words.

One table, so that nobody decides a verdict in passing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.findings import Mender

_INVALID = "invalid"
_UNCHECKED = "could-not-be-checked"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a fact means: a verdict, ETSI's sub-indication, who mends it, in two languages."""

    code: str
    outcome: str
    etsi: str
    mender: Mender
    texts: Mapping[str, str] = field(hash=False)


def _rule(code: str, outcome: str, etsi: str, mender: Mender, ru: str, en: str) -> Ruling:
    return Ruling(code, outcome, etsi, mender, {"ru": ru, "en": en})


class Fact(Enum):
    """What was found."""

    # What was signed -----------------------------------------------------------------------
    DIGEST_MISMATCH = _rule(
        "digest-mismatch",
        _INVALID,
        "HASH_FAILURE",
        Mender.SENDER,
        "Содержимое изменено после подписания",
        "The content was changed after it was signed",
    )
    SIGNATURE_BROKEN = _rule(
        "signature-broken",
        _INVALID,
        "SIG_CRYPTO_FAILURE",
        Mender.VENDOR,
        "Значение подписи не сходится с ключом сертификата",
        "The signature value does not fit the certificate's key",
    )
    CONTENT_MISSING = _rule(
        "content-missing",
        _UNCHECKED,
        "SIGNED_DATA_NOT_FOUND",
        Mender.SENDER,
        "Нет содержимого, к которому относится подпись",
        "The content that the signature belongs to is not there",
    )
    # Form ----------------------------------------------------------------------------------
    MALFORMED = _rule(
        "malformed",
        _INVALID,
        "FORMAT_FAILURE",
        Mender.VENDOR,
        "Подпись не разбирается",
        "The signature cannot be read",
    )
    STRUCTURE_FORBIDDEN = _rule(
        "structure-forbidden",
        _INVALID,
        "FORMAT_FAILURE",
        Mender.VENDOR,
        "Строение подписи недопустимо",
        "The structure of the signature is not admitted",
    )
    WRONG_SIGNER_COUNT = _rule(
        "wrong-signer-count",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Число подписантов в контейнере не то, которое требуется",
        "The container does not hold as many signers as required",
    )
    ATTRIBUTE_MISSING = _rule(
        "attribute-missing",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "В подписи отсутствует обязательный подписанный атрибут",
        "A mandatory signed attribute is missing",
    )
    ATTRIBUTE_ABSENT = _rule(
        "attribute-absent",
        "valid",
        "",
        Mender.VENDOR,
        "В подписи нет желательного подписанного атрибута",
        "A signed attribute that should be there is not",
    )
    ATTRIBUTE_WRONG = _rule(
        "attribute-wrong",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Подписанный атрибут противоречит содержимому или повторяется",
        "A signed attribute contradicts the content or is repeated",
    )
    CERTIFICATE_REFERENCE_MISMATCH = _rule(
        "certificate-reference-mismatch",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Атрибут signing-certificate указывает на другой сертификат",
        "The signing-certificate attribute names another certificate",
    )
    NOT_SIGNED = _rule(
        "not-signed",
        _INVALID,
        "FORMAT_FAILURE",
        Mender.VENDOR,
        "Сообщение не подписано",
        "The message is not signed",
    )
    NOT_COVERED = _rule(
        "not-covered",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Подпись не охватывает обязательную часть сообщения",
        "The signature does not cover a mandatory part of the message",
    )
    COMMENTS_NOT_SIGNED = _rule(
        "comments-not-signed",
        "valid",
        "",
        Mender.VENDOR,
        "Комментарии документа подписью не охвачены и не читаются",
        "The comments of the document are not signed, and not read",
    )
    # Algorithms ----------------------------------------------------------------------------
    ALGORITHM_FORBIDDEN = _rule(
        "algorithm-forbidden",
        _INVALID,
        "CRYPTO_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Алгоритм не допускается",
        "The algorithm is not admitted",
    )
    ALGORITHM_UNKNOWN = _rule(
        "algorithm-unknown",
        _INVALID,
        "FORMAT_FAILURE",
        Mender.VENDOR,
        "Алгоритм неизвестен",
        "The algorithm is not known",
    )
    ALGORITHMS_MIXED = _rule(
        "algorithms-mixed",
        _INVALID,
        "CRYPTO_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Алгоритмы хеширования, подписи и ключа из разных семейств",
        "Digest, signature and key come from different families",
    )
    KEY_TOO_SHORT = _rule(
        "key-too-short",
        _INVALID,
        "CRYPTO_CONSTRAINTS_FAILURE",
        Mender.SENDER,
        "Ключ RSA короче 2048 бит",
        "The RSA key has fewer than 2048 bits",
    )
    LEGACY_ADMITTED = _rule(
        "legacy-admitted",
        "valid",
        "",
        Mender.RECIPIENT,
        "Устаревший алгоритм допущен настройкой этого партнёра",
        "A legacy algorithm was admitted by this partner's setting",
    )
    # The certificate -----------------------------------------------------------------------
    CERTIFICATE_MISSING = _rule(
        "certificate-missing",
        _UNCHECKED,
        "NO_SIGNING_CERTIFICATE_FOUND",
        Mender.VENDOR,
        "В подписи нет сертификата подписанта",
        "The signer's certificate is not in the signature",
    )
    CERTIFICATE_UNFIT = _rule(
        "certificate-unfit",
        _INVALID,
        "CHAIN_CONSTRAINTS_FAILURE",
        Mender.SENDER,
        "Сертификат не предназначен для подписания",
        "The certificate is not meant for signing",
    )
    PARTNER_UNKNOWN = _rule(
        "partner-unknown",
        _INVALID,
        "CHAIN_CONSTRAINTS_FAILURE",
        Mender.OPERATOR,
        "Сертификат не закреплён за этим партнёром",
        "The certificate is not one of this partner's",
    )
    CHAIN_NOT_FOUND = _rule(
        "chain-not-found",
        _UNCHECKED,
        "NO_CERTIFICATE_CHAIN_FOUND",
        Mender.OPERATOR,
        "Нет цепочки до доверенного удостоверяющего центра",
        "No chain leads to a trusted authority",
    )
    CHAIN_UNFIT = _rule(
        "chain-unfit",
        _INVALID,
        "CHAIN_CONSTRAINTS_FAILURE",
        Mender.SENDER,
        "Цепочка сертификатов нарушает ограничения удостоверяющего центра",
        "The chain breaks a constraint of its authority",
    )
    REVOKED = _rule(
        "revoked",
        "revoked",
        "REVOKED_NO_POE",
        Mender.SENDER,
        "Сертификат отозван",
        "The certificate is revoked",
    )
    AUTHORITY_REVOKED = _rule(
        "authority-revoked",
        "revoked",
        "REVOKED_CA_NO_POE",
        Mender.SENDER,
        "Сертификат удостоверяющего центра отозван",
        "The certificate of the authority is revoked",
    )
    NEVER_ISSUED = _rule(
        "certificate-never-issued",
        "revoked",
        "REVOKED_NO_POE",
        Mender.SENDER,
        "Удостоверяющий центр отвечает, что не выдавал этого сертификата",
        "The authority answers that it never issued this certificate",
    )
    REVOCATION_UNKNOWN = _rule(
        "revocation-unknown",
        _UNCHECKED,
        "TRY_LATER",
        Mender.OPERATOR,
        "Нет свежих сведений об отзыве сертификата",
        "There is no fresh revocation information",
    )
    REVOCATION_NOT_ASKED = _rule(
        "revocation-not-asked",
        "valid",
        "",
        Mender.OPERATOR,
        "Отзыв не проверялся: нет свежих сведений удостоверяющего центра",
        "Revocation was not checked: there is no fresh word of the authority",
    )
    # Time ----------------------------------------------------------------------------------
    EXPIRED = _rule(
        "certificate-expired",
        _UNCHECKED,
        "OUT_OF_BOUNDS_NO_POE",
        Mender.SENDER,
        "Срок действия сертификата истёк, доказательства времени подписания нет",
        "The certificate has expired and nothing proves when the signature was made",
    )
    NOT_YET_VALID = _rule(
        "certificate-not-yet-valid",
        _INVALID,
        "NOT_YET_VALID",
        Mender.SENDER,
        "Срок действия сертификата ещё не начался",
        "The certificate is not yet valid",
    )
    SIGNED_OUTSIDE_LIFE = _rule(
        "signed-outside-certificate-life",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.SENDER,
        "Время подписания вне срока действия сертификата",
        "The signing time lies outside the certificate's life",
    )
    NO_SIGNING_TIME = _rule(
        "no-signing-time",
        "valid",
        "",
        Mender.VENDOR,
        "Подпись не говорит, когда она поставлена",
        "The signature does not say when it was made",
    )
    SIGNED_IN_FUTURE = _rule(
        "signed-in-the-future",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Время подписания ещё не наступило",
        "The signing time lies in the future",
    )
    TIMESTAMPED = _rule(
        "timestamped",
        "expired-but-timestamped",
        "",
        Mender.NOBODY,
        "Сертификат уже не действует, но штамп времени доказывает, что подпись сделана раньше",
        "The certificate is no longer good, but a time-stamp proves that the signature is older",
    )
    TIMESTAMP_REFUSED = _rule(
        "time-stamp-refused",
        "valid",
        "",
        Mender.VENDOR,
        "Штамп времени негоден и ничего не доказывает",
        "The time-stamp is not good and proves nothing",
    )
    TIMESTAMP_NOT_CHECKED = _rule(
        "time-stamp-not-checked",
        "valid",
        "",
        Mender.OPERATOR,
        "Штамп времени не проверен, его время не принято на веру",
        "The time-stamp was not checked, its time is not trusted",
    )
    SIGNED_AFTER_TIMESTAMP = _rule(
        "signed-after-time-stamp",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Заявленное время подписания позже штампа времени на этой подписи",
        "The signing time is later than the time-stamp over this signature",
    )
    STALE = _rule(
        "stale",
        _INVALID,
        "SIG_CONSTRAINTS_FAILURE",
        Mender.VENDOR,
        "Срок годности сообщения истёк или не наступил",
        "The message is past its life or not yet in it",
    )
    # This machine --------------------------------------------------------------------------
    BACKEND_MISSING = _rule(
        "backend-missing",
        _UNCHECKED,
        "TRY_LATER",
        Mender.OPERATOR,
        "Здесь нет средства для этого алгоритма",
        "No backend here can do this algorithm",
    )

    @property
    def code(self) -> str:
        """The fact's name for programs."""
        return self.value.code
