"""Keeps a model on this machine: a bundle to register later, and an MLflow store to look at."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from hokusai_register import bundle, keeping
from hokusai_register.errors import LocalStoreError, RegisterError, RejectedError
from hokusai_register.files import Parcel
from hokusai_register.model import Artifact, Attempt, Backend, Model, Receipt
from hokusai_register.paths import of_url
from hokusai_register.register import Registrar, Watcher
from hokusai_register.registrars import template
from hokusai_register.registrars.client import schema
from hokusai_register.registrars.registration import Registration
from hokusai_register.registrars.registry import Registry


class LocalMLflow:
    """A directory of the workspace, and before it a local MLflow server, if one is running."""

    def __init__(
        self, database: Path, workspace: Path, server: Registrar | None, watcher: Watcher
    ) -> None:
        self._database, self._workspace = database, workspace
        self._store = database.parent
        self._server = server
        self._watcher = watcher

    def register(self, model: Model, tried: Sequence[Attempt]) -> Receipt:
        """Keep `model` here. The bundle comes first: it is what loses nothing."""
        files = _files_of(model)
        self._watcher.step(f"keeping the model in {self._store.name}")
        try:
            with keeping.disk(self._store):
                kept = bundle.keep(model, files, tried, self._store / "bundles")
            receipt = self._served(model, tried) or self._embedded(model, files, kept)
        finally:
            if self._store.exists():
                keeping.give_to(self._workspace, self._store)
        return replace(receipt, bundle=bundle.relative(kept, self._workspace))

    def check(self, model: Model) -> tuple[str, ...]:
        """Say where the model would be kept."""
        _files_of(model)
        return (f"would keep {model.name} on this machine, in {self._store.name}",)

    def _served(self, model: Model, tried: Sequence[Attempt]) -> Receipt | None:
        """Register with the local server; None if there is none, or if it cannot."""
        if self._server is None:
            return None
        try:
            return self._server.register(model, tried)
        except RegisterError as error:
            self._watcher.step(f"no local MLflow server: {error.what} ({error.reason})")
            return None

    def _embedded(self, model: Model, files: Artifact, kept: Path) -> Receipt:
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # with MLflow, and as late

        shelf = LocalFiles(self._database, kept / bundle.FILES)
        try:
            with keeping.disk(self._store):
                shelf.prepare()
                registry = Registry(shelf)
                experiment = registry.experiment(model.experiment)
                registration = Registration(
                    replace(model, run_id=""),
                    files.digest,
                    registry,
                    self._watcher,
                    experiment,
                    Backend.LOCAL,
                )
                return registration.carry_out(files)
        except (RegisterError, SQLAlchemyError) as error:
            path = bundle.relative(kept, self._workspace)
            failure = LocalStoreError(
                "the local MLflow store cannot be used",
                why=str(error).replace("\n", "; "),
                fix=f"the model itself is kept in {path}: "
                "register it later with `hokusai-register replay`",
            )
            failure.bundle = path
            raise failure from error


class LocalFiles:
    """A directory as a shelf: MLflow's database in it, and the artifacts beside."""

    def __init__(self, database: Path, kept: Path) -> None:
        self._database = database
        self._artifacts = database.parent / "artifacts"
        self._kept = kept
        self.uri = f"sqlite:///{self._database}"
        self.host = database.parent.name
        self.artifact_location: str | None = self._artifacts.as_uri()

    def prepare(self) -> None:
        """Make the database aside, so that a half-made one is never found under its name."""
        self._artifacts.mkdir(parents=True, exist_ok=True)
        keeping.sweep(self._artifacts, ".*.????????")
        keeping.sweep(self._database.parent, f".{self._database.name}.????????*")
        if self._database.exists():
            self._check()
            return
        scratch = keeping.beside(self._database)
        try:
            template.fill(scratch, self._artifacts.as_uri())
            keeping.sync(scratch)
            keeping.appear(scratch, self._database)
        finally:
            scratch.unlink(missing_ok=True)

    def _check(self) -> None:
        """Refuse tables of another MLflow: its users did not ask for a migration."""
        try:
            # Not "ro": SQLite has to take back what a killed step has written by half.
            uri = f"{self._database.as_uri()}?mode=rw"
            with closing(sqlite3.connect(uri, uri=True)) as database:
                found = database.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.Error as error:
            found, why = [], str(error)
        else:
            why = "another version of MLflow made it, and opening it here would change it"
        if found != [(schema(),)]:
            raise LocalStoreError(
                f"{self._database.name} cannot be used",
                why=why,
                fix="name another `local-store`",
            )

    def artifact_root(self, artifact_uri: str) -> str:
        """Return the path of an artifact URI, which lies below our artifacts."""
        path = Path(of_url(urlsplit(artifact_uri).path))
        if not path.is_relative_to(self._artifacts) or ".." in path.parts:
            raise LocalStoreError(
                f"{self.host} was made elsewhere",
                why=f"this experiment keeps its files in {path}, and this is {self._artifacts}",
                fix="name another `local-store`, or remove the one that was moved here",
            )
        return path.relative_to(self._artifacts).as_posix()

    def put(
        self, parcels: Sequence[Parcel], sent: Callable[[int], None], kept: Callable[[], object]
    ) -> None:
        """Link the files that the bundle keeps, or copy them where links are not to be had."""
        for parcel in parcels:
            self._put(parcel)
            sent(parcel.file.size)
            kept()

    def _put(self, parcel: Parcel) -> None:
        target = self._artifacts / parcel.path
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = keeping.beside(self._artifacts / "file")  # where no files are listed
        try:
            try:
                os.link(self._kept / parcel.file.path, scratch)
            except OSError:
                with scratch.open("xb") as copy:
                    copy.writelines(parcel.pieces())
            scratch.replace(target)
        finally:
            scratch.unlink(missing_ok=True)  # of two links to one file a renaming leaves both

    def files(self, path: str) -> dict[str, int]:
        """Return all files below `path` with their sizes in bytes."""
        top = self._artifacts / path
        found = (entry for entry in top.rglob("*") if entry.is_file())
        return {entry.relative_to(top).as_posix(): entry.stat().st_size for entry in found}

    def digest(self, path: str) -> tuple[str, int]:
        """Return the SHA-256 (hex) and the size (bytes) of the file at `path`."""
        target = self._artifacts / path
        with target.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest(), target.stat().st_size

    def page(self, _: str) -> str:
        """Return nothing: no server shows this store."""
        return ""


def _files_of(model: Model) -> Artifact:
    if isinstance(model.source, Artifact):
        return model.source
    raise RejectedError(
        "what is logged in a registry cannot be kept here",
        why=f"only the registry has the files of {model.source}",
        fix="give the files themselves, or run the job again when the registry is back",
    )
