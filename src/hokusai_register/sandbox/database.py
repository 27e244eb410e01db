"""A SQLite file that several threads and processes write at the same time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_NEWEST = 100


class KeyReusedError(Exception):
    """The Idempotency-Key belongs to another body."""


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

    def newest(
        self, table: str, column: str, filters: Mapping[str, str], known: Iterable[str]
    ) -> list[dict[str, Any]]:
        """Return the JSON of the newest rows that match those of `filters` that are `known`."""
        wanted = {name: filters[name] for name in known if name in filters}
        where = " AND ".join(f"{name} = :{name}" for name in wanted) or "TRUE"
        # All names come from our own code, the values are bound.
        query = f"SELECT {column} FROM {table} WHERE {where} ORDER BY id DESC LIMIT {_NEWEST}"  # noqa: S608
        with self.connect() as connection:
            return [json.loads(row[column]) for row in connection.execute(query, wanted)]


def now() -> str:
    """Return the time as ISO 8601 in UTC, with `Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
