"""What is around each call of MLflow's client: none of its noise, and the exact cause of a failure.

Both may be entered by several threads at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hokusai_register.errors import Reason, RegisterError, RejectedError

# What MLflow's client says by itself, of a local store or before it asks a server.
_REASONS = {
    "RESOURCE_ALREADY_EXISTS": Reason.CONFLICT,
    "RESOURCE_DOES_NOT_EXIST": Reason.NOT_FOUND,
}

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Its own handlers would print past every host too.
    "MLFLOW_CONFIGURE_LOGGING": "false",
    # It prints the address of each finished run, past every host.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@contextmanager
def causes() -> Iterator[None]:
    """Raise the exact cause that our transport put behind MLflow's exception."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  # see Registry

    try:
        yield
    except MlflowException as error:
        if isinstance(error.__cause__, RegisterError):
            raise error.__cause__ from None
        raise RejectedError(
            "the MLflow client refuses this",
            why=str(error),
            fix="correct what it names, then run again",
            reason=_REASONS.get(error.error_code),
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Set what MLflow reads from the environment; the last thread to leave puts it back."""
    with _QUIET.entering:
        if not _QUIET.inside:
            _QUIET.before = {name: os.environ.get(name) for name in QUIET}
            os.environ.update(QUIET)
        _QUIET.inside += 1
    try:
        yield
    finally:
        with _QUIET.entering:
            _QUIET.inside -= 1
            if not _QUIET.inside:
                put_back(_QUIET.before)


def put_back(before: Mapping[str, str | None]) -> None:
    """Give variables of this process the values that they had; None: they were not there."""
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class _Quiet:
    """Who is inside of `quiet`, and what was there before the first one."""

    def __init__(self) -> None:
        self.entering = threading.Lock()
        self.inside = 0
        self.before: dict[str, str | None] = {}


_QUIET = _Quiet()
