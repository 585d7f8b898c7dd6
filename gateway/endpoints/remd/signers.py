"""What РЭМД would have against the signers, found before it is asked (protocol notes, §4).

The signatures hold when this is asked. Here they are held against the document: whoever signed
must be named in it, the chair must be its chair, the organisation its organisation, and each
certificate must have been in force on the day the document bears.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from gateway.findings import Finding, Mender, Severity, Tier
from gateway.ports import VerifiedSigner

_ORGANIZATION: Final = "organization"
_CHAIR: Final = "14"  # НСИ 1.2.643.5.1.13.13.99.2.368; performer PPRF in the document
_PLAIN: Final = re.compile(r"[\W_]+")


def judge_signers(
    metadata: Mapping[str, Any], signers: Sequence[VerifiedSigner], *, now: datetime
) -> tuple[Finding, ...]:
    """Return every objection; an error is one that РЭМД refuses a document for."""
    found: list[Finding] = []
    for signer in signers:
        found += _judge_life(signer, metadata, now)
        if signer.role == _ORGANIZATION:
            found += _judge_organization(signer, metadata)
        else:
            found += _judge_person(signer, metadata)
    return tuple(dict.fromkeys(found))


def _judge_person(signer: VerifiedSigner, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    """Ask for the participant whose СНИЛС the certificate bears (ROLE_OCCURRENCE_MISMATCH)."""
    if not signer.snils:
        yield _tell("signer-without-snils", signer, Mender.SENDER)
        return
    named = [one for one in metadata["signers"] if one["snils"] == signer.snils]
    if not named:
        yield _tell("signer-not-in-document", signer, Mender.SENDER)
    elif signer.role == _CHAIR and all(one.get("role") != _CHAIR for one in named):
        yield _tell("signer-not-chair", signer, Mender.SENDER)


def _judge_organization(signer: VerifiedSigner, metadata: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare with what the document says (VALUE_MISMATCH_METADATA_AND_CERTIFICATE)."""
    ogrn, name = metadata.get("organization_ogrn"), metadata.get("organization_name")
    if ogrn and signer.ogrn != ogrn:
        yield _tell("organization-ogrn", signer, Mender.SENDER)
    elif name and _plain(signer.organization) != _plain(name):
        # РЭМД compares with ФРМО, which may spell it either way.
        yield _tell("organization-name", signer, Mender.SENDER, Severity.WARNING)


def _judge_life(
    signer: VerifiedSigner, metadata: Mapping[str, Any], now: datetime
) -> Iterator[Finding]:
    """Ask for a certificate in force on the document's day and now (DOC_DATE_MISMATCH_CERT_*).

    By days in the document's own zone: many documents bear no hour.
    """
    if signer.not_before is None or signer.not_after is None:
        return
    created = datetime.fromisoformat(metadata["created"])
    first, last = (
        moment.astimezone(created.tzinfo).date() for moment in (signer.not_before, signer.not_after)
    )
    if not first <= created.date() <= last:
        yield _tell("certificate-not-of-that-day", signer, Mender.SENDER)
    if now > signer.not_after:
        yield _tell("certificate-expired", signer, Mender.SENDER)


def _plain(name: str) -> str:
    """Return a name without its quotes, case and spacing."""
    return _PLAIN.sub("", name.casefold().replace("ё", "е"))


def _tell(
    rule: str, signer: VerifiedSigner, mender: Mender, severity: Severity = Severity.ERROR
) -> Finding:
    ru, en = _TEXTS[rule]
    return Finding(
        rule=f"remd/{rule}",
        code="business-rule",
        severity=severity,
        where=f"signature[{signer.role}]",
        texts={"ru": ru, "en": en},
        mender=mender,
        tier=Tier.SIGNATURE,
    )


_TEXTS: Final = {
    "signer-without-snils": (
        "В сертификате подписанта нет СНИЛС: РЭМД не сопоставит его с участником документа.",
        "The signer's certificate has no СНИЛС: РЭМД cannot tell which participant it is.",
    ),
    "signer-not-in-document": (
        "СНИЛС из сертификата подписанта не принадлежит ни одному участнику документа.",
        "The СНИЛС of the signer's certificate belongs to nobody whom the document names.",
    ),
    "signer-not-chair": (
        "Подпись председателя поставлена тем, кто в документе не председатель комиссии (PPRF).",
        "Whoever signed as the chair is not the chair (PPRF) of the commission in the document.",
    ),
    "organization-ogrn": (
        "ОГРН в сертификате организации не тот, что указан в документе.",
        "The ОГРН in the organisation's certificate is not the one in the document.",
    ),
    "organization-name": (
        "Наименование организации в сертификате и в документе различается.",
        "The organisation's name differs between its certificate and the document.",
    ),
    "certificate-not-of-that-day": (
        "Сертификат не действовал в день, которым датирован документ.",
        "The certificate was not in force on the day that the document bears.",
    ),
    "certificate-expired": (
        "Срок действия сертификата истёк: РЭМД проверяет его и на день получения документа.",
        "The certificate has expired: РЭМД checks it on the day of arrival, too.",
    ),
}
