"""Registers a model with a remote MLflow server, and says what it would do there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from hokusai_register.errors import Reason, RejectedError
from hokusai_register.http import beside
from hokusai_register.mlflow_plugin.by_uri import announce
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.model import Artifact, Attempt, Backend, Model, Receipt
from hokusai_register.register import Watcher
from hokusai_register.registrars import logged, terms
from hokusai_register.registrars.client import ahead
from hokusai_register.registrars.events import Announcer
from hokusai_register.registrars.registration import Registration
from hokusai_register.registrars.registry import Registry
from hokusai_register.registrars.shelf import Place


class RemoteMLflow:
    """The tracking server and model registry behind one connection."""

    def __init__(
        self,
        connection: Connection,
        watcher: Watcher,
        backend: Backend = Backend.MLFLOW,
        announcer: Announcer | None = None,
    ) -> None:
        self._connection = connection
        self._watcher = watcher
        self._backend = backend
        self._announcer = announcer

    def register(self, model: Model, _: Sequence[Attempt]) -> Receipt:
        """Register `model` and read it back."""
        with closing(self._connection):
            experiment = self._experiment(model)
            experiment_id = str(experiment["experiment_id"]) if experiment else ""
            with ahead(), beside(lambda: self._connection.refuse_prompt(model.name)):
                fresh = self._is_fresh(model, experiment_id)
            registration, given = self._prepare(model)
            registration.experiment_id, registration.fresh = experiment_id, fresh
            return registration.carry_out(given)

    def check(self, model: Model) -> tuple[str, ...]:
        """Say what `register` would do, and whether the login may do it."""
        with closing(self._connection):
            experiment = self._experiment(model)
            self._connection.ask_to_write()
            self._connection.refuse_prompt(model.name)
            registration, _ = self._prepare(model)
            verb = "would use" if experiment else "would create"
            return (f"{verb} the experiment {model.experiment}", *registration.foresee())

    def _experiment(self, model: Model) -> dict[str, Any] | None:
        self._watcher.step(f"asking {self._connection.http.where} (MLflow)")
        experiment = self._connection.probe(model.experiment)
        if experiment and experiment.get("lifecycle_stage") == "deleted":
            raise RejectedError(
                f"the experiment {model.experiment} was deleted",
                why="MLflow keeps its name and takes no runs for it",
                fix="restore it, or name another one in `experiment`",
                reason=Reason.CONFLICT,
            )
        return experiment

    def _is_fresh(self, model: Model, experiment_id: str) -> bool:
        """Whether nothing has the key yet; a server says so before MLflow's client is there."""
        if not isinstance(model.source, Artifact):
            return False
        key = model.key(model.source.digest)
        of_ours = "" if model.run_id else experiment_id
        return not self._connection.knows(terms.KEY, key, of_ours)

    def _prepare(self, model: Model) -> tuple[Registration, Artifact | Place]:
        announce(self._connection)
        registry = Registry(self._connection)
        given: Artifact | Place
        if isinstance(model.source, Artifact):
            given, digest = model.source, model.source.digest
        else:
            self._watcher.step(f"reading {model.source}")
            given = logged.locate(model.source, registry, self._connection)
            digest = logged.digest(given, self._connection)
        registration = Registration(
            model,
            digest,
            registry,
            self._watcher,
            backend=self._backend,
            announcer=self._announcer,
        )
        return registration, given
