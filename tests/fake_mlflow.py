"""An MLflow server in a few dictionaries, and what many clients of it see at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from types import SimpleNamespace
from typing import Any, Never

from mlflow.exceptions import MlflowException

from hokusai_register.errors import (
    Reason,
    RegisterError,
    RejectedError,
    UnavailableError,
    UnconfirmedError,
)
from hokusai_register.files import Parcel

READS = ("get_", "search_", "files")
# The server looks, and then writes: who looked before the other wrote is refused.
INSERTS = ("log_batch", "set_registered_model_alias")


class Fate(Enum):
    """What becomes of one request."""

    DONE = "it is done and answered"
    DROPPED = "it never arrives"
    LOST = "it is done, and the answer gets lost"


def refuse(reason: Reason, said: str) -> Never:
    """Raise what our store raises when the server says no."""
    error = RejectedError("the server refuses this", why=said, fix="do not", reason=reason)
    raise MlflowException(said) from error


@dataclass
class Server:
    """What is kept, and MLflow's own calls on it as far as a registration needs them."""

    experiments: dict[str, str] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)
    versions: dict[str, Any] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    numbers: int = 0

    def active(self) -> list[Any]:
        """Return the runs that were not removed."""
        return [run for run in self.runs.values() if run.info.lifecycle_stage == "active"]

    def rows(self, name: str, run_id: str, *_: Any) -> set[str]:
        """Return the keys of the table that a call inserts into."""
        return set(self.runs[run_id].data.params if name == "log_batch" else self.aliases)

    def get_experiment_by_name(self, name: str) -> Any:
        found = self.experiments.get(name)
        return SimpleNamespace(experiment_id=found) if found else None

    def create_experiment(self, name: str, _: str | None) -> str:
        if name in self.experiments:
            refuse(Reason.CONFLICT, "there is such an experiment")
        return self.experiments.setdefault(name, "1")

    def search_runs(self, _: list[str], wanted: str, **__: Any) -> list[Any]:
        key = wanted.split("'")[1]
        return [run for run in self.active() if key in run.data.tags.values()]

    def create_run(self, experiment: str, tags: dict[str, str], run_name: str) -> Any:
        run_id = f"run{len(self.runs) + 1}"
        info = SimpleNamespace(
            run_id=run_id,
            run_name=run_name,
            experiment_id=experiment,
            artifact_uri=f"artifacts:/{run_id}",
            start_time=len(self.runs),
            status="RUNNING",
            lifecycle_stage="active",
        )
        data = SimpleNamespace(tags=tags, metrics={}, params={})
        self.runs[run_id] = SimpleNamespace(info=info, data=data)
        return self.runs[run_id]

    def get_run(self, run_id: str) -> Any:
        return self.runs[run_id]

    def log_batch(self, run_id: str, metrics: list[Any], params: list[Any]) -> None:
        data = self._writable(run_id).data
        data.metrics |= {metric.key: metric.value for metric in metrics}
        data.params |= {param.key: param.value for param in params}

    def set_tag(self, run_id: str, name: str, value: str) -> None:
        self._writable(run_id).data.tags[name] = value

    def set_terminated(self, run_id: str, status: str) -> None:
        self._writable(run_id).info.status = status

    def delete_run(self, run_id: str) -> None:
        self.runs[run_id].info.lifecycle_stage = "deleted"

    def create_registered_model(self, name: str) -> Any:
        if name in self.models:
            refuse(Reason.CONFLICT, "there is such a model")
        self.models.add(name)
        return SimpleNamespace(name=name)

    def get_registered_model(self, name: str) -> Any:
        if name not in self.models:
            refuse(Reason.NOT_FOUND, "there is no such model")
        return SimpleNamespace(name=name)

    def search_model_versions(self, wanted: str) -> list[Any]:
        key = wanted.split("'")[1]
        return [one for one in self.versions.values() if key in one.tags.values()]

    def create_model_version(self, name: str, tags: dict[str, str], **details: Any) -> Any:
        if name not in self.models:
            refuse(Reason.NOT_FOUND, "there is no such model")
        self.numbers += 1
        number = str(self.numbers)
        version = SimpleNamespace(name=name, version=number, tags=tags, status="READY", **details)
        self.versions[number] = version
        return version

    def get_model_version(self, _: str, number: str) -> Any:
        if number not in self.versions:
            refuse(Reason.NOT_FOUND, "there is no such version")
        aliases = [alias for alias, named in self.aliases.items() if named == int(number)]
        return SimpleNamespace(**vars(self.versions[number]), aliases=aliases)

    def delete_model_version(self, name: str, number: str) -> None:
        self.get_model_version(name, number)
        del self.versions[number]

    def set_registered_model_alias(self, name: str, alias: str, number: str) -> None:
        self.get_model_version(name, number)
        self.aliases[alias] = int(number)

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        if alias not in self.aliases:
            refuse(Reason.NOT_FOUND, "there is no such alias")
        return self.get_model_version(name, str(self.aliases[alias]))

    def _writable(self, run_id: str) -> Any:
        run = self.runs[run_id]
        if run.info.lifecycle_stage != "active":
            refuse(Reason.INVALID, "the run must be in the 'active' state")
        return run


@dataclass
class Client:
    """MLflow's client and its shelf of files; `turn` says what becomes of each request."""

    server: Server
    turn: Callable[[], Fate]
    wrote: list[str] = field(default_factory=list)  # what has an effect on the server
    host = "mlflow.test"
    artifact_location = None

    @property
    def uri(self) -> Client:
        """What `mlflow.MlflowClient` is made with, and is replaced by."""
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def asked(*args: Any, **given: Any) -> Any:
            return self._ask(name, lambda: getattr(self.server, name)(*args, **given), args)

        return asked

    def _get_registry_client(self) -> Client:
        return self

    def put(
        self, parcels: Sequence[Parcel], sent: Callable[[int], None], kept: Callable[[], object]
    ) -> None:
        for parcel in parcels:
            self._ask("put", partial(self.server.files.update, {parcel.path: parcel.file.size}), ())
            sent(parcel.file.size)
            kept()

    def files(self, path: str) -> dict[str, int]:
        top = f"{path}/"
        kept = self._ask("files", lambda: self.server.files, ())
        return {name.removeprefix(top): kept[name] for name in kept if name.startswith(top)}

    def artifact_root(self, uri: str) -> str:
        return uri.removeprefix("artifacts:/")

    def page(self, path: str) -> str:
        return path

    def _ask(self, name: str, do: Callable[[], Any], args: tuple[Any, ...]) -> Any:
        fate = self.turn()
        reads = name.startswith(READS)
        kind: type[RegisterError] = UnavailableError if reads else UnconfirmedError
        doubt = kind("the connection broke", why="a test says so", fix="look again")
        if fate is Fate.DROPPED:
            _break(name, doubt)
        if name in INSERTS:
            before = self.server.rows(name, *args)
            self.turn()
            if self.server.rows(name, *args) != before:
                refuse(Reason.INVALID, "UNIQUE constraint failed")
        if not reads:
            self.wrote.append(name)
        answer = copy.deepcopy(do())
        if fate is Fate.LOST:
            _break(name, doubt)
        return answer


def _break(name: str, doubt: RegisterError) -> Never:
    if name in ("put", "files"):
        raise doubt
    raise MlflowException(str(doubt)) from doubt
