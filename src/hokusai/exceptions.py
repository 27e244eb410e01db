"""What the SDK raises: the seeds' names and words, with the cause and what to do about it.

All of them are `HokusaiException`s, and carry `what`, `why`, `fix` and `reason` as the engine's
errors do; the engine's own error is the `__cause__`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hokusai_register.errors import (
    AuthError,
    InputError,
    NotTheServiceError,
    ProxyAuthError,
    Reason,
    RegisterError,
    TrustError,
    UnavailableError,
)


class HokusaiException(RegisterError):  # noqa: N818  # the seeds' name
    """Something that the SDK was asked for could not be done."""


class ConfigurationError(HokusaiException):
    """A setting, a variable or the key is missing or malformed; nothing was sent."""

    default = Reason.INPUT


class InvalidParameterError(HokusaiException, ValueError):
    """An argument cannot be used; nothing was sent."""

    default = Reason.INPUT


class AuthenticationError(HokusaiException):
    """The service refuses the credentials; `status_code` is 401 or 403."""

    default = Reason.AUTH_401

    @property
    def status_code(self) -> int:
        """The HTTP status of the refusal."""
        return 403 if self.reason is Reason.AUTH_403 else 401


class MLflowAuthenticationError(AuthenticationError):
    """The MLflow server refuses the credentials."""


class MLflowConnectionError(HokusaiException):
    """No MLflow server could be asked: it is down, is not one, or cannot be trusted."""

    default = Reason.UNREACHABLE


class ModelNotFoundError(HokusaiException):
    """The registry has no such model, version or run."""

    default = Reason.NOT_FOUND


class NotificationError(HokusaiException):
    """The model is registered, but the service could not be told so."""

    default = Reason.OUTCOME_UNKNOWN


class RegistryException(HokusaiException):  # the seeds' name
    """The registry refuses, or nobody knows what became of it."""


class FallbackWarning(UserWarning):
    """The registry was not reached, and something on this machine takes its place."""


MLFLOW = "MLflow"
API = "Hokusai API"

_KINDS: tuple[tuple[type[RegisterError], type[HokusaiException]], ...] = (
    (InputError, InvalidParameterError),
    (UnavailableError, MLflowConnectionError),
    (NotTheServiceError, MLflowConnectionError),
    (TrustError, MLflowConnectionError),
    (ProxyAuthError, MLflowConnectionError),
    (RegisterError, RegistryException),
)
_REFUSED = {
    Reason.AUTH_401: "authentication error (HTTP 401): Invalid credentials",
    Reason.AUTH_403: "authentication error (HTTP 403): Access forbidden",
}


def translated(error: RegisterError, service: str = MLFLOW) -> HokusaiException:
    """Return the SDK's exception for an error of the engine; `service` is who was asked."""
    if isinstance(error, HokusaiException):
        return error
    if isinstance(error, AuthError):
        return _refused(error, service)
    kind = next(ours for theirs, ours in _KINDS if isinstance(error, theirs))
    if error.reason is Reason.NOT_FOUND and kind is RegistryException:
        kind = ModelNotFoundError
    return kind(error.what, why=error.why, fix=error.fix, reason=error.reason)


@contextmanager
def ours(service: str = MLFLOW) -> Iterator[None]:
    """Raise the SDK's exceptions where the engine raises its own."""
    try:
        yield
    except HokusaiException:
        raise
    except RegisterError as error:
        raise translated(error, service) from error


@contextmanager
def configuring() -> Iterator[None]:
    """Raise a ConfigurationError for whatever is wrong with the settings."""
    try:
        yield
    except RegisterError as error:
        raise ConfigurationError(
            error.what, why=error.why, fix=error.fix, reason=error.reason
        ) from error


def _refused(error: AuthError, service: str) -> HokusaiException:
    if error.reason not in _REFUSED:  # there is no key, or it is none
        return ConfigurationError(error.what, why=error.why, fix=error.fix, reason=error.reason)
    kind = MLflowAuthenticationError if service == MLFLOW else AuthenticationError
    return kind(
        f"{service} {_REFUSED[error.reason]}",
        why=f"{error.what}: {error.why}",
        fix=f"{error.fix}; to develop without it, set HOKUSAI_MOCK_MODE=true",
        reason=error.reason,
    )
