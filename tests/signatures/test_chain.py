"""Paths to an authority, and the many that are none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import MalformedMessage, SettingError
from gateway.signatures.algorithms import ECDSA_SHA1, Family
from gateway.signatures.backends import Chooser, PublicKey, open_backend
from gateway.signatures.backends.pyca import Pyca
from gateway.signatures.certificates import Certificate, read_certificate, split_pem
from gateway.signatures.chain import Trust, judge_chain, load_trust
from gateway.signatures.issuing import Issuer, Revocation, Template, make_crl, make_name
from gateway.signatures.keys import SigningKey
from gateway.signatures.lists import read_list
from gateway.signatures.reasons import Fact
from tests.signatures.conftest import DAY, NOON, Issue, Load

CA = {"authority": True, "key_usage": ("key_cert_sign", "crl_sign")}
NAMED = make_name(common_name="Вымышленный посредник")


def facts(certificate: Certificate, trust: Trust, *extra: SigningKey) -> list[Fact]:
    others = tuple(one.certificate for one in extra)
    return [reason.fact for reason in judge_chain(certificate, others, trust, at=NOON)]


def publish(
    issuer: SigningKey,
    *revoked: Revocation,
    since: timedelta = -DAY,
    until: timedelta = DAY,
) -> bytes:
    above = Issuer(issuer.certificate.subject_name, issuer.private, open_backend())
    return make_crl(above, revoked, NOON + since, NOON + until)


def with_list(trust: Trust, issuer: SigningKey, der: bytes) -> Trust:
    others = [one for one in trust.lists if one.issuer_name != issuer.certificate.subject_name]
    return replace(trust, lists=(*others, read_list(der)))


def test_path_may_come_from_the_trust_folder_or_from_the_container(key: Load, trust: Trust) -> None:
    chair, issuing = key("ru-clinic77-chair").certificate, key("ru-issuing")
    roots_only = replace(trust, intermediates=())

    assert facts(chair, trust) == []
    assert facts(chair, roots_only) == [Fact.CHAIN_NOT_FOUND]
    assert facts(chair, roots_only, issuing) == []


def test_root_that_the_container_brings_is_no_root(key: Load, trust: Trust) -> None:
    stranger = key("stranger-organization").certificate

    assert facts(stranger, trust, key("stranger-root")) == [Fact.CHAIN_NOT_FOUND]


def test_certificate_that_lies_in_the_folder_as_its_own_root_is_trusted(
    issue: Issue, trust: Trust
) -> None:
    lonely = issue().certificate

    assert facts(lonely, replace(trust, roots=(lonely,))) == []


def test_signature_of_a_namesake_is_no_link(key: Load, issue: Issue, trust: Trust) -> None:
    namesake = issue("stranger-root", subject=key("ru-issuing").certificate.subject_name, **CA)
    leaf = issue(namesake)

    assert facts(leaf.certificate, trust, namesake) == [Fact.CHAIN_NOT_FOUND]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({**CA, "authority": False}, [Fact.CHAIN_UNFIT]),
        ({**CA, "key_usage": ("digital_signature",)}, [Fact.CHAIN_UNFIT]),
        ({**CA, "not_after": NOON - timedelta(hours=1)}, [Fact.EXPIRED]),
        ({**CA, "not_before": NOON + timedelta(hours=1)}, [Fact.NOT_YET_VALID]),
        (CA, []),
    ],
)
def test_go_between_must_be_a_living_authority(
    issue: Issue, trust: Trust, changes: dict[str, object], found: list[Fact]
) -> None:
    between = issue("ru-root", subject=NAMED, **changes)
    leaf = issue(between)
    lists = with_list(trust, between, publish(between))
    if "crl_sign" not in (between.certificate.key_usage or ()):
        found = [*found, Fact.REVOCATION_UNKNOWN]

    assert facts(leaf.certificate, lists, between) == found


def test_chain_longer_than_its_authority_allows_is_unfit(issue: Issue, trust: Trust) -> None:
    below = issue("ru-issuing", subject=NAMED, **CA)  # whose pathLenConstraint is 0
    leaf = issue(below)

    found = facts(leaf.certificate, with_list(trust, below, publish(below)), below)

    assert found == [Fact.CHAIN_UNFIT]


def test_endless_chains_end(issue: Issue, trust: Trust) -> None:
    above = issue("stranger-root", subject=NAMED, **CA)
    chain = [above]
    for _ in range(12):
        chain.append(issue(chain[-1], subject=NAMED, der=b"", **CA))

    assert facts(chain[-1].certificate, trust, *chain) == [Fact.CHAIN_NOT_FOUND]


def test_of_two_paths_the_milder_counts(issue: Issue, trust: Trust) -> None:
    backend = open_backend()
    der = backend.generate(Family.EC)
    good = issue("ru-root", subject=NAMED, der=der, **CA)
    stale = issue("ru-root", subject=NAMED, der=der, **CA, not_after=NOON - timedelta(hours=1))
    leaf = issue(good)
    lists = with_list(trust, good, publish(good))

    assert facts(leaf.certificate, lists, stale) == [Fact.EXPIRED]
    assert facts(leaf.certificate, lists, stale, good) == []
    assert facts(leaf.certificate, lists, good, stale) == []


def test_certificate_signed_with_a_refused_algorithm_is_no_link(
    key: Load, issue: Issue, trust: Trust
) -> None:
    leaf = issue().certificate

    assert facts(replace(leaf, algorithm=ECDSA_SHA1), trust) == [Fact.CHAIN_NOT_FOUND]
    assert facts(replace(leaf, algorithm=None), trust) == [Fact.CHAIN_NOT_FOUND]


def test_issuer_whose_key_cannot_be_read_links_nothing(key: Load, trust: Trust) -> None:
    broken = tuple(replace(one, spki=b"junk") for one in trust.intermediates)
    chair = key("ru-clinic77-chair").certificate

    assert facts(chair, replace(trust, intermediates=broken)) == [Fact.CHAIN_NOT_FOUND]


def test_critical_extension_that_we_do_not_understand_is_unfit(key: Load, trust: Trust) -> None:
    chair = replace(key("ru-clinic77-chair").certificate, unknown_critical=("1.2.3",))

    assert facts(chair, trust) == [Fact.CHAIN_UNFIT]


def test_short_key_of_an_authority_is_refused(key: Load, trust: Trust) -> None:
    class Short(Chooser):
        def load_public(self, spki: bytes) -> PublicKey:
            return replace(super().load_public(spki), bits=1024)

    backend = Short([Pyca()])
    chair = key("ru-clinic77-chair").certificate

    assert facts(chair, replace(trust, backend=backend)) == [Fact.KEY_TOO_SHORT]


def test_gost_chain_without_a_backend_is_unchecked(key: Load, trust: Trust) -> None:
    chair = key("ru-clinic77-chair-gost").certificate

    assert facts(chair, replace(trust, backend=Chooser([Pyca()]))) == [Fact.BACKEND_MISSING]


# --- revocation --------------------------------------------------------------------------------


def test_without_a_list_the_operator_decides_what_that_means(key: Load, trust: Trust) -> None:
    chair = key("ru-clinic77-chair").certificate

    assert facts(chair, replace(trust, lists=())) == [Fact.REVOCATION_UNKNOWN]
    assert facts(chair, trust.without_lists()) == [Fact.REVOCATION_NOT_ASKED]


@pytest.mark.parametrize(
    ("reason", "days", "found"),
    [
        ("key_compromise", -2, [Fact.REVOKED]),
        ("unspecified", 0, [Fact.REVOKED]),
        ("superseded", 1, []),
    ],
)
def test_revocation_counts_from_its_date_on(
    key: Load, trust: Trust, reason: str, days: int, found: list[Fact]
) -> None:
    chair, issuing = key("ru-clinic77-chair").certificate, key("ru-issuing")
    line = Revocation(chair.serial, NOON + days * DAY, reason)

    assert facts(chair, with_list(trust, issuing, publish(issuing, line))) == found


def test_stale_list_proves_nothing_but_a_revocation(key: Load, trust: Trust) -> None:
    chair, issuing = key("ru-clinic77-chair").certificate, key("ru-issuing")
    line = Revocation(chair.serial, NOON - 5 * DAY, "superseded")
    old = {"since": -3 * DAY, "until": -DAY}

    stale = with_list(trust, issuing, publish(issuing, **old))
    stale_and_revoked = with_list(trust, issuing, publish(issuing, line, **old))

    assert facts(chair, stale) == [Fact.REVOCATION_UNKNOWN]
    assert facts(chair, stale_and_revoked) == [Fact.REVOKED]


def test_newest_list_counts(key: Load, trust: Trust) -> None:
    chair, issuing = key("ru-clinic77-chair").certificate, key("ru-issuing")
    line = Revocation(chair.serial, NOON - 5 * DAY, "superseded")
    older = with_list(trust, issuing, publish(issuing, since=-3 * DAY))

    both = replace(older, lists=(*older.lists, read_list(publish(issuing, line))))

    assert facts(chair, both) == [Fact.REVOKED]


def test_list_signed_by_a_namesake_is_not_the_authoritys(
    key: Load, issue: Issue, trust: Trust
) -> None:
    issuing = key("ru-issuing")
    namesake = issue(subject=issuing.certificate.subject_name, **CA)

    forged = with_list(trust, issuing, publish(namesake))

    assert facts(key("ru-clinic77-chair").certificate, forged) == [Fact.REVOCATION_UNKNOWN]


def test_list_that_is_partial_or_weakly_signed_is_not_read_as_whole(
    key: Load, trust: Trust
) -> None:
    chair, issuing = key("ru-clinic77-chair").certificate, key("ru-issuing")
    good = read_list(publish(issuing))

    for changed in (
        replace(good, complete=False),
        replace(good, algorithm=None),
        replace(good, algorithm=ECDSA_SHA1),
        replace(good, next_update=None),
    ):
        others = (*(one for one in trust.lists if one.issuer_name != good.issuer_name), changed)
        assert facts(chair, replace(trust, lists=others)) == [Fact.REVOCATION_UNKNOWN]


def test_removed_from_hold_is_not_revoked(key: Load, trust: Trust) -> None:
    chair, issuing = key("ru-clinic77-chair").certificate, key("ru-issuing")
    line = Revocation(chair.serial, NOON - 2 * DAY, "superseded")
    der = publish(issuing, line)
    lists = read_list(der)

    back = replace(
        lists, lines={serial: replace(one, reason=8) for serial, one in lists.lines.items()}
    )

    others = tuple(one for one in trust.lists if one.issuer_name != lists.issuer_name)
    assert facts(chair, replace(trust, lists=(*others, back))) == []


# --- the folder --------------------------------------------------------------------------------


def test_folder_is_read_in_pem_and_der(pki: Path, tmp_path: Path, key: Load) -> None:
    for path in (*(pki / "trust").glob("ru-root.*"), *(pki / "trust").glob("ru-issuing.*")):
        for label, der in split_pem(path.read_bytes()):
            suffix = ".crl" if label == "X509 CRL" else ".cer"
            (tmp_path / f"{path.name}{suffix}").write_bytes(der)
    (tmp_path / ".hidden").write_bytes(b"junk")

    loaded = load_trust(tmp_path)

    assert len(loaded.roots) == 1
    assert facts(key("ru-clinic77-chair").certificate, loaded) == []


def test_root_renewed_under_its_old_key_is_no_root(
    tmp_path: Path, key: Load, issue: Issue, pki: Path
) -> None:
    root = key("ru-root")
    renewed = issue(root, subject=root.certificate.subject_name, **CA)
    gost = (pki / "ru-root-gost.cert.pem").read_bytes()
    (tmp_path / "renewed.cer").write_bytes(renewed.certificate.der)
    (tmp_path / "gost.pem").write_bytes(gost)

    loaded = load_trust(tmp_path, backend=Chooser([Pyca()]))

    assert [one.sha256 for one in loaded.intermediates] == [renewed.certificate.sha256]
    assert len(loaded.roots) == 1


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nowhere"):
        load_trust(tmp_path / "nowhere")
    for name in ("junk.cer", "junk.crl"):
        (tmp_path / name).write_bytes(b"junk")
        with pytest.raises(SettingError, match=name):
            load_trust(tmp_path)
        (tmp_path / name).unlink()
    (tmp_path / "disk.cer").symlink_to("/proc/self/mem")  # opens, and gives nothing
    with pytest.raises(SettingError, match=r"disk\.cer"):
        load_trust(tmp_path)


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"\x30\x03\x30\x01\x00"])
def test_bytes_that_are_no_list_are_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_list(octets)


def test_template_keeps_its_path_length(issue: Issue) -> None:
    assert Template(subject=b"", spki=b"", not_before=NOON, not_after=NOON).path_length is None
    limited = issue("ru-root", subject=NAMED, path_length=3, **CA).certificate
    assert read_certificate(limited.der).path_length == 3
