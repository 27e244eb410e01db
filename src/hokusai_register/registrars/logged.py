"""What a training step already logged: found behind its URI, listed, and hashed where it is."""

from __future__ import annotations

import os
from typing import Any

from hokusai_register.artifact import tree_digest
from hokusai_register.errors import Reason, RejectedError
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.model import File
from hokusai_register.registrars.registry import Registry
from hokusai_register.registrars.shelf import Place


def locate(uri: str, registry: Registry, connection: Connection) -> Place:
    """Return where the files behind a `model-uri` are kept; raise if they are not there."""
    scheme, _, rest = uri.partition(":/")
    head, _, tail = rest.strip("/").partition("/")
    name, at, alias = head.partition("@")
    if scheme == "runs":
        place = _of_run(head, tail, registry, connection)
    elif at:
        place = _of_version(registry.version_at(name, alias), registry, connection)
    elif tail:
        place = _of_version(registry.version(head, tail), registry, connection)
    else:
        model = registry.logged_model(head)
        place = _of_logged_model(model, str(model.source_run_id or ""), connection)
    if not connection.listing(place.path):
        raise _absent(uri, connection.host)
    return place


def digest(place: Place, connection: Connection) -> str:
    """Return the tree digest of what is stored there, read through once and not kept."""
    files = []
    for name in sorted(connection.files(place.path), key=os.fsencode):
        sha256, size = connection.digest(f"{place.path}/{name}")
        files.append(File(name, size, sha256))
    return tree_digest(files)


def _of_run(run_id: str, path: str, registry: Registry, connection: Connection) -> Place:
    run = registry.run(run_id)
    source = f"{run.info.artifact_uri}/{path}"
    kept_at = connection.artifact_root(source)
    if connection.listing(kept_at):
        return Place(source=source, path=kept_at, run_id=run_id)
    models = registry.logged_models(run.info.experiment_id, run_id, path)
    if not models:
        raise _absent(f"runs:/{run_id}/{path}", connection.host)
    return _of_logged_model(models[-1], run_id, connection)


def _of_version(version: Any, registry: Registry, connection: Connection) -> Place:
    source, run_id = str(version.source), str(version.run_id or "")
    if source.startswith("models:/"):
        model_id = source.removeprefix("models:/")
        return _of_logged_model(registry.logged_model(model_id), run_id, connection)
    if source.startswith("runs:/"):
        head, _, tail = source.removeprefix("runs:/").partition("/")
        return _of_run(head, tail, registry, connection)
    return Place(source=source, path=connection.artifact_root(source), run_id=run_id)


def _of_logged_model(model: Any, run_id: str, connection: Connection) -> Place:
    return Place(
        source=f"models:/{model.model_id}",
        path=connection.artifact_root(model.artifact_location),
        run_id=run_id,
        model_id=str(model.model_id),
    )


def _absent(uri: str, host: str) -> RejectedError:
    return RejectedError(
        f"{host} has no files at {uri}",
        why="the list of that directory is empty",
        fix="check the run id and the path that the training step logged the model under",
        reason=Reason.NOT_FOUND,
    )
