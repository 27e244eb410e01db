"""The doors: where inputs come from and where results go. Only here something is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hokusai_register.artifact import Roots
from hokusai_register.model import Report, Secret
from hokusai_register.register import Watcher


@dataclass(frozen=True, slots=True)
class Request:
    """What came in: the inputs by name, the environment, and where files may lie."""

    raw: Mapping[str, str]
    environ: Mapping[str, str]
    roots: Roots


class Host(Watcher, Protocol):
    """What runs us: a GitHub runner, or a person at a terminal."""

    def read(self) -> Request:
        """Return the request, and leave no credential in the environment."""
        ...

    def mask(self, secrets: Iterable[Secret]) -> None:
        """Keep these out of everything that is shown or written from now on."""
        ...

    def publish(self, report: Report) -> bool:
        """Show the report; return False if a place that waits for it could not be written."""
        ...
