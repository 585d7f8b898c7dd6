"""The server's own TLS, and the certificates that clients may identify themselves with."""

from __future__ import annotations

import ssl

from gateway.errors import SettingError
from gateway.settings import ServerSettings


def open_tls(settings: ServerSettings) -> ssl.SSLContext | None:
    """Return the TLS context, TLS 1.2 and newer; None where no certificate is configured.

    A client without a certificate may still show a token. Raises SettingError.
    """
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if certificate is None:
        if key is not None or settings.client_ca_file is not None:
            raise SettingError("tls_certificate_file is missing", where="server")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if settings.client_ca_file is not None:
            context.load_verify_locations(settings.client_ca_file)
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"TLS cannot start: {error}", where="server") from error
    return context
