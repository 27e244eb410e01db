"""Every way to fail. Each class owns one exit code; each instance says what, why and what next.

RegisterError             1  the registration failed; `reason` says how
+-- InputError            2  an input is missing or wrong; nothing was attempted
|   +-- FileError         2  the same, of the model or of a file that an input names
+-- AuthError             3  no usable key, or the server refuses it (401, 403)
|   +-- KeyMissingError   3  there is no key at all
+-- ProxyAuthError        3  a proxy on the way wants a login (407)
+-- UnavailableError      1  no request arrived, or the server turned us away before doing anything
|   +-- UnreachableError  1  the same, and not even a connection stood
+-- NotTheServiceError    1  something else answers there (404, 405, HTML, a wrong shape)
+-- TrustError            1  TLS failed, or the server pointed somewhere else
+-- RejectedError         1  the server understood and refuses this model (other 4xx)
+-- UnconfirmedError      1  a write left, no clear answer came, or what was read back differs
+-- IncompleteError       1  the registry has a part of it; a re-run finishes the same registration
+-- LocalStoreError       1  this machine cannot keep the model
+-- CancelledError  130/143  the job was cancelled
+-- InternalError        70  a bug of ours
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class Reason(StrEnum):
    """The output `reason`: exactly one cause, in words that a workflow can test."""

    OK = "ok"
    INPUT = "input"
    FILE = "file"
    KEY_MISSING = "key-missing"
    KEY_MALFORMED = "key-malformed"
    AUTH_401 = "auth-401"
    AUTH_403 = "auth-403"
    PROXY_AUTH = "proxy-auth"
    TLS = "tls"
    REDIRECT = "redirect"
    DNS = "dns"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate-limited"
    SERVER_5XX = "server-5xx"
    PROTOCOL = "protocol"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    TOO_LARGE = "too-large"
    INVALID = "invalid"
    OUTCOME_UNKNOWN = "outcome-unknown"
    VERIFY_FAILED = "verify-failed"
    DISK = "disk"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    DRY_RUN = "dry-run"
    INTERNAL = "internal"


class RegisterError(Exception):
    """The registration failed; says what happened, why, and what to do next."""

    exit_code: int = 1
    bundle: str = ""  # path of what this machine keeps nevertheless
    default: ClassVar[Reason] = Reason.INVALID

    def __init__(self, what: str, *, why: str, fix: str, reason: Reason | None = None) -> None:
        super().__init__(what)
        self.what, self.why, self.fix = what, why, fix
        self.reason = reason or self.default

    def __str__(self) -> str:
        return f"{self.what}\nwhy: {self.why}\nfix: {self.fix}"


class InputError(RegisterError):
    """An input is missing or wrong; nothing was attempted."""

    exit_code = 2
    default = Reason.INPUT


class FileError(InputError):
    """The model, or a file that an input names, cannot be used."""

    default = Reason.FILE


class AuthError(RegisterError):
    """There is no usable key, or the server refuses it."""

    exit_code = 3
    default = Reason.AUTH_401


class KeyMissingError(AuthError):
    """There is no key."""

    default = Reason.KEY_MISSING


class ProxyAuthError(RegisterError):
    """A proxy on the way wants a login of its own."""

    exit_code = 3
    default = Reason.PROXY_AUTH


class UnavailableError(RegisterError):
    """No request arrived, or the server turned us away before doing anything."""

    default = Reason.UNREACHABLE


class UnreachableError(UnavailableError):
    """Not even a connection stood."""


class NotTheServiceError(RegisterError):
    """Something answers there, but not with this API."""

    default = Reason.NOT_FOUND


class TrustError(RegisterError):
    """TLS failed, or the server pointed somewhere else."""

    default = Reason.TLS


class RejectedError(RegisterError):
    """The server understood and refuses this model."""

    default = Reason.INVALID


class UnconfirmedError(RegisterError):
    """A write left and no clear answer came, or what was read back differs."""

    default = Reason.OUTCOME_UNKNOWN


class IncompleteError(RegisterError):
    """The registry has a part of it; no other backend may be tried, a re-run finishes it."""


class LocalStoreError(RegisterError):
    """The model cannot be kept on this machine."""

    default = Reason.DISK


class CancelledError(RegisterError):
    """The job was cancelled (130 by SIGINT, 143 by SIGTERM)."""

    exit_code = 130
    default = Reason.CANCELLED


class InternalError(RegisterError):
    """A bug of ours."""

    exit_code = 70
    default = Reason.INTERNAL
