"""Which MLflow this process works with: the remote one, one on this machine, or a simulation."""

from __future__ import annotations

from typing import TypedDict

from hokusai.exceptions import ours
from hokusai.places import Place, connect
from hokusai.settings import Given, remember, settings
from hokusai_register.http import Login
from hokusai_register.mlflow_plugin import ambient
from hokusai_register.mlflow_plugin.by_uri import announce
from hokusai_register.model import Backend, Secret


class MLflowStatus(TypedDict):
    """Where MLflow calls go: `backend` is mlflow, local, mock or none; `problem` is why.

    `tracking_uri` is None and `configured` False where no MLflow can be used.
    """

    configured: bool
    tracking_uri: str | None
    is_local: bool
    auth_method: str | None
    mock_mode: bool
    optional_mlflow: bool
    backend: str
    problem: str | None


class MLflowSetup:
    """Configures MLflow for this process; falls back to this machine, as `configure` says."""

    def __init__(self, tracking_uri: str | None = None) -> None:
        self._tracking_uri = tracking_uri or ""
        self._place: Place | None = None
        self._method: str | None = None

    def configure(
        self, api_key: str | None = None, *, force_local: bool = False, strict: bool = False
    ) -> bool:
        """Find an MLflow and let plain MLflow calls of this process go there.

        The remote server is asked with the key; if it is down, the one on this machine
        (HOKUSAI_LOCAL_MLFLOW_URI), or else a store in `.hokusai`; a FallbackWarning says so. False:
        there is none to be used, and that was agreed to (HOKUSAI_MOCK_MODE,
        HOKUSAI_OPTIONAL_MLFLOW). `strict` raises instead of falling back, as what nothing excuses
        does always: MLflowAuthenticationError, MLflowConnectionError, ConfigurationError.
        """
        given = Given(
            tracking_uri=self._tracking_uri,
            api_key=Secret((api_key or "").strip()),
            force_local=force_local,
        )
        found = settings(given)
        with ours():
            place = connect(found, strict=strict)
        if place.connection:
            announce(place.connection)
        if place.shelf:
            ambient.point(place.shelf.uri)
            self._method = (
                Login.of(found.credentials).how if place.backend is Backend.MLFLOW else "nothing"
            )
        remember(given)
        self._place = place
        return self.is_configured

    @property
    def is_configured(self) -> bool:
        """Whether there is an MLflow to be used."""
        return self._place is not None and self._place.shelf is not None

    def get_status(self) -> MLflowStatus:
        """Return where MLflow calls go, and why; asks nobody. Raises ConfigurationError."""
        place = self._place or Place(backend=Backend.NONE)
        found = settings()
        return MLflowStatus(
            configured=self.is_configured,
            tracking_uri=place.tracking_uri if self.is_configured else None,
            is_local=place.backend is Backend.LOCAL,
            auth_method=self._method,
            mock_mode=found.mock,
            optional_mlflow=found.optional,
            backend=str(place.backend),
            problem=str(place.error) if place.error else None,
        )


class _Process:
    """The setup that counts for the whole process."""

    setup = MLflowSetup()


def setup_mlflow(
    tracking_uri: str | None = None,
    api_key: str | None = None,
    *,
    force_local: bool = False,
    strict: bool = False,
) -> bool:
    """Configure MLflow for this process, as `MLflowSetup.configure` does; raises what it raises."""
    setup = MLflowSetup(tracking_uri)
    done = setup.configure(api_key, force_local=force_local, strict=strict)
    _Process.setup = setup
    return done


def get_mlflow_status() -> MLflowStatus:
    """Return what the last `setup_mlflow` led to; asks nobody. Raises ConfigurationError."""
    return _Process.setup.get_status()


def ensure_mlflow_configured() -> bool:
    """Configure MLflow unless that is done; raises what `MLflowSetup.configure` raises."""
    return _Process.setup.is_configured or setup_mlflow()
