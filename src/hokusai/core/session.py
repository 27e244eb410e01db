"""What all calls of one ModelRegistry share: its settings, its place, and one call at a time."""

from __future__ import annotations

import secrets
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from hokusai.core.simulation import Simulation, Versions
from hokusai.exceptions import MLFLOW, ours
from hokusai.places import Place, connect
from hokusai.settings import Given, Settings, settings
from hokusai_register.errors import RegisterError
from hokusai_register.mlflow_plugin.by_uri import announce, forget
from hokusai_register.model import Backend, Secret
from hokusai_register.registrars.catalog import Catalog


class Session:
    """A registry that was found: remote, on this machine, or simulated.

    Where it works is found out when it is made: the remote server is asked with the key; if it is
    down, the MLflow on this machine (HOKUSAI_LOCAL_MLFLOW_URI), or else a store in `.hokusai`; if
    HOKUSAI_OPTIONAL_MLFLOW is true, nothing at all. Each of these comes with a FallbackWarning that
    says why; `strict` raises instead. `backend` and `tracking_uri` say where it is. Several threads
    may use it: one call is made at a time. Raises MLflowAuthenticationError, MLflowConnectionError,
    ConfigurationError.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        api_key: str | None = None,
        api_endpoint: str | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self._settings: Settings = settings(
            Given(
                tracking_uri=tracking_uri or "",
                api_key=Secret((api_key or "").strip()),
                api_endpoint=api_endpoint or "",
            )
        )
        with ours():
            self._place: Place = connect(self._settings, strict=strict)
        if self._place.connection:
            # MLflow knows a server by its address alone, for the whole process: with one of its
            # own, no other login is ever taken for this one.
            self._place.connection.uri += f"#{secrets.token_hex(4)}"
            announce(self._place.connection)
            weakref.finalize(self, forget, self._place.connection.uri)
        self._lock = threading.RLock()
        self._opened: Versions | None = None

    def __repr__(self) -> str:
        where = self.tracking_uri or "nowhere"
        return f"{type(self).__name__}(backend={self.backend!r}, tracking_uri={where!r})"

    @property
    def backend(self) -> str:
        """Where it works: mlflow, local, mock, or none if only the Hokusai API can be asked."""
        return str(self._place.backend)

    @property
    def tracking_uri(self) -> str:
        """The address of the MLflow that it works with; blank in a simulation."""
        return self._place.tracking_uri

    @contextmanager
    def _call(self, service: str = MLFLOW) -> Iterator[None]:
        """Let one call at a time through, and raise the SDK's exceptions."""
        with self._lock, ours(service):
            yield

    @property
    def _versions(self) -> Versions:
        """Where the versions are; the first call of all imports MLflow."""
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> Versions:
        if self._place.backend is Backend.MOCK:
            return Simulation()
        if self._place.shelf is None:
            raise cast("RegisterError", self._place.error)  # why there is none
        return Catalog(self._place.shelf)
