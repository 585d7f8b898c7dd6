"""Signing by a service: a real HTTP server on loopback with a real key behind it."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.errors import CryptoUnavailable, SettingError
from gateway.signatures.algorithms import (
    DEFAULTS,
    ECDSA_SHA256,
    GOST_256,
    RSA_SHA256,
    Family,
    SignatureAlgorithm,
)
from gateway.signatures.backends import PrivateKey, open_backend
from gateway.signatures.backends.elsewhere import BREATH, Elsewhere
from gateway.signatures.backends.remote import RemoteKey, Service
from tests.signatures.conftest import DAY, NOON

BACKEND = open_backend()
FAMILIES = [pytest.param(row, id=row.name) for row in DEFAULTS.values()]
Shown = tuple[str, dict[str, str], dict[str, str]]


@dataclass
class Hsm:
    """Signs digests: it looks the content up, for our backends sign content and no digest."""

    key: PrivateKey
    known: dict[bytes, bytes] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    status: int = 200
    answer: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    silent: threading.Event | None = None

    def expect(self, algorithm: SignatureAlgorithm, content: bytes) -> None:
        self.known[BACKEND.digest(algorithm.digest, content)] = content

    def sign(self, body: bytes) -> bytes:
        asked = json.loads(body)
        content = self.known[base64.b64decode(asked["digest"])]
        algorithm = next(row for row in DEFAULTS.values() if row.name == asked["algorithm"])
        made = BACKEND.sign(self.key, algorithm, content)
        return json.dumps({"signature": base64.b64encode(made).decode()}).encode()


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that serves a key on loopback and gives its address."""
    open_servers = []

    def start(hsm: Hsm, tls: ssl.SSLContext | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hsm.shown.append((self.path, dict(self.headers), json.loads(body)))
                if hsm.silent is not None:
                    hsm.silent.wait(10)
                    return
                answer = hsm.answer if hsm.answer is not None else hsm.sign(body)
                self.send_response(hsm.status)
                for name, value in hsm.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass  # a client that turns away from our certificate

        server = Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        open_servers.append(server)
        return f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}/sign?tenant=1"

    yield start
    for server in open_servers:
        server.shutdown()
        server.server_close()


def hsm(algorithm: SignatureAlgorithm) -> Hsm:
    return Hsm(BACKEND.load_private(BACKEND.generate(algorithm.family)))


@pytest.mark.parametrize("algorithm", FAMILIES)
def test_service_signs_a_digest_and_never_sees_the_document(
    serve: Serve, algorithm: SignatureAlgorithm
) -> None:
    held = hsm(algorithm)
    held.expect(algorithm, b"payload")
    remote = RemoteKey(Service(serve(held), "key 7", "secret"))
    backend = Elsewhere(BACKEND, remote, held.key.spki)

    signature = backend.sign(backend.private, algorithm, b"payload")

    public = BACKEND.load_public(held.key.spki)
    assert BACKEND.verify(public, algorithm, signature, b"payload")
    ((path, headers, asked),) = held.shown
    assert path == "/sign?tenant=1"
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"
    assert asked == {
        "key": "key 7",
        "algorithm": algorithm.name,
        "digest_algorithm": algorithm.digest.name,
        "digest": base64.b64encode(BACKEND.digest(algorithm.digest, b"payload")).decode(),
    }
    assert "secret" not in repr(remote) + repr(Service("http://127.0.0.1", "k", "secret"))


def test_without_a_token_none_is_shown(serve: Serve) -> None:
    held = hsm(RSA_SHA256)
    held.answer = b'{"signature": "AAAA"}'

    made = RemoteKey(Service(serve(held), "k")).sign(RSA_SHA256, b"digest")

    assert tuple(made) == (bytes(3),)
    assert "Authorization" not in held.shown[0][1]


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (500, b'{"signature": "AAAA"}', "HTTP 500"),
        (401, b"", "HTTP 401"),
        (302, b"", "HTTP 302"),
        (201, b'{"signature": "AAAA"}', "HTTP 201"),
        (200, b"", "no signature"),
        (200, b"[]", "no signature"),
        (200, b"\xff\xfe", "no signature"),
        (200, b'{"signature": 7}', "no signature"),
        (200, b'{"signature": "A*=="}', "no signature"),
        (200, b'{"signature": "AAA"}', "no signature"),
        (200, '{"signature": "Ы"}'.encode(), "no signature"),
        (200, b'{"signature": "' + b"A" * 2**16 + b'"}', "no signature"),
    ],
)
def test_whatever_is_no_signature_means_not_now(
    serve: Serve, status: int, answer: bytes, reason: str
) -> None:
    held = replace(hsm(RSA_SHA256), status=status, answer=answer)
    held.headers = (("Location", "http://127.0.0.1:1/"),) if status == 302 else ()
    remote = RemoteKey(Service(serve(held), "k"))

    with pytest.raises(CryptoUnavailable, match=reason) as caught:
        remote.sign(RSA_SHA256, b"digest")

    assert "signing service 127.0.0.1" in caught.value.text
    assert len(held.shown) == 1


