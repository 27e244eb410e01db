"""The sandbox's events: each row is a webhook that the service would have sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hokusai_register.model import canonical, sha256_hex
from hokusai_register.sandbox.database import Database, KeyReusedError, now
from hokusai_register.sandbox.limit import PerMinute
from hokusai_register.tokens import METRICS, baseline, metric_name

FILTERS = ("model_name", "version", "token_id", "idempotency_key")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY,
    model_name TEXT NOT NULL,
    version TEXT NOT NULL,
    token_id TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    request TEXT NOT NULL,
    event TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Whether the service says that it passed the event on, and whether it stood there before."""

    emitted: bool
    replayed: bool


class Events:
    """The events in one SQLite file; safe to use from several threads and processes."""

    def __init__(self, path: Path, limit: PerMinute | None = None) -> None:
        self.limit = limit or PerMinute()
        self._database = Database(path, _SCHEMA)

    def record(self, request: Mapping[str, Any], idempotency_key: str | None = None) -> Delivered:
        """Store a checked request, once for each idempotency key, if the service would send it."""
        if not _passes(request):
            return Delivered(emitted=False, replayed=False)
        # The service computes an improvement after its webhook is out, and divides by this.
        emitted = request["baseline_value"] != 0
        digest = sha256_hex(canonical(request))
        with self._database.connect() as connection:
            # From here on there is no other writer, so looking and storing are one step.
            connection.execute("BEGIN IMMEDIATE")
            known = connection.execute(
                "SELECT request FROM events WHERE idempotency_key = ?", (idempotency_key,)
            ).fetchone()
            if known is None:
                event = {**request, "idempotency_key": idempotency_key, "timestamp": now()}
                names = (request[name] for name in ("model_name", "version", "token_id"))
                connection.execute(
                    "INSERT INTO events"
                    " (model_name, version, token_id, idempotency_key, request, event)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (*names, idempotency_key, digest, json.dumps(event)),
                )
                return Delivered(emitted, replayed=False)
        if known["request"] != digest:
            raise KeyReusedError
        return Delivered(emitted, replayed=True)

    def find(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the newest events that match all of `filters`, newest first."""
        return self._database.newest("events", "event", filters, FILTERS)


def _passes(request: Mapping[str, Any]) -> bool:
    """Whether the service takes the values: never less than the baseline, not of errors either."""
    try:
        metric = metric_name(request["metric_name"])
        least = baseline(metric, request["baseline_value"])
    except ValueError:
        return False
    return bool(least <= request["current_value"] <= METRICS[metric].greatest)
