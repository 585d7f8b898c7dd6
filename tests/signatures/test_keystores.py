"""Keys in whatever they may lie in, and what is said of one that cannot be used."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import CryptoUnavailable, SettingError
from gateway.settings import KeySettings, ServiceSettings, TokenSettings, read
from gateway.signatures.algorithms import (
    ECDSA_SHA384,
    GOST_512_KZ,
    RSA_SHA256,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends import PrivateKey, open_backend
from gateway.signatures.certificates import split_pem, write_pem
from gateway.signatures.keys import KeyFiles, Role, SigningKey, load_key, load_keys, read_key_files
from gateway.signatures.keystores import open_store
from tests.signatures.conftest import ORGANIZATION, Issue
from tests.signatures.kz.relabelling import relabel, relabel_container
from tests.signatures.tokens import TOKEN, SoftHsm

BACKEND = open_backend()
NAME = "ru-clinic77-organization"
ENGINE = ("-engine", "gost")
WORD = "слово"
Load = Callable[[str], SigningKey]


@pytest.fixture
def place(pki: Path, tmp_path: Path) -> KeyFiles:
    """Where a good key lies, with a password file beside that the key does not need."""
    (tmp_path / "password").write_text(f"{WORD}\n", "utf-8")
    return KeyFiles(
        ORGANIZATION,
        Role.ORGANIZATION,
        pki / f"{NAME}.key.pem",
        pki / f"{NAME}.cert.pem",
        where="keys.ours",
    )


@pytest.fixture
def packed(foreign: Callable[[str], str], pki: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that packs a key as PKCS#12 with openssl."""
    openssl = foreign("openssl")

    def pack(key: Path, *options: str | Path) -> Path:
        target = tmp_path / "key.p12"
        subprocess.run(
            [
                *(openssl, "pkcs12", *ENGINE, "-export", "-inkey", key, *options),
                *("-passout", f"pass:{WORD}", "-out", target),
            ],
            capture_output=True,
            check=True,
        )
        return target

    return pack


@pytest.mark.foreign
@pytest.mark.parametrize("suffix", ["", "-gost"])
def test_container_brings_key_certificate_and_authorities(
    place: KeyFiles, packed: Callable[..., Path], pki: Path, tmp_path: Path, suffix: str
) -> None:
    certificate = pki / f"{NAME}{suffix}.cert.pem"
    above = pki / f"ru-issuing{suffix}.cert.pem"
    container = packed(pki / f"{NAME}{suffix}.key.pem", "-in", certificate, "-certfile", above)
    files = replace(place, key=container, certificate=None, password_file=tmp_path / "password")

    key = load_key(files, BACKEND)

    (_, own), *_ = split_pem(certificate.read_bytes())
    assert key.certificate.der == own
    assert [one.is_authority for one in key.authorities] == [True]
    assert key.lives == f"file {container}"


@pytest.mark.foreign
def test_certificate_file_stands_in_for_a_container_without_one(
    place: KeyFiles, packed: Callable[..., Path], pki: Path, tmp_path: Path
) -> None:
    container = packed(pki / f"{NAME}.key.pem", "-nocerts")
    files = replace(place, key=container, password_file=tmp_path / "password")

    assert load_key(files, BACKEND).algorithm is RSA_SHA256
    with pytest.raises(SettingError, match=r"key\.p12 brings no certificate"):
        load_key(replace(files, certificate=None), BACKEND)


@pytest.mark.foreign
def test_container_under_another_password_is_named(
    place: KeyFiles, packed: Callable[..., Path], pki: Path
) -> None:
    container = packed(pki / f"{NAME}.key.pem", "-nocerts")

    with pytest.raises(SettingError, match=r"key\.p12: the container's password is wrong") as told:
        load_key(replace(place, key=container), BACKEND)
    assert told.value.where == "keys.ours"


@pytest.mark.foreign
def test_container_without_a_key_is_named(
    place: KeyFiles, packed: Callable[..., Path], pki: Path, tmp_path: Path
) -> None:
    certificate = pki / f"{NAME}.cert.pem"
    container = packed(certificate, "-nokeys", "-in", certificate)
    files = replace(place, key=container, password_file=tmp_path / "password")

    with pytest.raises(SettingError, match="holds 0 keys that can be read"):
        load_key(files, BACKEND)


