"""MLflow's client, imported late, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import resources
from typing import Any

from hokusai_register.http import beside
from hokusai_register.registrars.calls import causes, quiet


def connect(uri: str) -> Any:
    """Return MLflow's client of the registry at `uri`; a local store is opened here."""
    make = _load()
    with quiet(), causes():
        return make(uri, uri)


def ahead() -> AbstractContextManager[None]:
    """Import MLflow beside a block: whoever asks for it first would have to wait."""
    return beside(_load)


def _load() -> Any:
    with quiet():
        # MLflow takes most of a second to import: a run that never gets here must not pay.
        from mlflow import MlflowClient  # noqa: PLC0415  # see above
    return MlflowClient


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
