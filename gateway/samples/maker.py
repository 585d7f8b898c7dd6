"""Makes any number of different referrals out of the bundled ones, signed on demand."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from gateway.ports import Ids
from gateway.samples.broken import Twin, break_document
from gateway.samples.examples import CORRIDOR, Example, read_examples
from gateway.samples.people import GUARDIANS, house_of, invent

PROFILE: Final = "ru-088u"


class Signer(Protocol):
    """Who has the keys of the test PKI."""

    def __call__(self, certificate: str, content: bytes, when: datetime) -> bytes:
        """Return a detached CMS (DER) over `content` by the key of that name in pki.toml."""
        ...


@dataclass(frozen=True, slots=True)
class SampleSignature:
    """One detached CMS with the role of who made it (НСИ 99.2.368, or `organization`)."""

    role: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """A document ready to be sent, and what must become of it (`expected`, an outcome's name)."""

    name: str
    corridor: str
    profile: str
    content: bytes = field(repr=False)
    local_uid: str
    set_id: str
    version: int
    protocol_number: str
    organization: str
    signatures: tuple[SampleSignature, ...]
    expected: str


class Maker:
    """Stamps the bundled documents; without a signer they come unsigned."""

    def __init__(
        self, examples: Mapping[str, Example] | None = None, sign: Signer | None = None
    ) -> None:
        self.examples = read_examples() if examples is None else dict(examples)
        self._cycle = tuple(self.examples)
        self._sign = sign

    def make(
        self, number: int, *, now: datetime, ids: Ids, example: str | None = None
    ) -> SampleDocument:
        """Return document `number` (1 to 999,999): its own patient, ids and protocol.

        The same number, moment and ids give the same bytes. Raises `KeyError` for an example
        that is not bundled.
        """
        chosen = self.examples[example or self._cycle[(number - 1) % len(self._cycle)]]
        document, set_id = ids.new(), ids.new()
        protocol = f"{number}-МСЭ/{now:%Y}"
        words = _words(chosen, number, protocol)
        words |= {"document.id": document, "document.set": set_id, "document.version": "1"}
        words |= {word: _link(document, word) for word in chosen.template.open if _is_link(word)}
        content = chosen.template.stamp(words, now)
        return SampleDocument(
            name=f"{chosen.name}-{number:06d}",
            corridor=CORRIDOR,
            profile=PROFILE,
            content=content,
            local_uid=document,
            set_id=set_id,
            version=1,
            protocol_number=protocol,
            organization=chosen.words["organization.oid"],
            signatures=self._signatures(chosen, content, now),
            expected=chosen.expected,
        )

    def make_broken(self, number: int, *, now: datetime, ids: Ids, twin: Twin) -> SampleDocument:
        """Return document `number` with the fault of a twin, signed as it then stands."""
        whole = Maker(self.examples).make(number, now=now, ids=ids, example=twin.example)
        content = break_document(whole.content, twin)
        return replace(
            whole,
            name=f"{twin.name}-{number:06d}",
            content=content,
            signatures=self._signatures(self.examples[twin.example], content, now),
            expected="refused",
        )

    def _signatures(
        self, example: Example, content: bytes, now: datetime
    ) -> tuple[SampleSignature, ...]:
        if self._sign is None:
            return ()
        return tuple(
            SampleSignature(signing.role, self._sign(signing.certificate, content, now))
            for signing in example.signatures
        )


def _words(example: Example, number: int, protocol: str) -> dict[str, str]:
    region = example.words["organization.region.code"]
    patient = invent(number, example.patient, region=region)
    words = {
        **example.words,
        "document.protocol": protocol,
        "patient.number": str(number),
        "patient.id": f"П-{number:06d}",
        "patient.family": patient.family,
        "patient.given": patient.given,
        "patient.patronymic": patient.patronymic,
        "patient.snils": patient.snils,
        "patient.policy": patient.policy,
        "patient.passport.series": patient.passport_series,
        "patient.passport.number": patient.passport_number,
        "patient.phone": patient.phone,
        "patient.house": str(1 + number % 180),
        "patient.houseguid": house_of(number),
        "patient.flat": str(1 + number % 300),
        "patient.leave": f"9100{number:08d}",
    }
    return words | _guardian(example, number, region) if example.guardian else words


def _guardian(example: Example, number: int, region: str) -> dict[str, str]:
    guardian = invent(number, example.guardian, kind=GUARDIANS, region=region)
    return {
        "guardian.family": guardian.family,
        "guardian.given": guardian.given,
        "guardian.patronymic": guardian.patronymic,
        "guardian.snils": guardian.snils,
        "guardian.passport.series": guardian.passport_series,
        "guardian.passport.number": guardian.passport_number,
        "guardian.phone": guardian.phone,
    }


def _is_link(word: str) -> bool:
    return word.startswith("uuid.")


def _link(document: str, word: str) -> str:
    """Return the id of a document that this one refers to: always the same for the same one."""
    return str(uuid.uuid5(uuid.UUID(document), word))
