"""MLflow's client as it is called here: late, quietly, and with the exact cause of a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any

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


def connect(uri: str) -> Any:
    """Return MLflow's client of the registry at `uri`; a local store is opened here."""
    with quiet():
        # MLflow takes most of a second to import: a run that never gets here must not pay.
        from mlflow import MlflowClient  # noqa: PLC0415  # see above

        with causes():
            return MlflowClient(uri, uri)


def points(metrics: Mapping[str, float], when: int) -> list[Any]:
    """Return metrics as MLflow's entities, all at the same time and step."""
    from mlflow.entities import Metric  # noqa: PLC0415  # see connect

    return [Metric(name, value, when, 0) for name, value in metrics.items()]


def texts(params: Mapping[str, str]) -> list[Any]:
    """Return params as MLflow's entities."""
    from mlflow.entities import Param  # noqa: PLC0415  # see connect

    return [Param(name, value) for name, value in params.items()]


def make_database(uri: str) -> None:
    """Let MLflow make all its tables in a new database, and let go of it."""
    made = connect(uri)
    with quiet(), causes():
        made.search_experiments(max_results=1)
        made.search_registered_models(max_results=1)


def schema() -> str:
    """Return the revision of the tables that this MLflow makes; it would migrate others."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # see connect

    migrations = resources.files("mlflow.store.db_migrations")
    return str(ScriptDirectory(str(migrations)).get_current_head())


@contextmanager
def causes() -> Iterator[None]:
    """Raise the exact cause that our transport put behind MLflow's exception."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  # see connect

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
    """Set what MLflow reads from the environment, and put it back."""
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
