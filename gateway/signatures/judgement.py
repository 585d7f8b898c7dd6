"""Judges any signed file: recognises its form and asks the room that knows it.

For a person who looks at a signature. Whoever acts on what was signed asks the room itself, with
the profile of the partner, and reads only what that returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.errors import MalformedMessage
from gateway.signatures import xmldsig
from gateway.signatures.cades import verify_cms
from gateway.signatures.chain import Trust
from gateway.signatures.cms import profile as cms
from gateway.signatures.reasons import Fact
from gateway.signatures.recognition import Form, recognise
from gateway.signatures.verdict import Reason, Verdict
from gateway.signatures.wss import Partner, verify_envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The profile of each form."""

    cms: cms.Profile
    xml: xmldsig.Profile
    timestamp_required: bool = True


PROFILES: Final[Mapping[str, Rules]] = {
    "any": Rules(cms=cms.ANY, xml=xmldsig.ANY),
    "ru": Rules(cms=cms.RU, xml=xmldsig.PLAIN),
    "smev": Rules(cms=cms.RU, xml=xmldsig.SMEV),
    "kz": Rules(cms=cms.KZ, xml=xmldsig.KZ, timestamp_required=False),
}
"""`any` asks what every standard asks; the others what a country or a system asks besides."""


def judge(
    signed: bytes, beside: bytes | None, trust: Trust, *, at: datetime, profile: str = "any"
) -> Verdict:
    """Return the verdict over a signed file as of a moment; never raises for what is in it.

    `beside` is the content of a detached signature. Raises KeyError for an unknown profile.
    """
    rules = PROFILES[profile]
    try:
        form, octets = recognise(signed)
    except MalformedMessage as error:
        return Verdict((Reason(Fact.MALFORMED, error.text),), ())
    if form is Form.CMS:
        return verify_cms(octets, beside, trust, at=at, profile=rules.cms).verdict
    if form is not Form.WSS:
        xml = _choose(form) if rules.xml is xmldsig.ANY else rules.xml
        return xmldsig.verify_xmldsig(octets, trust, at=at, profile=xml, detached=beside).verdict
    partner = Partner(
        name="anyone", trust=trust, anyone=True, timestamp_required=rules.timestamp_required
    )
    return verify_envelope(octets, partner=partner, at=at, backend=trust.backend).verdict


def _choose(form: Form) -> xmldsig.Profile:
    """Return the profile that looks at any XML signature of the form."""
    if form is Form.SMEV:
        return xmldsig.SMEV
    return replace(xmldsig.ANY, peeling=form is Form.XMLDSIG_NESTED)
