"""A SQLite file that several threads and processes write at the same time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path


class Database:
    """One file and its schema; every use opens a connection of its own."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        path.touch(mode=0o600)  # SQLite gives its journal the rights of this file
        # No write-ahead log: switching to it fails when two processes do it at the same moment.
        with self.connect() as connection:
            connection.execute(schema)

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """Give a connection; commit at the end, roll back on an error."""
        with closing(sqlite3.connect(self._path, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            with connection:
                yield connection


def now() -> str:
    """Return the time as ISO 8601 in UTC, with `Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
