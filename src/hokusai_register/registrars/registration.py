"""One registration under one key in an MLflow registry, remote or local: made once, read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hokusai_register.errors import (
    IncompleteError,
    RegisterError,
    RejectedError,
    UnconfirmedError,
)
from hokusai_register.http import beside
from hokusai_register.model import Artifact, Backend, Model, Receipt
from hokusai_register.register import Watcher
from hokusai_register.registrars import names, readback, terms
from hokusai_register.registrars.doubles import Doubles
from hokusai_register.registrars.events import Announcer, Event, VersionTag
from hokusai_register.registrars.registry import Registry
from hokusai_register.registrars.shelf import Place, Shelf
from hokusai_register.registrars.uploading import Upload
from hokusai_register.tokenized import Announcement


@dataclass
class Registration:
    """One registration under one key.

    `fresh` says whether nothing had the key when the registry was asked a moment ago.
    `ours` is the id of the run that was made for it, `making` the experiment in which one may
    have been made; `begun` says whether the registry holds anything of it, `crowded` whether it
    holds more than one run.
    """

    model: Model
    digest: str
    registry: Registry
    watcher: Watcher
    experiment_id: str = ""
    backend: Backend = Backend.MLFLOW
    announcer: Announcer | None = None
    fresh: bool = False
    ours: str = ""
    making: str = ""
    begun: bool = False
    crowded: bool = False
    remarks: list[str] = field(default_factory=list)

    @property
    def shelf(self) -> Shelf:
        """Where the registry keeps its files."""
        return self.registry.shelf

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.model.key(self.digest)

    def carry_out(self, given: Artifact | Place) -> Receipt:
        """Find what stands there already, or make it; show it only after it was read back."""
        with self._one_outcome():
            found = [] if self.fresh else self.registry.find_versions(self.model.name, self.key)
            version, created = (found[0], False) if found else self._make(given)
            self.begun = True
            if not created:
                self._catch_up(version)
            receipt = self._confirm(version, created=created)
            if found or self.crowded:
                doubles = Doubles(self.registry, version, self.key)
                self.remarks += doubles.tidy(found[1:], self.experiment_id)
            return replace(receipt, remarks=tuple(self.remarks))

    def _make(self, given: Artifact | Place) -> tuple[Any, bool]:
        """Return the version that has the key now, and whether it is the one made here."""
        made = None
        try:
            made = self._create(given)
            self.begun = True
        except RejectedError:
            # Who loses a race takes its run away, and another job may have been at work in it.
            winner = self._faster()
            if winner is None:
                raise
        else:
            winner = self.registry.first_version(self.key, made)
        if made is None or str(made.version) != str(winner.version):
            self._withdraw(made, winner)
            return winner, False
        with beside(self._complete):
            if self.model.alias:
                self.registry.point(self.model.name, self.model.alias, winner.version)
        return winner, True

    def _complete(self) -> None:
        if self.ours:
            self.registry.complete(self.ours)

    def _create(self, given: Artifact | Place) -> Any:
        place = self._uploaded(given) if isinstance(given, Artifact) else self._logged(given)
        name = self.model.name
        self.watcher.step(f"creating a version of {name}")
        return self.registry.create_version(
            name,
            terms.version_tags(self.model, self.digest)
            | terms.token_tags(self.model, place.run_id),
            source=place.source,
            run_id=place.run_id or None,
            model_id=place.model_id,
            description=self.model.description or None,
        )

    def _faster(self) -> Any | None:
        """Return the version that another job has made meanwhile, if the server can tell."""
        try:
            return self.registry.find_version(self.model.name, self.key)
        except RegisterError:
            return None

    def foresee(self) -> tuple[str, ...]:
        """Say what `carry_out` would do, without doing it."""
        name = self.model.name
        version = self.registry.find_version(name, self.key)
        event = self._announcing(version.tags.get(terms.EVENT, "") if version else "")
        if version is not None:
            return (f"the same registration is there already: version {version.version}", *event)
        there = self.registry.has_model(name)
        taken = f"the model {name} is there" if there else f"the name {name} is free"
        return (taken, f"would register a new version of {name}", *event)

    def _announcing(self, recorded: str) -> tuple[str, ...]:
        if self.announcer and self.model.token:
            return (self.announcer.foresee(self.model.token, recorded),)
        return ()

    @contextmanager
    def _one_outcome(self) -> Iterator[None]:
        """Close our run when it cannot be finished, and let no other backend be tried after it."""
        finished = False
        try:
            yield
            finished = True
        except RegisterError as error:
            if isinstance(error, UnconfirmedError) or not self.begun:
                raise
            raise IncompleteError(
                error.what,
                why=f"{error.why}; a part of the registration is there already",
                fix=f"{error.fix}; run the job again: it goes on where this one stopped",
                reason=error.reason,
            ) from error
        finally:
            if not finished:
                self._close()

    def _close(self) -> None:
        """Leave no run of ours RUNNING, if the server can still be reached."""
        with suppress(RegisterError):  # the failure that led here is the one to report
            run_id = self.ours
            if not run_id and self.making:
                run = self.registry.find_run(self.making, self.key)
                run_id = str(run.info.run_id) if run else ""
            if run_id:
                self.registry.give_up(run_id)

    def _uploaded(self, artifact: Artifact) -> Place:
        names.check(artifact)
        run, directory = self._run()
        run_id, uri = str(run.info.run_id), str(run.info.artifact_uri)
        path = f"{self.shelf.artifact_root(uri)}/{directory}"
        log = self._log(run)
        count = len(artifact.files)
        self.watcher.step(f"uploading {count} file{'s' * (count != 1)} to run {run_id}")
        extra = terms.mlmodel(run_id, self.key)
        with beside(log):
            Upload(artifact, extra, self.shelf, path).carry_out(self.watcher, self._begin)
        return Place(source=f"{uri}/{directory}", path=path, run_id=run_id)

    def _begin(self) -> None:
        self.begun = True

    def _run(self) -> tuple[Any, str]:
        """Return the run to attach to, and the directory in it; ours unless the user names one."""
        if self.model.run_id:
            return self.registry.run(self.model.run_id), f"hokusai-{self.digest[:12]}"
        key, experiment = self.key, self.experiment_id
        looked = self.fresh or not experiment
        runs = [] if looked else self.registry.find_runs(experiment, key)
        self.crowded = len(runs) > 1
        if runs:
            run = runs[0]
        else:
            experiment = experiment or self.registry.experiment(self.model.experiment)
            tags = terms.run_tags(self.model, self.digest)
            self.making = experiment
            run = self.registry.create_run(experiment, f"register {self.model.name}", tags)
        self.ours, self.begun = str(run.info.run_id), True
        return run, "model"

    def _logged(self, place: Place) -> Place:
        if self.model.token and not place.run_id:
            raise RejectedError(
                f"{self.model.source} cannot become a tokenized registration",
                why="the service wants to know its MLflow run, and there is none",
                fix="log the model in a run, and give that as `model-uri`: runs:/RUN/PATH",
            )
        if place.run_id:
            self._log(self.registry.run(place.run_id))()
        else:
            self.remarks.append("no run belongs to this model: its metrics are kept as a digest")
        return place

    def _log(self, run: Any) -> Callable[[], None]:
        """Return what logs the metrics and params that `run` lacks; refuse to contradict it."""
        metrics = terms.lacking(run, self.model.metrics, run.data.metrics)
        params = terms.lacking(run, self.model.params, run.data.params)

        def log() -> None:
            if metrics or params:
                self.registry.log(run, metrics, params)
                self.begun = True

        return log

    def _withdraw(self, made: Any | None, winner: Any) -> None:
        """Take back what lost a race against the same registration in another job."""
        doubles = Doubles(self.registry, winner, self.key)
        self.remarks += doubles.withdraw(made, self.ours, self.making)
        self.ours = self.making = ""

    def _catch_up(self, version: Any) -> None:
        """Finish what an interrupted attempt left undone behind its version."""
        if version.run_id and version.run_id != self.model.run_id:
            run = self.registry.run_behind(version)
            tags = run.data.tags
            ours = tags.get(terms.KEY) == version.tags.get(terms.KEY)
            state = run.info.status, tags.get(terms.STATE)
            if ours and state != ("FINISHED", terms.COMPLETE):
                self.registry.complete(version.run_id)
        if self.model.alias:
            self._point(version)

    def _point(self, version: Any) -> None:
        """Move the alias, forward only: a late re-run must not take it from a newer version."""
        newest = self.registry.aliased(self.model.name, self.model.alias)
        if newest < int(version.version):
            self.registry.point(self.model.name, self.model.alias, version.version)

    def _confirm(self, version: Any, *, created: bool) -> Receipt:
        """Read the version back. It is there: no other backend may be tried if this fails."""
        self.watcher.step(f"reading back version {version.version}")
        try:
            return self._read_back(version, created=created)
        except UnconfirmedError:
            raise
        except RegisterError as error:
            raise UnconfirmedError(
                f"version {version.version} of {self.model.name} is there, and cannot be read back",
                why=f"{error.what}: {error.why}",
                fix="run the job again: it finds this version, and reads it back",
                reason=error.reason,
            ) from error

    def _read_back(self, version: Any, *, created: bool) -> Receipt:
        ours = created and bool(self.ours)
        shown, run = readback.version_and_run(
            self.model, self.digest, version, self.registry, ours=ours
        )
        run_url = ""
        if run:
            path = f"experiments/{run.info.experiment_id}/runs/{shown.run_id}"
            run_url = self.shelf.page(path)
        if isinstance(self.model.source, Artifact) and not created:
            extra = terms.mlmodel(shown.run_id, self.key)
            root = self.shelf.artifact_root(shown.source)
            readback.files(self.shelf, root, readback.sizes(self.model.source, extra))
        return Receipt(
            backend=self.backend,
            host=self.shelf.host,
            created=created,
            digest=self.digest,
            model_version=str(shown.version),
            model_uri=f"models:/{shown.name}/{shown.version}",
            run_id=shown.run_id or "",
            run_url=run_url,
            event=self._announced(shown),
        )

    def _announced(self, shown: Any) -> Announcement | None:
        """Announce what was read back, if that is asked for."""
        if not (self.announcer and self.model.token):
            return None
        event = Event.of(shown, self.model.token, terms.proposal(self.model))
        ledger = VersionTag(self.registry, event.model_name, event.version)
        return self.announcer.announce(event, ledger)
