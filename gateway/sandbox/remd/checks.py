"""The full check of one document, in РЭМД's order: signatures first, then the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.errors import CryptoUnavailable
from gateway.sandbox.remd.cms import DetachedSignature, SignatureFault, read_signature
from gateway.sandbox.remd.codes import say
from gateway.sandbox.remd.document import find_mismatches, rules_of
from gateway.sandbox.remd.metadata import Metadata
from gateway.sandbox.remd.settings import OrganizationSettings
from gateway.sandbox.remd.trust import COMMON_NAME, ORGANIZATION_NAME, Certificate, Trust
from gateway.sandbox.scenario import ErrorItem
from gateway.signatures.algorithms import digest_by_oid
from gateway.signatures.backends import Backend


@dataclass(frozen=True, slots=True)
class Examined:
    """What the signatures say before anybody has seen the file."""

    faults: tuple[ErrorItem, ...]
    signatures: tuple[DetachedSignature, ...]


class Examiner:
    """Checks documents against the trusted folder."""

    def __init__(self, trust: Trust, backend: Backend) -> None:
        self._trust = trust
        self._backend = backend

    def examine_signatures(
        self, metadata: Metadata, organization: OrganizationSettings, *, now: datetime
    ) -> Examined:
        """Check everything that can be checked without the file."""
        faults = list(_check_presence(metadata, now=now))
        signatures: list[DetachedSignature] = []
        for container, snils in _containers(metadata):
            try:
                signature = read_signature(
                    container, self._trust, self._backend, now=now, created=metadata.created
                )
            except SignatureFault as fault:
                faults.append(fault.item)
                continue
            signatures.append(signature)
            faults += _check_owner(signature.certificate, snils, organization)
        faults += _check_digests(signatures)
        return Examined(tuple(faults), tuple(signatures))

    def examine_file(
        self, file: bytes, metadata: Metadata, signatures: tuple[DetachedSignature, ...]
    ) -> tuple[ErrorItem, ...]:
        """Check the fetched file against its digest, its signatures and its description."""
        if len(file) != metadata.size or not self._is_registered_digest(file, metadata):
            return (say("DIGEST_MISMATCH"),)
        if not all(signature.covers(file, self._backend) for signature in signatures):
            return (say("DIGEST_MISMATCH", "в ЭП подписан другой файл"),)
        return find_mismatches(file, metadata)

    def _is_registered_digest(self, file: bytes, metadata: Metadata) -> bool:
        algorithm = digest_by_oid(metadata.digest_oid)
        if algorithm is None or algorithm.refused:
            return False
        try:
            return self._backend.digest(algorithm, file) == metadata.digest
        except CryptoUnavailable:
            return False


def _containers(metadata: Metadata) -> Iterator[tuple[bytes, str]]:
    """Give each container with the СНИЛС it is said to be of; the organisation has none."""
    if metadata.organization_signature:
        yield metadata.organization_signature, ""
    for signature in metadata.personal_signatures:
        yield signature.container, signature.person.snils


def _check_presence(metadata: Metadata, *, now: datetime) -> Iterator[ErrorItem]:
    rules = rules_of(metadata.kind)
    if metadata.created > now:
        yield say("WRONG_CREATION_DATE")
    if rules.organization_signature and not metadata.organization_signature:
        yield say("ORG_SIGNATURE_OCCURRENCE_MISMATCH")
    roles = [signature.role for signature in metadata.personal_signatures]
    if rules.role and roles.count(rules.role) != 1:
        yield say("ROLE_OCCURRENCE_MISMATCH")
    people = Counter(signature.person.snils for signature in metadata.personal_signatures)
    containers = Counter(container for container, _ in _containers(metadata))
    if max(people.values()) > 1 or max(containers.values()) > 1:
        yield say("SIGNATURE_DUPLICATION")


def _check_owner(
    certificate: Certificate, snils: str, organization: OrganizationSettings
) -> Iterator[ErrorItem]:
    if snils:
        if certificate.snils != snils:
            yield say("VALUE_MISMATCH_METADATA_AND_CERTIFICATE", "СНИЛС сотрудника")
        return
    if certificate.ogrn != organization.ogrn:
        yield say("VALUE_MISMATCH_METADATA_AND_CERTIFICATE", "ОГРН организации")
    names = {certificate.attributes.get(oid, "") for oid in (ORGANIZATION_NAME, COMMON_NAME)}
    if organization.name and _plain(organization.name) not in map(_plain, names):
        yield say("VALUE_MISMATCH_METADATA_AND_CERTIFICATE", "ORG_NAME")


def _check_digests(signatures: list[DetachedSignature]) -> Iterator[ErrorItem]:
    seen: dict[str, bytes] = {}
    for signature in signatures:
        known = seen.setdefault(signature.digest.oid, signature.message_digest)
        if known != signature.message_digest:
            yield say("INCONSISTENT_DIGESTS")
            return


def _plain(name: str) -> str:
    """Return a name as it is compared: case, quotes and spaces do not count."""
    return "".join(filter(str.isalnum, name.casefold()))
