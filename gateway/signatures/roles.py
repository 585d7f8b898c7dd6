"""In what standing a certificate of НУЦ РК lets its owner sign: extended key usages by role."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from gateway.signatures.certificates import Certificate

_ARC: Final = "1.2.398.3.3.4.1"


class KzRole(StrEnum):
    """Whom an extended key usage below 1.2.398.3.3.4.1 names."""

    PERSON = "person"
    """Физическое лицо."""
    LEGAL_ENTITY = "legal-entity"
    """Юридическое лицо; says nothing of the owner's rights in it."""
    HEAD = "head"
    """Первый руководитель."""
    SIGNATORY = "signatory"
    """Лицо с правом подписи."""
    FINANCE = "finance"
    """Право подписи финансовых документов."""
    STAFF_OFFICE = "staff-office"
    """Сотрудник отдела кадров."""
    EMPLOYEE = "employee"
    """Сотрудник организации."""
    SYSTEM = "system"
    """Информационная система."""


_ROLES: Final = {
    f"{_ARC}.1": KzRole.PERSON,
    f"{_ARC}.2": KzRole.LEGAL_ENTITY,
    f"{_ARC}.2.1": KzRole.HEAD,
    f"{_ARC}.2.2": KzRole.SIGNATORY,
    f"{_ARC}.2.3": KzRole.FINANCE,
    f"{_ARC}.2.4": KzRole.STAFF_OFFICE,
    f"{_ARC}.2.5": KzRole.EMPLOYEE,
    f"{_ARC}.2.6": KzRole.SYSTEM,
}
ROLE_OIDS: Final = frozenset(_ROLES)


def roles_of(certificate: Certificate) -> frozenset[KzRole]:
    """Return the roles that a certificate names; none for one that is not of НУЦ РК."""
    named = certificate.extended_key_usage or frozenset()
    return frozenset(role for oid, role in _ROLES.items() if oid in named)
