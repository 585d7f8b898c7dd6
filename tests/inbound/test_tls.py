"""TLS of our own, and senders that show a client certificate."""

import base64
import ssl
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.doors import SystemClock
from gateway.errors import SettingError
from gateway.inbound.senders import read_directory
from gateway.inbound.tls import open_tls
from gateway.settings import SenderSettings, ServerSettings, Settings
from tests.inbound.office import MIS, Office, digest


@dataclass(frozen=True)
class Pair:
    """A key and its certificate, in files too."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    key_file: Path
    certificate_file: Path


class Authority:
    """Issues certificates of this hour."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.own: Pair | None = None
        self.own = self.issue(name, is_authority=True)

    def issue(self, name: str, *, is_authority: bool = False) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = SystemClock().now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.own.certificate.subject if self.own else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
        )
        signer = self.own.key if self.own else key
        return self._write(name, key, builder.sign(signer, hashes.SHA256()))

    def _write(
        self, name: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
    ) -> Pair:
        key_file, certificate_file = (self.folder / f"{name}.{one}.pem" for one in ("key", "cert"))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return Pair(key, certificate, key_file, certificate_file)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def fingerprint(pair: Pair) -> str:
    return pair.certificate.fingerprint(hashes.SHA256()).hex()


def trusting(authority: Authority, client: Pair | None) -> ssl.SSLContext:
    """Return a client's context that trusts the authority."""
    assert authority.own is not None
    context = ssl.create_default_context(cafile=authority.own.certificate_file)
    if client is not None:
        context.load_cert_chain(client.certificate_file, client.key_file)
    return context


async def status_of(
    authority: Authority, sender: SenderSettings, client: Pair | None, headers: dict[str, str]
) -> int:
    """Ask a TLS server for its exchanges; return the status."""
    assert authority.own is not None
    server = authority.issue("server")
    settings = ServerSettings(
        tls_certificate_file=server.certificate_file,
        tls_key_file=server.key_file,
        client_ca_file=authority.own.certificate_file,
    )
    directory = read_directory(Settings(server=settings, senders={"mis": sender}))
    runner = web.AppRunner(Office(directory=directory, server=settings).build(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=open_tls(settings)).start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}/exchanges"
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, ssl=trusting(authority, client), headers=headers) as answer,
        ):
            return answer.status
    finally:
        await runner.cleanup()


async def test_a_sender_is_known_by_its_client_certificate(authority: Authority) -> None:
    client = authority.issue("mis")
    sender = SenderSettings(certificate_sha256=fingerprint(client))

    assert await status_of(authority, sender, client, {}) == 200


async def test_another_certificate_of_the_same_authority_is_nobodys(authority: Authority) -> None:
    sender = SenderSettings(certificate_sha256=fingerprint(authority.issue("mis")))

    assert await status_of(authority, sender, authority.issue("other"), {}) == 401


@pytest.mark.parametrize(
    "header",
    [
        *("X-SSL-Client-Cert", "X-Client-Cert", "X-Client-Certificate", "SSL-Client-Cert"),
        *("X-Forwarded-Client-Cert", "Client-Cert", "X-SSL-Client-Sha256"),
    ],
)
async def test_a_certificate_in_a_header_is_only_a_claim(authority: Authority, header: str) -> None:
    """RFC 9440 §4: what a proxy would write, a client can write too."""
    client = authority.issue("mis")
    sender = SenderSettings(certificate_sha256=fingerprint(client))
    pem = client.certificate_file.read_text(encoding="utf-8")
    der = ssl.PEM_cert_to_DER_cert(pem)
    written = (
        pem.replace("\n", " "),
        f":{base64.b64encode(der).decode()}:",
        f'Cert="{quote(pem)}";Hash={fingerprint(client)}',
        fingerprint(client),
    )

    for value in written:
        assert await status_of(authority, sender, None, {header: value}) == 401


async def test_a_client_without_certificate_may_show_a_token(authority: Authority) -> None:
    sender = SenderSettings(token_sha256=digest("mis-token"))

    assert await status_of(authority, sender, None, MIS) == 200
    assert await status_of(authority, sender, None, {}) == 401


async def test_a_certificate_of_another_authority_is_turned_away_by_tls(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger").issue("mis")
    sender = SenderSettings(certificate_sha256=fingerprint(stranger))

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await status_of(authority, sender, stranger, {})


def test_without_a_certificate_there_is_no_tls() -> None:
    assert open_tls(ServerSettings()) is None


def test_half_a_tls_is_refused(tmp_path: Path) -> None:
    for settings in (
        ServerSettings(tls_key_file=tmp_path / "key.pem"),
        ServerSettings(client_ca_file=tmp_path / "ca.pem"),
        ServerSettings(tls_certificate_file=tmp_path / "none.pem"),
    ):
        with pytest.raises(SettingError):
            open_tls(settings)
