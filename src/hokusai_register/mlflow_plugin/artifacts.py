"""Artifacts through the server's proxy: names escaped exactly, bytes streamed, no redirects."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable
from inspect import signature
from pathlib import Path

from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository, verify_artifact_path
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from mlflow.tracking._tracking_service.utils import get_tracking_uri

from hokusai_register.errors import TrustError
from hokusai_register.fields import PLUGIN_SCHEME
from hokusai_register.files import Parcel
from hokusai_register.mlflow_plugin.by_uri import connection_for
from hokusai_register.model import File


def repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> ArtifactRepository:
    """Return our repository for our tracking URIs, and MLflow's own for all others."""
    tracking_uri = tracking_uri or get_tracking_uri()
    if tracking_uri.startswith(PLUGIN_SCHEME):
        return ProxiedArtifacts(artifact_uri, tracking_uri, registry_uri)
    return MlflowArtifactsRepository(*_known(artifact_uri, tracking_uri, registry_uri))


def http_repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> ArtifactRepository:
    """Return MLflow's own repository for a URL, but ours for the server that we are connected to.

    A run of that server that names another host as its store must not take the model there.
    """
    tracking_uri = tracking_uri or get_tracking_uri()
    if not tracking_uri.startswith(PLUGIN_SCHEME):
        return HttpArtifactRepository(*_known(artifact_uri, tracking_uri, registry_uri))
    try:
        return ProxiedArtifacts(artifact_uri, tracking_uri, registry_uri)
    except TrustError as error:
        return ReadOnlyArtifacts(artifact_uri, error)


class ReadOnlyArtifacts(HttpArtifactRepository):  # type: ignore[misc]  # MLflow is not typed here
    """A URL that anybody may download from, and that gets nothing from us."""

    def __init__(self, artifact_uri: str, refusal: TrustError) -> None:
        super().__init__(artifact_uri)
        self._refusal = refusal

    def log_artifact(self, *_: object, **__: object) -> None:
        """Raise the refusal."""
        raise self._refusal

    log_artifacts = log_artifact


class ProxiedArtifacts(ArtifactRepository):  # type: ignore[misc]  # MLflow is not typed here
    """The artifacts below one `mlflow-artifacts:` URI of a server that we are connected to."""

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> None:
        super().__init__(*_known(artifact_uri, tracking_uri, registry_uri))
        self._connection = connection_for(tracking_uri or get_tracking_uri())
        self._root = self._connection.artifact_root(artifact_uri)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Upload one file into the directory `artifact_path`."""
        self._put([(Path(local_file), artifact_path)])

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Upload all files of a directory into the directory `artifact_path`, several at once."""
        top = Path(local_dir)
        found = []
        for path in sorted(p for p in top.rglob("*") if p.is_file()):
            parent = path.parent.relative_to(top).as_posix()
            inside = posixpath.normpath(posixpath.join(artifact_path or "", parent))
            found.append((path, None if inside == "." else inside))
        self._put(found)

    def _put(self, found: Iterable[tuple[Path, str | None]]) -> None:
        parcels = [self._parcel(local, directory) for local, directory in found]
        self._connection.put(parcels, lambda _: None, lambda: None)

    def _parcel(self, local: Path, directory: str | None) -> Parcel:
        verify_artifact_path(directory)
        with local.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        file = File(local.name, local.stat().st_size, digest)
        return Parcel(self._below(directory, local.name), file, lambda: local.open("rb"))

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """List a directory; the paths are relative to the root of this repository."""
        entries = self._connection.listing(self._below(path))
        found = []
        for entry in entries:
            name = posixpath.basename(str(entry["path"]))
            full = posixpath.join(path, name) if path else name
            size = None if entry.get("is_dir") else int(entry.get("file_size") or 0)
            found.append(FileInfo(full, bool(entry.get("is_dir")), size))
        return sorted(found, key=lambda info: info.path)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Remove a file or a directory."""
        self._connection.delete(self._below(artifact_path))

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self._connection.fetch(self._below(remote_file_path), Path(local_path))

    def _below(self, *parts: str | None) -> str:
        return posixpath.join(self._root, *(part for part in parts if part))


def _known(*uris: str | None) -> tuple[str | None, ...]:
    """Return what a repository of this MLflow is made from: before 3.0, of its own URI alone."""
    taken = signature(ArtifactRepository.__init__).parameters
    return uris if "tracking_uri" in taken else uris[:1]
