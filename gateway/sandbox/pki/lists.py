"""Writes revocation lists and the deltas to them (RFC 5280 §5).

A complete list is a day old at least, so that what happened since stands in the delta alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from asn1crypto import core, crl, x509

from gateway.sandbox.pki.authorities import Authority, Standing
from gateway.sandbox.pki.faults import ListFaults, NextUpdate

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_HOUR = timedelta(hours=1)
_KEPT = timedelta(days=3650)
"""How long the line of a certificate that has ended is kept (expiredCertsOnCRL)."""


def write_list(authority: Authority, now: datetime, faults: ListFaults, delta: str) -> bytes:
    """Return the complete list of yesterday's midnight, with a week to live.

    `delta` is the URL of the list to it (§5.2.6).
    """
    made = _midnight(now) - _DAY
    lines = [(one, one.reason) for one in authority.issued.values() if one.is_revoked(made)]
    return _write(authority, lines, made, made + _WEEK, faults, _freshest(delta))


def write_delta(authority: Authority, now: datetime, faults: ListFaults) -> bytes:
    """Return what has changed since a list of three days ago, with an hour to live.

    So it fits every complete list that is not older (§5.2.4).
    """
    base = _midnight(now) - 3 * _DAY
    made = now - timedelta(minutes=1)
    lines = []
    for one in authority.issued.values():
        before, after = one.is_revoked(base), one.is_revoked(made)
        if after and not before:
            lines.append((one, one.reason))
        elif not after and one.released is not None and one.released > base:
            lines.append((one, "remove_from_crl"))  # §5.3.1: its hold is over
    indicator = {"extn_id": "delta_crl_indicator", "critical": True, "extn_value": _number(base)}
    return _write(authority, lines, made, made + _HOUR, faults, indicator)


def _write(
    authority: Authority,
    lines: Iterable[tuple[Standing, str]],
    this_update: datetime,
    next_update: datetime,
    faults: ListFaults,
    extension: dict[str, object],
) -> bytes:
    hand = authority.hand
    ends: datetime | None = next_update
    if faults.next_update is NextUpdate.PAST:
        this_update, ends = this_update - 2 * _WEEK, this_update - _WEEK
    elif faults.next_update is NextUpdate.ABSENT:
        ends = None
    extensions: list[dict[str, object]] = [
        {
            "extn_id": "authority_key_identifier",
            "extn_value": {"key_identifier": hand.subject_key_identifier},
        },
        {"extn_id": "crl_number", "extn_value": _number(this_update)},
        {"extn_id": "2.5.29.60", "extn_value": _generalized(this_update - _KEPT)},
        extension,
    ]
    said: dict[str, object] = {
        "version": "v2",
        "signature": hand.identifier(),
        "issuer": x509.Name.load(hand.subject),
        "this_update": _time(this_update),
        "crl_extensions": extensions,
    }
    if ends is not None:
        said["next_update"] = _time(ends)
    entries = [_entry(one, reason) for one, reason in lines]
    if entries:
        said["revoked_certificates"] = entries
    tbs = crl.TbsCertList(said)
    signed = {
        "tbs_cert_list": tbs,
        "signature_algorithm": hand.identifier(),
        "signature": hand.sign(tbs.dump(), broken=faults.broken_signature),
    }
    return bytes(crl.CertificateList(signed).dump())


def _freshest(url: str) -> dict[str, object]:
    name = x509.GeneralName("uniform_resource_identifier", url)
    return {
        "extn_id": "freshest_crl",
        "extn_value": [{"distribution_point": x509.DistributionPointName("full_name", [name])}],
    }


def _entry(one: Standing, reason: str) -> dict[str, object]:
    since = one.released if reason == "remove_from_crl" else one.revoked
    assert since is not None
    return {
        "user_certificate": one.serial,
        "revocation_date": _time(since),
        "crl_entry_extensions": [{"extn_id": "crl_reason", "extn_value": reason}],
    }


def _time(moment: datetime) -> x509.Time:
    return x509.Time({"utc_time": moment.replace(microsecond=0)})


def _generalized(moment: datetime) -> bytes:
    return bytes(core.GeneralizedTime(moment.replace(microsecond=0)).dump())


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _number(moment: datetime) -> int:
    return int(moment.timestamp())
