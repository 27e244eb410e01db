"""The sandbox's directory: what lies where, readable by its owner only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """The directory that everything of one sandbox is in."""

    directory: Path

    @property
    def keys(self) -> Path:
        """The database of keys."""
        return self.directory / "keys.db"

    @property
    def baselines(self) -> Path:
        """The database of baselines."""
        return self.directory / "baselines.db"

    @property
    def events(self) -> Path:
        """The database of events."""
        return self.directory / "events.db"

    def make(self) -> None:
        """Create the directory; one that is there already keeps its rights."""
        if self.directory.exists():
            return
        self.directory.mkdir(mode=0o700, parents=True)
        (self.directory / ".gitignore").write_text("*\n", encoding="utf-8")
