"""The sandbox's baselines: which version of which model was registered, with which metrics."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hokusai_register.model import canonical, sha256_hex
from hokusai_register.sandbox.database import Database, KeyReusedError, now

FILTERS = ("model_id", "version", "idempotency_key")

# An idempotency key is unique among all API keys: a job that repeats its request with another
# key of the same owner is still the same job.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS baselines (
    id INTEGER PRIMARY KEY,
    model_id TEXT NOT NULL,
    version TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    request TEXT NOT NULL,
    answer TEXT NOT NULL,
    UNIQUE (model_id, version)
)
"""


class VersionExistsError(Exception):
    """The model has this version already."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored baseline as the service answers it, and whether it stood there before."""

    answer: Mapping[str, Any]
    replayed: bool


class Baselines:
    """The baselines in one SQLite file; safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA)

    def record(self, request: Mapping[str, Any], idempotency_key: str | None = None) -> Recorded:
        """Store a checked request once, however often it is sent with one idempotency key."""
        digest = sha256_hex(canonical(request))
        with self._database.connect() as connection:
            # From here on there is no other writer, so looking and storing are one step.
            connection.execute("BEGIN IMMEDIATE")
            known = connection.execute(
                "SELECT request, answer FROM baselines WHERE idempotency_key = ?",
                (idempotency_key,),
            ).fetchone()
            if known is None:
                answer = _answer(connection, request, idempotency_key)
                _insert(connection, answer, digest)
                return Recorded(answer, replayed=False)
        if known["request"] != digest:
            raise KeyReusedError
        return Recorded(json.loads(known["answer"]), replayed=True)

    def find(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the newest baselines that match all of `filters`, newest first."""
        return self._database.newest("baselines", "answer", filters, FILTERS)


def _answer(
    connection: sqlite3.Connection, request: Mapping[str, Any], idempotency_key: str | None
) -> dict[str, Any]:
    model_id = request.get("model_id") or uuid.uuid4().hex
    answer = {
        "model_id": model_id,
        "model_type": request["model_type"],
        "version": request.get("version") or _next_version(connection, model_id),
        "timestamp": now(),
        "mlflow_run_id": request.get("mlflow_run_id"),
        "metrics": request.get("metrics"),
        "metadata": request.get("metadata") or {},
        "idempotency_key": idempotency_key,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _next_version(connection: sqlite3.Connection, model_id: str) -> str:
    rows = connection.execute("SELECT version FROM baselines WHERE model_id = ?", (model_id,))
    taken = {row["version"] for row in rows}
    number = len(taken) + 1
    while str(number) in taken:
        number += 1
    return str(number)


def _insert(connection: sqlite3.Connection, answer: Mapping[str, Any], digest: str) -> None:
    values = (
        answer["model_id"],
        answer["version"],
        answer.get("idempotency_key"),
        digest,
        json.dumps(answer),
    )
    try:
        connection.execute(
            "INSERT INTO baselines (model_id, version, idempotency_key, request, answer)"
            " VALUES (?, ?, ?, ?, ?)",
            values,
        )
    except sqlite3.IntegrityError as error:
        raise VersionExistsError(f"Version {values[1]} of {values[0]} already exists") from error
