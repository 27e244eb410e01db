"""Where an MLflow registry keeps the files of its models: a server's proxy, or a directory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hokusai_register.files import Parcel


class Shelf(Protocol):
    """A place for files, beside the registry that MLflow's client finds at `uri`."""

    @property
    def uri(self) -> str:
        """What MLflow's client is given as tracking and registry URI."""
        ...

    @property
    def host(self) -> str:
        """The name that people know the place by."""
        ...

    @property
    def artifact_location(self) -> str | None:
        """Where a new experiment keeps its artifacts; None if the server decides."""
        ...

    def artifact_root(self, artifact_uri: str) -> str:
        """Return the path that an artifact URI means here, or raise if it leads elsewhere."""
        ...

    def put(
        self, parcels: Sequence[Parcel], sent: Callable[[int], None], kept: Callable[[], object]
    ) -> None:
        """Keep all files; `kept` hears that one is, `sent` of bytes (and of those taken back)."""
        ...

    def files(self, path: str) -> dict[str, int]:
        """Return all files below `path` with their sizes in bytes."""
        ...

    def digest(self, path: str) -> tuple[str, int]:
        """Return the SHA-256 (hex) and the size (bytes) of the file at `path`."""
        ...

    def page(self, path: str) -> str:
        """Return the address of MLflow's page for `path`; blank if there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the files of a version are: the `source` for the registry, the path on its shelf."""

    source: str
    path: str
    run_id: str = ""
    model_id: str | None = None
