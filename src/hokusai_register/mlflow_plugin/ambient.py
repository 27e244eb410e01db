"""Points the plain MLflow calls of this process at an address, and back at what was there before.

No credential goes into the environment: child processes, which inherit it, log in by themselves.
"""

from __future__ import annotations

import os
import sys
import threading

from hokusai_register.mlflow_plugin.by_uri import forget

VARIABLE = "MLFLOW_TRACKING_URI"


class _Before:
    """What was there before the first `point`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pointed = ""
        self.variable: str | None = None
        self.called: str | None = None  # with mlflow.set_tracking_uri, which beats the variable


_before = _Before()


def point(uri: str) -> None:
    """Let plain MLflow calls go to `uri`."""
    with _before.lock:
        if not _before.pointed:
            _before.variable, _before.called = os.environ.get(VARIABLE), _called()
        _before.pointed = uri
        _set(uri if "mlflow" in sys.modules else None, uri)


def restore() -> None:
    """Let plain MLflow calls go where they went before the first `point`."""
    with _before.lock:
        if _before.pointed:
            _set(_before.called, _before.variable)
            forget(_before.pointed)
            _before.pointed = ""


def wanted() -> str:
    """Return what the variable said before we set it, or says now if somebody has set it since."""
    with _before.lock:
        found = os.environ.get(VARIABLE, "")
        return _before.variable or "" if _before.pointed == found else found


def _called() -> str | None:
    if "mlflow" not in sys.modules:
        return None
    import mlflow  # noqa: PLC0415  # it is there already

    uri = str(mlflow.get_tracking_uri()) if mlflow.is_tracking_uri_set() else None
    return None if uri == os.environ.get(VARIABLE) else uri  # the variable is put back by itself


def _set(called: str | None, variable: str | None) -> None:
    if "mlflow" in sys.modules:
        import mlflow  # noqa: PLC0415  # it is there already

        mlflow.set_tracking_uri(called)
    if variable is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = variable