@pytest.mark.foreign
def test_container_of_kazakhstan_signs_for_kazakhstan(
    place: KeyFiles, packed: Callable[..., Path], issue: Issue, tmp_path: Path
) -> None:
    """A file of openssl, relabelled: no container of НУЦ РК was here to try."""
    russian = BACKEND.generate(Family.GOST_512)
    (tmp_path / "key.pem").write_bytes(write_pem("PRIVATE KEY", russian))
    container = packed(tmp_path / "key.pem", "-nocerts", "-keypbe", "PBE-SHA1-3DES")
    container.write_bytes(relabel_container(container.read_bytes(), WORD))
    issued = issue("ru-issuing", der=relabel(russian))
    (tmp_path / "cert.der").write_bytes(issued.certificate.der)

    key = load_key(
        replace(
            place,
            key=container,
            certificate=tmp_path / "cert.der",
            password_file=tmp_path / "password",
        ),
        BACKEND,
    )

    assert key.algorithm is GOST_512_KZ
    public = BACKEND.load_public(key.certificate.spki)
    assert BACKEND.verify(public, GOST_512_KZ, key.sign(b"payload"), b"payload")


def test_key_on_p_384_signs_with_its_own_hash(
    place: KeyFiles, issue: Issue, tmp_path: Path
) -> None:
    der = BACKEND.generate(Family.EC, 384)
    (tmp_path / "key.pem").write_bytes(write_pem("PRIVATE KEY", der))
    (tmp_path / "cert.der").write_bytes(issue(der=der).certificate.der)

    key = load_key(
        replace(place, key=tmp_path / "key.pem", certificate=tmp_path / "cert.der"), BACKEND
    )

    assert key.algorithm is ECDSA_SHA384
    assert len(key.sign(b"payload")) == 96


def test_key_file_without_a_certificate_is_named(place: KeyFiles) -> None:
    with pytest.raises(SettingError, match="brings no certificate: certificate_file is wanted"):
        load_key(replace(place, certificate=None), BACKEND)
    with pytest.raises(SettingError, match="no key_file is named"):
        open_store(replace(place, key=None), BACKEND)


def test_certificate_whose_key_nothing_can_read_is_not_the_keys(
    place: KeyFiles, issue: Issue, tmp_path: Path
) -> None:
    good = issue().certificate
    ec, unknown = bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d027f")
    changed = good.der.replace(good.spki, good.spki.replace(ec, unknown))
    (tmp_path / "cert.der").write_bytes(changed)

    with pytest.raises(SettingError, match="is not the key of the certificate"):
        load_key(replace(place, certificate=tmp_path / "cert.der"), BACKEND)


@pytest.mark.parametrize(
    ("name", "role", "why"),
    [
        ("ru-wrong-usage", Role.ORGANIZATION, "keyUsage"),
        ("ru-wrong-usage", Role.TRANSPORT, "keyUsage"),
        ("ru-client-auth-only", Role.ORGANIZATION, "extendedKeyUsage"),
        ("gateway-transport", Role.ORGANIZATION, "extendedKeyUsage"),
    ],
)
def test_certificate_that_may_not_sign_for_its_role_stops_the_start(
    place: KeyFiles, pki: Path, name: str, role: Role, why: str
) -> None:
    files = replace(
        place, role=role, key=pki / f"{name}.key.pem", certificate=pki / f"{name}.cert.pem"
    )

    with pytest.raises(SettingError, match=f"does not fit the role {role}: .*{why}") as told:
        load_keys([files], BACKEND)
    assert told.value.where == "keys.ours"


@pytest.mark.parametrize("name", ["gateway-transport", "ru-client-auth-only"])
def test_certificate_that_opens_connections_may_sign_envelopes(
    place: KeyFiles, pki: Path, name: str
) -> None:
    files = replace(
        place,
        role=Role.TRANSPORT,
        key=pki / f"{name}.key.pem",
        certificate=pki / f"{name}.cert.pem",
    )

    assert len(load_keys([files], BACKEND)) == 1


SETTINGS = KeySettings(organization=ORGANIZATION, role="organization", key_file=Path("key"))
TOKEN_SETTINGS = TokenSettings(module=Path("module.so"), label="token", key="key")
SERVICE_SETTINGS = ServiceSettings(url="https://signing.example/", key="7")


@pytest.mark.parametrize(
    "setting",
    [
        replace(SETTINGS, key_file=None),
        replace(SETTINGS, token=TOKEN_SETTINGS),
        replace(SETTINGS, key_file=None, token=TOKEN_SETTINGS, service=SERVICE_SETTINGS),
    ],
)
def test_key_lies_in_one_place(setting: KeySettings) -> None:
    with pytest.raises(SettingError, match="one of key_file, token and service") as told:
        read_key_files({"ours": setting})
    assert told.value.where == "keys.ours"


