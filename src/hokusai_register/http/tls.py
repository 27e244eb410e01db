"""The TLS context of all connections, made from the PEM files of the inputs."""

from __future__ import annotations

import ssl

from hokusai_register.access import Tls
from hokusai_register.errors import InputError


def context(tls: Tls) -> ssl.SSLContext:
    """Return the context for all connections; raises InputError if a file is no PEM."""
    try:
        made = ssl.create_default_context(cafile=tls.ca_bundle)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.client_cert:
            made.load_cert_chain(tls.client_cert, tls.client_key)
    except OSError as error:  # ssl.SSLError is one
        raise InputError(
            "the certificates cannot be used",
            why=f"{error.strerror or error}",
            fix="ca-bundle, client-cert and client-key must name readable PEM files",
        ) from error
    if not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made
