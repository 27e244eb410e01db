"""A registry that is none: it remembers what was registered while the program runs, and no longer.

Its numbers begin with `simulated-`, so that none is taken for a version of the real registry.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from hokusai_register.errors import Reason, RejectedError
from hokusai_register.registrars.catalog import Version


class Versions(Protocol):
    """Where versions are found and looked after: an MLflow registry, or a simulation."""

    def search(self, name: str = "", tags: Mapping[str, str] | None = None) -> list[Version]:
        """Return the versions of the model `name` (blank: any) that have all of `tags`."""
        ...

    def get(self, name: str, number: str) -> Version:
        """Return one version; raises RejectedError (not-found) if there is none."""
        ...

    def named(self, name: str, alias: str) -> Version | None:
        """Return the version that an alias names; None if there is none."""
        ...

    def move(self, name: str, alias: str, number: str) -> None:
        """Let an alias name this version."""
        ...

    def retag(self, name: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""
        ...

    def remove_version(self, name: str, version: str) -> None:
        """Remove a version."""
        ...


class Simulation:
    """Versions that exist in this object only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, str], Version] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._made = 0

    def add(self, name: str, tags: Mapping[str, str], run_id: str = "") -> Version:
        """Remember one more version of the model `name`."""
        with self._lock:
            self._made += 1
            version = Version(
                name=name,
                number=f"simulated-{self._made}",
                tags=dict(tags),
                run_id=run_id,
                created=datetime.now(UTC),
            )
            self._versions[name, version.number] = version
            return version

    def search(self, name: str = "", tags: Mapping[str, str] | None = None) -> list[Version]:
        """Return the versions of the model `name` (blank: any) that have all of `tags`."""
        with self._lock:
            return [found for found in self._versions.values() if found.matches(name, tags or {})]

    def get(self, name: str, number: str) -> Version:
        """Return one version; raises RejectedError (not-found) if there is none."""
        with self._lock:
            return self._found(name, number)

    def named(self, name: str, alias: str) -> Version | None:
        """Return the version that an alias names; None if there is none."""
        with self._lock:
            return self._versions.get((name, self._aliases.get((name, alias), "")))

    def move(self, name: str, alias: str, number: str) -> None:
        """Let an alias name this version."""
        with self._lock:
            self._aliases[name, alias] = self._found(name, number).number

    def retag(self, name: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""
        with self._lock:
            found = self._found(name, number)
            self._versions[name, number] = replace(found, tags={**found.tags, **tags})

    def remove_version(self, name: str, version: str) -> None:
        """Remove a version."""
        with self._lock:
            self._found(name, version)
            del self._versions[name, version]

    def _found(self, name: str, number: str) -> Version:
        found = self._versions.get((name, number))
        if found is None:
            raise RejectedError(
                f"the simulation has no version {number} of {name}",
                why="it knows only what this very ModelRegistry has registered",
                fix="register it first, or turn HOKUSAI_MOCK_MODE off",
                reason=Reason.NOT_FOUND,
            )
        return found
