"""What the registrar asks of an MLflow server, through MLflow's own client.

Each thing is made once: after a doubtful answer it is looked for before it is made again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from hokusai_register.errors import AuthError, Reason, RejectedError, UnconfirmedError
from hokusai_register.http import beside
from hokusai_register.registrars import late
from hokusai_register.registrars.calls import causes, quiet
from hokusai_register.registrars.client import connect, points, texts
from hokusai_register.registrars.once import RACED, Once
from hokusai_register.registrars.shelf import Shelf
from hokusai_register.registrars.terms import COMPLETE, KEY, STATE

# What a server says to a version of no model; one with passwords, that nobody may change such a
# model, which whoever makes it may.
_NO_MODEL = frozenset({Reason.NOT_FOUND, Reason.AUTH_403})


class Registry:
    """An MLflow registry that is there: a server that has answered the probe, or a local store."""

    def __init__(self, shelf: Shelf, sleep: Callable[[float], None] = time.sleep) -> None:
        self.shelf = shelf
        self._client = connect(shelf.uri)
        self._once = Once(shelf.host, sleep)

    @property
    def _direct(self) -> Any:
        # The public calls ask first whether this is a prompt: one request more for each.
        return self._client._get_registry_client()  # noqa: SLF001  # see above

    def _name(self, name: str, alias: str, version: str) -> None:
        self._direct.set_registered_model_alias(name, alias, version)

    def experiment(self, name: str) -> str:
        """Make the experiment `name`; return its id."""

        def find() -> str | None:
            found = self._client.get_experiment_by_name(name)
            return str(found.experiment_id) if found else None

        return self._once(
            lambda: str(self._client.create_experiment(name, self.shelf.artifact_location)),
            find,
            RACED,
            name_of=str,
        )

    def find_runs(self, experiment_id: str, key: str) -> list[Any]:
        """Return the runs that were made under `key`, the oldest first."""
        with causes():
            found = self._client.search_runs(
                [experiment_id],
                f"tags.`{KEY}` = '{key}'",
                max_results=100,
                order_by=["attributes.start_time ASC"],
            )
        return list(found)

    def find_run(self, experiment_id: str, key: str) -> Any | None:
        """Return the oldest run that was made under `key`."""
        return next(iter(self.find_runs(experiment_id, key)), None)

    def create_run(self, experiment_id: str, name: str, tags: Mapping[str, str]) -> Any:
        """Make a run, under the key that is among its tags."""

        def once() -> Any:
            return self._once(
                lambda: self._client.create_run(experiment_id, tags=dict(tags), run_name=name),
                lambda: self.find_run(experiment_id, tags[KEY]),
                name_of=lambda run: str(run.info.run_id),
            )

        return late.patiently(once, Reason.NOT_FOUND)

    def run(self, run_id: str) -> Any:
        """Return the run with this id."""
        with causes():
            return self._client.get_run(run_id)

    def run_behind(self, version: Any) -> Any:
        """Return the run of a version; without it, the version can never be confirmed again."""
        try:
            return self.run(version.run_id)
        except RejectedError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            raise UnconfirmedError(
                f"version {version.version} of {version.name} is there, and its run is gone",
                why=error.why,
                fix="delete this version, then run the job again: it makes a new one",
                reason=error.reason,
            ) from error

    def log(self, run: Any, metrics: Mapping[str, float], params: Mapping[str, str]) -> None:
        """Log into `run`; the fixed timestamp and step make it harmless to do so again."""
        run_id = run.info.run_id
        batch = points(metrics, run.info.start_time), texts(params)

        def find() -> bool | None:
            shown = self._client.get_run(run_id).data
            there = (
                metrics.items() <= shown.metrics.items() and params.items() <= shown.params.items()
            )
            return there or None

        self._once(lambda: self._client.log_batch(run_id, *batch), find, RACED)

    def complete(self, run_id: str) -> None:
        """Mark a run of ours as complete, and as FINISHED: at once, since each is a round trip."""
        ending = beside(lambda: self._client.set_terminated(run_id, "FINISHED"))
        with causes(), quiet(), ending:
            self._client.set_tag(run_id, STATE, COMPLETE)

    def give_up(self, run_id: str) -> None:
        """Mark a run of ours as FAILED, unless another job with the same key has finished it."""
        with causes(), quiet():
            if self._client.get_run(run_id).info.status != "FINISHED":
                self._client.set_terminated(run_id, "FAILED")

    def ensure_model(self, name: str) -> None:
        """Make the registered model `name`, unless it is there."""

        def find() -> str | None:
            return name if self.has_model(name) else None

        self._once(lambda: str(self._client.create_registered_model(name).name), find, name_of=str)

    def find_versions(self, name: str, key: str) -> list[Any]:
        """Return the versions of `name` that were made under `key`, the lowest first."""
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
        return sorted(mine, key=lambda version: int(version.version))

    def find_version(self, name: str, key: str) -> Any | None:
        """Return the lowest version of `name` that was made under `key`."""
        return next(iter(self.find_versions(name, key)), None)

    def first_version(self, key: str, made: Any) -> Any:
        """Return the lowest version under `key`, of which `made` was just now made.

        A registry that does not show that one yet may not show those of other jobs either.
        """
        for _ in late.looks():
            found = self.find_versions(made.name, key)
            if str(made.version) in {str(version.version) for version in found}:
                break
        return found[0] if found else made

    def has_model(self, name: str) -> bool:
        """Whether there is a registered model `name`."""
        return _is_there(lambda: self._client.get_registered_model(name))

    def create_version(self, name: str, tags: Mapping[str, str], **details: Any) -> Any:
        """Make a version, under the key that is among its tags, and its model if there is none.

        To make a model that is there takes a server the longer, the more versions it has.
        """
        given = {name: value for name, value in details.items() if value is not None}

        def make() -> Any:
            return self._client.create_model_version(
                name, tags=dict(tags), await_creation_for=0, **given
            )

        def once() -> Any:
            return self._once(
                make,
                lambda: self.find_version(name, tags[KEY]),
                name_of=lambda version: str(version.version),
            )

        def of_model() -> Any:
            try:
                return once()
            except (RejectedError, AuthError) as error:
                if error.reason not in _NO_MODEL:
                    raise
            self.ensure_model(name)
            return once()

        # MLflow calls it invalid to name a run that does not show.
        return late.patiently(of_model, Reason.NOT_FOUND, Reason.INVALID)

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
        with causes():
            self._direct.set_model_version_tag(name, version, tag, value)

    def remove_version(self, name: str, version: str) -> None:
        """Remove a version that lost a race, unless that was done."""

        def find() -> bool | None:
            return None if _is_there(lambda: self.version(name, version)) else True

        self._once(lambda: self._client.delete_model_version(name, version), find, RACED)

    def remove_run(self, run_id: str) -> None:
        """End and remove a run that lost a race, unless that was done."""

        def find() -> bool | None:
            return self._client.get_run(run_id).info.lifecycle_stage == "deleted" or None

        def remove() -> None:
            self._client.set_terminated(run_id, "KILLED")
            self._client.delete_run(run_id)

        self._once(remove, find, RACED)

    def point(self, name: str, alias: str, version: str) -> None:
        """Let `alias` name `version`, unless it names a newer one by now."""

        def find() -> bool | None:
            return self.aliased(name, alias) >= int(version) or None

        self._once(lambda: self._name(name, alias, version), find, RACED)

    def aliased(self, name: str, alias: str) -> int:
        """Return the version that `alias` names; 0 if none."""
        try:
            found = str(self.version_at(name, alias).version)
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


def _is_there(get: Callable[[], object]) -> bool:
    """Whether `get` finds what it asks for."""
    try:
        with causes():
            get()
    except RejectedError as error:
        if error.reason is Reason.NOT_FOUND:
            return False
        raise
    return True