def test_place_is_told_in_words() -> None:
    settings = {
        "file": SETTINGS,
        "token": replace(SETTINGS, key_file=None, token=TOKEN_SETTINGS),
        "service": replace(SETTINGS, key_file=None, service=SERVICE_SETTINGS),
    }

    places = {name: files.lives for name, files in read_key_files(settings).items()}

    assert places == {
        "file": "file key",
        "token": "token token, key key",
        "service": "service https://signing.example/, key 7",
    }


def test_settings_are_read_from_tables() -> None:
    table = {
        "organization": ORGANIZATION,
        "role": "transport",
        "certificate_file": "cert",
        "service": {"url": "https://h/", "key": "7", "timeout": "1.5s", "token_file": "t"},
    }

    setting = read(KeySettings, table, "keys.ours")

    assert setting.service is not None
    assert setting.service.timeout == timedelta(seconds=1.5)
    with pytest.raises(SettingError, match="did you mean timeout"):
        read(KeySettings, {**table, "service": {"url": "u", "key": "7", "timout": "1s"}}, "k")


@pytest.mark.foreign
def test_token_of_the_settings_signs(place: KeyFiles, softhsm: SoftHsm, pki: Path) -> None:
    softhsm.store(pki / f"{NAME}.key.pem", "organization", 0xF0)
    files = replace(
        place,
        key=None,
        password_file=softhsm.pin_file,
        token=TokenSettings(module=softhsm.module, label=TOKEN, key="organization"),
    )

    (key,) = load_keys([files], BACKEND)

    public = BACKEND.load_public(key.certificate.spki)
    assert BACKEND.verify(public, RSA_SHA256, key.sign(b"payload"), b"payload")
    assert key.lives == f"token {TOKEN}, key organization"
    with pytest.raises(SettingError, match="has not one private key other") as told:
        load_key(
            replace(files, token=TokenSettings(module=softhsm.module, label=TOKEN, key="other")),
            BACKEND,
        )
    assert told.value.where == "keys.ours"


def test_key_that_lies_elsewhere_wants_its_certificate(place: KeyFiles) -> None:
    for changes in ({"token": TOKEN_SETTINGS}, {"service": SERVICE_SETTINGS}):
        files = replace(place, key=None, certificate=None, **changes)
        with pytest.raises(SettingError, match="certificate_file is wanted") as told:
            load_key(files, BACKEND)
        assert told.value.where == "keys.ours"


def test_service_that_is_down_stops_no_start_and_signs_nothing(
    place: KeyFiles, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("secret\n", "utf-8")
    service = ServiceSettings(url="http://127.0.0.1:1/", key="7", token_file=tmp_path / "token")

    (key,) = load_keys([replace(place, key=None, service=service)], BACKEND)

    assert key.algorithm is RSA_SHA256
    with pytest.raises(CryptoUnavailable, match="a moment ago"):
        key.sign(b"payload")


def test_service_whose_settings_are_wrong_stops_the_start(place: KeyFiles, tmp_path: Path) -> None:
    plain = ServiceSettings(url="http://signing.example/", key="7")
    secretless = ServiceSettings(url="https://h/", key="7", token_file=tmp_path / "nowhere")

    for service, where in ((plain, "keys.ours"), (secretless, "keys.ours.service.token_file")):
        with pytest.raises(SettingError) as told:
            load_key(replace(place, key=None, service=service), BACKEND)
        assert told.value.where == where


def test_family_that_nothing_here_can_use_is_unavailable_and_says_where(place: KeyFiles) -> None:
    class Poor:
        name = "poor"

        def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
            raise CryptoUnavailable("poor has nothing")

    with pytest.raises(CryptoUnavailable, match="poor has nothing") as told:
        load_key(place, Poor())  # type: ignore[arg-type] # no more of it is asked
    assert told.value.where == "keys.ours"


def test_backend_of_this_machine_that_cannot_sign_stops_the_start(place: KeyFiles) -> None:
    class Mute:
        name = "mute"

        def load_private(self, key: bytes, password: bytes | None = None) -> PrivateKey:
            return BACKEND.load_private(key, password)

        def sign(self, key: PrivateKey, algorithm: SignatureAlgorithm, content: bytes) -> bytes:
            raise CryptoUnavailable("mute")

    with pytest.raises(CryptoUnavailable, match="mute"):
        load_key(place, Mute())  # type: ignore[arg-type] # no more of it is asked
