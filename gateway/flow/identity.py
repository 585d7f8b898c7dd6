"""Which document this is, and whether we have it already (decision 19).

Identity is the document's id and its bytes. While an exchange of the id is open or registered the
same bytes are the same exchange; other bytes are a conflict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.exchange.record import Exchange, Identity
from gateway.exchange.states import Outcome, State
from gateway.formats.cda import CdaDocument, Placed
from gateway.ports import IdentityTaken

AT_ID = "/ClinicalDocument/id/@extension"
PatientIndex = Callable[[str], str]
"""СНИЛС, digits only, to HMAC-SHA-256 in hex."""


def identify(
    document: CdaDocument,
    *,
    endpoint: str,
    profile: str,
    kind: str,
    sender: str,
    index: PatientIndex,
) -> Identity:
    """Return whose document it is and which; what the document does not say stays empty."""
    header = document.header
    version = header.version or ""
    snils = "".join(filter(str.isdigit, header.patient.snils or ""))
    return Identity(
        endpoint=endpoint,
        profile=profile,
        kind=kind,
        local_uid=header.local_uid or "",
        sender=sender,
        organization=header.organization or "",
        document_sha256=hashlib.sha256(document.content).hexdigest(),
        set_id=_instance(header.set_id.root, header.set_id.extension),
        version=int(version) if version.isdecimal() else 1,
        protocol_number=header.protocol_number or "",
        patient=index(snils) if snils else "",
    )


def _instance(root: Placed | None, extension: Placed | None) -> str:
    return f"{root or ''}^{extension or ''}".lower() if root or extension else ""


@dataclass(frozen=True, slots=True)
class Known:
    """The id and the bytes are those of an exchange that we have."""

    exchange: Exchange


@dataclass(frozen=True, slots=True)
class New:
    """It is a document of its own; `replaces` names the exchange it follows under its id."""

    replaces: str = ""
    held_by: str = ""


def recognise(
    identity: Identity, same_id: Sequence[Exchange], same_set: Sequence[Exchange]
) -> Known | New:
    """Tell whether the document is known, a successor or new. Raises IdentityTaken.

    `same_id` and `same_set` are newest first.
    """
    for exchange in same_id:
        if not is_standing(exchange):
            continue
        if exchange.identity.sender != identity.sender:
            raise taken(exchange, identity, "another sender has handed over a document of this id")
        if exchange.identity.document_sha256 != identity.document_sha256:
            raise taken(
                exchange, identity, "another document of this id is under way or registered"
            )
        return Known(exchange)
    return New(
        replaces=same_id[0].id if same_id else "",
        held_by=_unsettled_version(identity, same_set),
    )


def is_standing(exchange: Exchange) -> bool:
    """Tell whether an exchange keeps its document's id: it is open, or ended registered."""
    return exchange.outcome in {None, Outcome.REGISTERED}


def _unsettled_version(identity: Identity, same_set: Sequence[Exchange]) -> str:
    """Return the newest earlier version of which nobody knows yet what became of it."""
    if not identity.set_id:
        return ""
    earlier = [
        one
        for one in same_set
        if one.identity.version < identity.version
        and one.outcome is None
        and one.state is not State.CLOSED
    ]
    return max(earlier, key=lambda one: one.identity.version).id if earlier else ""


def taken(exchange: Exchange, identity: Identity, why: str, *, where: str = AT_ID) -> IdentityTaken:
    """Return the conflict with both hashes; `where` is what both documents have in common."""
    text = (
        f"{why}: its SHA-256 is {exchange.identity.document_sha256}, "
        f"this one's is {identity.document_sha256}"
    )
    conflict = IdentityTaken(text, exchanges=(exchange,))
    conflict.where = where
    return conflict