def test_answer_of_the_largest_size_is_read(serve: Serve) -> None:
    frame = len(b'{"signature": ""}')
    held = hsm(RSA_SHA256)
    held.answer = b'{"signature": "' + b"A" * ((2**16 - frame) // 4 * 4) + b'"}'
    held.answer += b" " * (2**16 - len(held.answer))

    (made,) = RemoteKey(Service(serve(held), "k")).sign(RSA_SHA256, b"digest")

    assert len(made) == (2**16 - frame) // 4 * 3


def test_service_that_is_down_is_not_asked_again_at_once() -> None:
    moment = [0.0]
    remote = RemoteKey(Service("http://127.0.0.1:1", "k"), clock=lambda: moment[0])

    with pytest.raises(CryptoUnavailable, match="no answer"):
        remote.sign(RSA_SHA256, b"digest")
    moment[0] = BREATH - 0.1
    with pytest.raises(CryptoUnavailable, match="a moment ago"):
        remote.sign(RSA_SHA256, b"digest")
    moment[0] = BREATH
    with pytest.raises(CryptoUnavailable, match="no answer"):
        remote.sign(RSA_SHA256, b"digest")


def test_service_that_is_silent_is_left_in_time(serve: Serve) -> None:
    held = replace(hsm(RSA_SHA256), silent=threading.Event())
    remote = RemoteKey(Service(serve(held), "k", timeout=0.2))

    with pytest.raises(CryptoUnavailable, match="no answer"):
        remote.sign(RSA_SHA256, b"digest")

    assert held.silent is not None
    held.silent.set()


def test_signature_of_another_key_is_none(serve: Serve) -> None:
    held, other = hsm(ECDSA_SHA256), hsm(ECDSA_SHA256)
    held.expect(ECDSA_SHA256, b"payload")
    backend = Elsewhere(BACKEND, RemoteKey(Service(serve(held), "k")), other.key.spki)

    with pytest.raises(CryptoUnavailable, match="another key than the certificate's"):
        backend.sign(backend.private, ECDSA_SHA256, b"payload")


def test_only_its_own_key_signs_and_in_its_own_family(serve: Serve) -> None:
    held = hsm(RSA_SHA256)
    backend = Elsewhere(BACKEND, RemoteKey(Service(serve(held), "k")), held.key.spki)

    for key, algorithm in ((backend.private, GOST_256), (held.key, RSA_SHA256)):
        with pytest.raises(CryptoUnavailable, match="cannot sign"):
            backend.sign(key, algorithm, b"payload")
    assert held.shown == []


def test_all_else_does_the_backend_below(serve: Serve) -> None:
    held = hsm(RSA_SHA256)
    backend = Elsewhere(BACKEND, RemoteKey(Service(serve(held), "k")), held.key.spki)

    mine = backend.load_private(backend.generate(Family.EC))
    made = BACKEND.sign(mine, ECDSA_SHA256, b"payload")

    assert backend.verify(backend.load_public(mine.spki), ECDSA_SHA256, made, b"payload")
    assert not backend.verify(backend.load_public(mine.spki), ECDSA_SHA256, made, b"other")
    assert backend.supports(RSA_SHA256)
    assert backend.digest(RSA_SHA256.digest, b"") == BACKEND.digest(RSA_SHA256.digest, b"")
    assert (backend.private.family, backend.private.bits) == (Family.RSA, 2048)
    assert (backend.name, backend.private.backend) == ("the signing service 127.0.0.1",) * 2


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sign",
        "ftp://127.0.0.1/",
        "https:///sign",
        "https://[::1/sign",
        "https://host:port/",
        "https://user:word@host/",
        "http://signing.example/",
        "http://10.0.0.1/",
    ],
)
def test_address_that_is_none_or_in_the_clear_is_turned_away(url: str) -> None:
    with pytest.raises(SettingError):
        RemoteKey(Service(url, "k"))


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://[::1]:1/", "https://signing.example/sign"]
)
def test_https_anywhere_and_http_at_home_are_taken(url: str) -> None:
    RemoteKey(Service(url, "k"))


def tls_of(folder: Path, *, address: str) -> ssl.SSLContext:
    """Return the TLS of a server whose certificate is for this address, and signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signing")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOON - 3650 * DAY)
        .not_valid_after(NOON + 3650 * DAY)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    (folder / "cert").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


def test_tls_wants_a_certificate_that_is_trusted(serve: Serve, tmp_path: Path) -> None:
    held = replace(hsm(RSA_SHA256), answer=b'{"signature": "AAAA"}')
    url = serve(held, tls_of(tmp_path, address="127.0.0.1"))

    with pytest.raises(CryptoUnavailable, match="SSLCertVerificationError"):
        RemoteKey(Service(url, "k")).sign(RSA_SHA256, b"digest")
    assert held.shown == []
    trusting = RemoteKey(Service(url, "k", authorities=tmp_path / "cert"))
    assert tuple(trusting.sign(RSA_SHA256, b"digest")) == (bytes(3),)


def test_tls_wants_a_certificate_for_the_very_address(serve: Serve, tmp_path: Path) -> None:
    held = hsm(RSA_SHA256)
    url = serve(held, tls_of(tmp_path, address="127.0.0.2"))

    with pytest.raises(CryptoUnavailable, match="SSLCertVerificationError"):
        RemoteKey(Service(url, "k", authorities=tmp_path / "cert")).sign(RSA_SHA256, b"digest")
    assert held.shown == []


@pytest.mark.parametrize("name", ["key", "nowhere"])
def test_authorities_that_are_none_are_named(tmp_path: Path, name: str) -> None:
    tls_of(tmp_path, address="127.0.0.1")

    with pytest.raises(SettingError, match=f"{name} holds no certificates"):
        RemoteKey(Service("https://h/", "k", authorities=tmp_path / name))


def test_time_is_told_in_the_settings_own_words() -> None:
    assert Service("u", "k").timeout == timedelta(seconds=10).total_seconds()
