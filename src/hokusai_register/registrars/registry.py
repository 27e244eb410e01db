"""What the registrar asks of an MLflow server, through MLflow's own client.

Each thing is made once: after a doubtful answer it is looked for before it is made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from hokusai_register.errors import (
    Reason,
    RegisterError,
    RejectedError,
    UnavailableError,
    UnconfirmedError,
)
from hokusai_register.registrars.calls import causes, quiet
from hokusai_register.registrars.shelf import Shelf
from hokusai_register.registrars.terms import COMPLETE, KEY, STATE

T = TypeVar("T")

TRIES = 3
SETTLE = 1.0  # seconds that a doubtful write gets to appear before it is looked for


class Registry:
    """An MLflow registry that is there: a server that has answered the probe, or a local store."""

    def __init__(self, shelf: Shelf, sleep: Callable[[float], None] = time.sleep) -> None:
        self.shelf = shelf
        self._sleep = sleep
        with quiet():
            # MLflow takes most of a second to import: a run that never gets here must not pay.
            from mlflow import MlflowClient, entities  # noqa: PLC0415  # see above

            with causes():  # a local store is opened here
                self._client = MlflowClient(shelf.uri, shelf.uri)
        self._entities = entities

    def experiment(self, name: str) -> str:
        """Make the experiment `name`; return its id."""

        def find() -> str | None:
            found = self._client.get_experiment_by_name(name)
            return str(found.experiment_id) if found else None

        return self._once(
            lambda: str(self._client.create_experiment(name, self.shelf.artifact_location)),
            find,
            str,
        )

    def find_run(self, experiment_id: str, key: str) -> Any | None:
        """Return the oldest run that was made under `key`."""
        with causes():
            found = self._client.search_runs(
                [experiment_id],
                f"tags.`{KEY}` = '{key}'",
                max_results=10,
                order_by=["attributes.start_time ASC"],
            )
        return found[0] if found else None

    def create_run(self, experiment_id: str, name: str, tags: Mapping[str, str]) -> Any:
        """Make a run, under the key that is among its tags."""
        return self._once(
            lambda: self._client.create_run(experiment_id, tags=dict(tags), run_name=name),
            lambda: self.find_run(experiment_id, tags[KEY]),
            lambda run: str(run.info.run_id),
        )

    def run(self, run_id: str) -> Any:
        """Return the run with this id."""
        with causes():
            return self._client.get_run(run_id)

    def log(self, run: Any, metrics: Mapping[str, float], params: Mapping[str, str]) -> None:
        """Log into `run`; the fixed timestamp and step make it harmless to do so again."""
        when = run.info.start_time
        with causes(), quiet():
            self._client.log_batch(
                run.info.run_id,
                [self._entities.Metric(name, value, when, 0) for name, value in metrics.items()],
                [self._entities.Param(name, value) for name, value in params.items()],
            )

    def complete(self, run_id: str) -> None:
        """Mark a run of ours as complete: its state first, then FINISHED."""
        with causes(), quiet():
            self._client.set_tag(run_id, STATE, COMPLETE)
            self._client.set_terminated(run_id, "FINISHED")

    def give_up(self, run_id: str) -> None:
        """Mark a run of ours as FAILED, unless another job with the same key has finished it."""
        with causes(), quiet():
            if self._client.get_run(run_id).info.status != "FINISHED":
                self._client.set_terminated(run_id, "FAILED")

    def ensure_model(self, name: str) -> None:
        """Make the registered model `name`, unless it is there."""

        def find() -> str | None:
            return str(self._client.get_registered_model(name).name)

        self._once(lambda: str(self._client.create_registered_model(name).name), find, str)

    def find_version(self, name: str, key: str) -> Any | None:
        """Return the lowest version of `name` that was made under `key`."""
        with causes():
            found = self._client.search_model_versions(f"tags.`{KEY}` = '{key}'")
        mine = [version for version in found if version.name == name]
        if not all(str(version.version).isdecimal() for version in mine):
            raise UnconfirmedError(
                f"{self.shelf.host} shows versions of {name} that have no number",
                why="MLflow counts its versions: 1, 2, 3",
                fix="check that `tracking-uri` is the root of an MLflow server",
                reason=Reason.PROTOCOL,
            )
        return min(mine, key=lambda version: int(version.version), default=None)

    def has_model(self, name: str) -> bool:
        """Whether there is a registered model `name`."""
        try:
            with causes():
                self._client.get_registered_model(name)
        except RejectedError as error:
            if error.reason is Reason.NOT_FOUND:
                return False
            raise
        return True

    def create_version(self, name: str, tags: Mapping[str, str], **details: Any) -> Any:
        """Make a version, under the key that is among its tags."""
        return self._once(
            lambda: self._client.create_model_version(
                name, tags=dict(tags), await_creation_for=0, **details
            ),
            lambda: self.find_version(name, tags[KEY]),
            lambda version: str(version.version),
        )

    def version(self, name: str, version: str) -> Any:
        """Return one version of a registered model."""
        with causes():
            return self._client.get_model_version(name, version)

    def version_at(self, name: str, alias: str) -> Any:
        """Return the version of a registered model that an alias points at."""
        with causes():
            return self._client.get_model_version_by_alias(name, alias)

    def tag_version(self, name: str, version: str, tag: str, value: str) -> None:
        """Set one tag of a version."""
        client = self._client._get_registry_client()  # noqa: SLF001  # as in `point`
        with causes():
            client.set_model_version_tag(name, version, tag, value)

    def remove_version(self, name: str, version: str) -> None:
        """Remove a version that lost a race."""
        with causes():
            self._client.delete_model_version(name, version)

    def remove_run(self, run_id: str) -> None:
        """Remove a run that lost a race."""
        with causes():
            self._client.delete_run(run_id)

    def point(self, name: str, alias: str, version: str) -> None:
        """Let `alias` name `version`."""
        # The public call asks first whether this is a prompt: one request more.
        client = self._client._get_registry_client()  # noqa: SLF001  # see above
        with causes():
            client.set_registered_model_alias(name, alias, version)

    def aliased(self, name: str, alias: str) -> int:
        """Return the version that `alias` names; 0 if none."""
        try:
            with causes():
                found = str(self._client.get_model_version_by_alias(name, alias).version)
        except RejectedError:
            return 0
        return int(found) if found.isdecimal() else 0

    def logged_model(self, model_id: str) -> Any:
        """Return what MLflow 3 calls a logged model."""
        with causes():
            return self._client.get_logged_model(model_id)

    def logged_models(self, experiment_id: str, run_id: str, name: str) -> list[Any]:
        """Return the models that a run logged under `name`; servers before 3.0 have none."""
        with causes():
            found = self._client.search_logged_models(
                [experiment_id], f"source_run_id = '{run_id}'", max_results=100
            )
        return [model for model in found if model.name == name]

    def _once(
        self, make: Callable[[], T], find: Callable[[], T | None], name_of: Callable[[T], str]
    ) -> T:
        """Make one thing. A doubt is settled by looking, and only a clear 'no' makes it again."""
        for attempt in range(1, TRIES + 1):
            try:
                with causes(), quiet():
                    made = make()
                if name_of(made):
                    return made
                raise _nameless(self.shelf.host)
            except RejectedError as error:
                if error.reason is not Reason.CONFLICT:
                    raise
                doubt: RegisterError = error
            except UnconfirmedError as error:
                doubt = error
                self._sleep(SETTLE * attempt)
            try:
                with causes():
                    found = find()
            except UnavailableError:
                raise doubt from None
            if found is not None:
                return found
        raise doubt


def _nameless(host: str) -> UnconfirmedError:
    # MLflow's client takes an answer of `{}` for a thing whose fields are all blank.
    return UnconfirmedError(
        f"{host} took the request, and its answer makes no sense",
        why="what it says that it made has no id",
        fix="run the job again: it looks first for what this run may have made",
    )


def make_database(uri: str) -> None:
    """Let MLflow make all its tables in a new database, and let go of it."""
    with quiet(), causes():
        from mlflow import MlflowClient  # noqa: PLC0415  # see Registry

        client = MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)


def schema() -> str:
    """Return the revision of the tables that this MLflow makes; it would migrate others."""
    from mlflow.store.db import utils  # noqa: PLC0415  # see Registry

    return str(utils._get_latest_schema_revision())  # noqa: SLF001  # no public name tells it
