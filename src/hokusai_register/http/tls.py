"""The TLS context of all connections, and the names that a certificate is for."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeGuard

from hokusai_register.access import Tls
from hokusai_register.errors import InputError

SHOWN = 5  # names of a certificate; some have hundreds
_MISNAMED = (62, 64)  # OpenSSL: X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_MISMATCH = "KEY_VALUES_MISMATCH"

Certificate = Mapping[str, Any]  # as `ssl.SSLSocket.getpeercert` shows one


def context(tls: Tls) -> ssl.SSLContext:
    """Return the context for all connections; raises InputError if a file is no PEM."""
    try:
        made = ssl.create_default_context(cafile=tls.ca_bundle)
    except OSError as error:  # ssl.SSLError is one
        raise InputError(
            "the CA bundle cannot be used",
            why=f"{error.strerror or error}",
            fix="`ca-bundle` must name a readable PEM file",
        ) from error
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if (
        tls.ca_bundle
    ):  # since Python 3.13 its form is judged too, by rules that few private CAs know
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.client_cert:
        _identify(made, tls)
    if not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def _identify(made: ssl.SSLContext, tls: Tls) -> None:
    """Show the client certificate to every server that asks for one."""
    try:
        made.load_cert_chain(str(tls.client_cert), tls.client_key, password=_passphrase)
    except OSError as error:
        why = error.strerror or str(error)
        if isinstance(error, ssl.SSLError):
            mismatch = "the private key is not the one that the certificate was made for"
            none = "there is no certificate, or no private key, in PEM form"
            why = mismatch if error.reason == _MISMATCH else none
        raise InputError(
            "the client certificate cannot be used",
            why=why,
            fix="`client-cert` must name a PEM file with the certificate, and `client-key` one "
            "with its private key; or the first one has both",
        ) from error


def _passphrase() -> str:
    """OpenSSL would ask whoever sits at the terminal, and wait."""
    raise InputError(
        "the client certificate cannot be used",
        why="its private key is encrypted, and nobody is there to type the passphrase",
        fix="keep the key as a secret without one: `openssl pkey -in encrypted.pem -out key.pem`",
    )


def chain(connection: Any) -> tuple[Certificate, ...]:
    """Return what was verified, from the server's certificate to the root's; nothing if unchecked.

    `connection` is an `ssl_object` of httpcore; the server's alone where it does not show more.
    """
    own = connection.getpeercert()
    # What is public since Python 3.13 gives bytes; below it, objects that say what they hold.
    below = getattr(connection, "_sslobj", connection)
    if own and hasattr(below, "get_verified_chain"):
        return tuple(certificate.get_info() for certificate in below.get_verified_chain())
    return (own,) if own else ()


def is_misnamed(error: BaseException | None) -> TypeGuard[ssl.SSLCertVerificationError]:
    """Whether a certificate is good, and for another name."""
    found = isinstance(error, ssl.SSLCertVerificationError)
    return found and getattr(error, "verify_code", 0) in _MISNAMED  # set by OpenSSL only


def names(tls: Tls, address: Any, host: str | None, seconds: float) -> str:
    """Return the names that the certificate at a socket's `address` is for; blank if unknown.

    Python shows only a certificate that was accepted: so the handshake is done once more, by the
    same authorities but without the name, and nothing is sent over the connection.
    """
    nameless = context(replace(tls, client_cert=None, client_key=None))
    nameless.check_hostname = False
    try:
        with (
            socket.create_connection(address[:2], seconds) as plain,
            nameless.wrap_socket(plain, server_hostname=host) as connection,
        ):
            found = (connection.getpeercert() or {}).get("subjectAltName", ())
    except OSError:
        return ""
    said = [str(entry[1]) for entry in found]
    more = [f"{len(said) - SHOWN:,} more"] if len(said) > SHOWN else []
    return ", ".join([*said[:SHOWN], *more])
