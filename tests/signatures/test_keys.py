"""Whose key signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.errors import SettingError
from gateway.settings import KeySettings
from gateway.signatures.algorithms import GOST_256, RSA_SHA256
from gateway.signatures.backends import open_backend
from gateway.signatures.keys import (
    KeyFiles,
    KeyRing,
    Role,
    SigningKey,
    load_key,
    load_keys,
    read_key_files,
)
from tests.signatures.conftest import NOON, ORGANIZATION

DAY = timedelta(days=1)
Load = Callable[[str], SigningKey]


def files(pki: Path, key: str, certificate: str) -> KeyFiles:
    return KeyFiles(
        ORGANIZATION,
        Role.ORGANIZATION,
        pki / f"{key}.key.pem",
        pki / f"{certificate}.cert.pem",
        where="keys.first",
    )


def test_key_of_another_organisation_role_or_time_is_never_chosen(key: Load) -> None:
    ours = key("ru-clinic77-organization")
    ring = KeyRing([ours])

    assert ring.choose(ORGANIZATION, Role.ORGANIZATION, NOON) is ours
    assert ring.choose(f"{ORGANIZATION}1", Role.ORGANIZATION, NOON) is None
    assert ring.choose(ORGANIZATION, Role.TRANSPORT, NOON) is None
    assert ring.choose(ORGANIZATION, Role.ORGANIZATION, ours.not_after + DAY) is None
    assert ring.choose(ORGANIZATION, Role.ORGANIZATION, ours.not_before - DAY) is None


def test_of_two_living_keys_the_newest_signs_and_the_older_takes_over_before(key: Load) -> None:
    older = key("ru-clinic77-organization")
    newer = replace(key("ru-clinic77-organization-gost"), not_before=NOON)
    ring = KeyRing([older, newer])

    assert ring.choose(ORGANIZATION, Role.ORGANIZATION, NOON) is newer
    assert ring.choose(ORGANIZATION, Role.ORGANIZATION, NOON - DAY) is older
    assert list(ring) == [newer, older]
    assert len(ring) == 2


def test_algorithm_follows_the_key(key: Load) -> None:
    assert key("ru-clinic77-organization").algorithm is RSA_SHA256
    assert key("ru-clinic77-organization-gost").algorithm is GOST_256


def test_neither_key_nor_person_shows_in_the_repr(key: Load) -> None:
    shown = repr(key("ru-clinic77-chair"))

    assert "Соколова" not in shown
    assert "99000014871" not in shown
    assert "private" not in shown


def test_key_of_another_certificate_is_refused_by_name(pki: Path) -> None:
    for other in ("ru-clinic77-chair", "ru-clinic77-organization-gost"):
        with pytest.raises(SettingError, match="is not the key of the certificate") as caught:
            load_key(files(pki, "ru-clinic77-organization", other), open_backend())
        assert caught.value.where == "keys.first"


def test_missing_or_wrong_files_are_named(pki: Path, tmp_path: Path) -> None:
    name = "ru-clinic77-organization"
    good = files(pki, name, name)
    (tmp_path / "junk").write_bytes(b"junk")
    wrong = [
        replace(good, key=tmp_path / "nowhere"),
        replace(good, key=tmp_path / "junk"),
        replace(good, certificate=tmp_path / "junk"),
        replace(good, password_file=tmp_path / "nowhere"),
    ]

    for each in wrong:
        with pytest.raises(SettingError, match=r"nowhere|junk"):
            load_keys([each], open_backend())


def test_encrypted_key_opens_with_its_password_file(pki: Path, tmp_path: Path) -> None:
    name = "ru-clinic77-organization"
    encrypted, password = tmp_path / "key.pem", tmp_path / "password"
    password.write_bytes("пароль\n".encode())
    encrypted.write_bytes(encrypt((pki / f"{name}.key.pem").read_bytes(), "пароль".encode()))
    good = replace(files(pki, name, name), key=encrypted, password_file=password)

    assert len(load_keys([good], open_backend())) == 1
    with pytest.raises(SettingError, match="password is wrong"):
        load_key(replace(good, password_file=None), open_backend())


def test_settings_name_the_files_and_a_slip_in_the_role_is_named(pki: Path) -> None:
    setting = KeySettings(
        organization=ORGANIZATION,
        role="transport",
        key_file=pki / "gateway-transport.key.pem",
        certificate_file=pki / "gateway-transport.cert.pem",
    )

    named = read_key_files({"ours": setting})

    (loaded,) = load_keys(named.values(), open_backend())
    assert (named["ours"].where, loaded.role) == ("keys.ours", Role.TRANSPORT)
    with pytest.raises(SettingError) as caught:
        read_key_files({"ours": replace(setting, role="tranpsort")})
    assert caught.value.where == "keys.ours.role"


def encrypt(key: bytes, password: bytes) -> bytes:
    private = serialization.load_pem_private_key(key, None)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )


def test_certificates_above_the_signers_travel_with_it(pki: Path, tmp_path: Path) -> None:
    name = "ru-clinic77-organization"
    both = (pki / f"{name}.cert.pem").read_bytes() + (pki / "ru-issuing.cert.pem").read_bytes()
    (tmp_path / "chain.pem").write_bytes(both)

    loaded = load_key(
        replace(files(pki, name, name), certificate=tmp_path / "chain.pem"), open_backend()
    )

    assert [one.is_authority for one in loaded.authorities] == [True]
