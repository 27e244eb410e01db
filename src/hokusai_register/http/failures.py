"""What a broken exchange means: whether the request may have arrived, and what broke it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from hokusai_register.errors import (
    Reason,
    RegisterError,
    TrustError,
    UnavailableError,
    UnconfirmedError,
    UnreachableError,
)
from hokusai_register.http.answers import Effect, proxy_login
from hokusai_register.http.tls import is_misnamed

CONNECT = 5.0  # seconds until a connection must stand

# After these, nothing of the request has left this machine.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

# What a server means by its last words (RFC 8446, 6.2), where it speaks of the client.
_ALERTS = {
    "CERTIFICATE_REQUIRED": "it wants a client certificate",
    "HANDSHAKE_FAILURE": "most servers of TLS 1.2 mean that they want a client certificate",
    "CERTIFICATE_EXPIRED": "the client certificate is not valid any more, or not yet",
    "CERTIFICATE_REVOKED": "the client certificate was revoked",
    "UNKNOWN_CA": "it does not know the CA that signed the client certificate",
    "BAD_CERTIFICATE": "it does not take the client certificate",
    "CERTIFICATE_UNKNOWN": "it does not take the client certificate",
    "UNSUPPORTED_CERTIFICATE": "the client certificate is of a wrong kind",
    "ACCESS_DENIED": "it does not let the owner of the client certificate in",
}


def failure(error: httpx.TransportError, effect: Effect, base: str, proxy: str) -> RegisterError:
    """Return the cause of a broken exchange; only a write that may have arrived is in doubt."""
    host = urlsplit(base).netloc
    causes = list(_chain(error))
    connecting = isinstance(error, _NOT_SENT)
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and (connecting or not _cut_off(cause)):
            return _distrust(host, cause)
    if isinstance(error, httpx.ProxyError) and str(error).startswith("407"):
        return proxy_login(host)
    reason, why = _reason(error, causes)
    if connecting or effect is Effect.READ:
        kind = UnreachableError if connecting else UnavailableError
        via = f" through the proxy {proxy}" if proxy else ""
        return kind(f"cannot reach {host}{via}", why=why, fix=_advice(base, proxy), reason=reason)
    return UnconfirmedError(
        f"the connection to {host} broke after a write was sent",
        why=why,
        fix="run the job again: it looks first for what this run may have made",
    )


def _advice(base: str, proxy: str) -> str:
    if proxy:
        return "check the proxy, or put the host into NO_PROXY; nothing was changed"
    if urlsplit(base).hostname in ("localhost", "127.0.0.1", "::1"):
        return (
            "inside a container, localhost is the container itself: use the service's name or "
            "the host's address; nothing was changed"
        )
    return "check the URL and the runner's network; nothing was changed, so run the job again"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    # httpcore's pool cuts off causes and leaves contexts. Beyond an error of ours begins what else
    # was being handled at the time: another story, and one that can lead round in a circle.
    while error is not None and not isinstance(error, RegisterError):
        yield error
        error = error.__cause__ or error.__context__


def _cut_off(error: ssl.SSLError) -> bool:
    return isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))


def _distrust(host: str, error: ssl.SSLError) -> TrustError:
    # Only OpenSSL's own errors have these; those of Python's ssl module do not.
    said = [getattr(error, name, "") for name in ("verify_message", "reason")]
    why = next(filter(None, said), "the handshake failed").removesuffix(".")
    _, alert, word = str(said[1]).partition("_ALERT_")
    if alert and word in _ALERTS:
        return TrustError(
            f"{host} ends the TLS handshake",
            why=f"its alert is {word}: {_ALERTS[word]}",
            fix="give a current client certificate, which this server takes, in `client-cert` and "
            "`client-key`",
        )
    if is_misnamed(error):
        names = "".join(getattr(error, "__notes__", ()))
        return TrustError(
            f"the certificate of {host} is for another name",
            why=f"{why}; it is for {names}" if names else why,
            fix="use a name of the certificate in the URL, or give the server one for this name",
        )
    return TrustError(
        f"the TLS connection to {host} cannot be trusted",
        why=why,
        fix="if a private CA signed its certificate, name that CA's PEM file in `ca-bundle`; "
        "if it has expired, let whoever runs the server renew it",
    )


def _reason(error: httpx.TransportError, causes: list[BaseException]) -> tuple[Reason, str]:
    if isinstance(error, httpx.ConnectTimeout):
        return Reason.TIMEOUT, f"no connection within {CONNECT:g} s"
    if isinstance(error, httpx.TimeoutException):
        return Reason.TIMEOUT, "no complete answer in time"
    for cause in causes:
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN:
            return Reason.DNS, "the name server does not answer"
        if isinstance(cause, socket.gaierror):
            return Reason.DNS, "the host name is not known here"
        if isinstance(cause, ConnectionRefusedError):
            return Reason.REFUSED, "the connection was refused"
    return Reason.UNREACHABLE, "the connection could not be made, or broke"
