"""Fills an MLflow server's SQLite database with copies of what was registered once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def multiply(database: Path, name: str, count: int) -> None:
    """Let a registered model with version 1 have `count` versions, each with a run and all tags."""
    with closing(sqlite3.connect(database, timeout=60)) as store, store:
        store.create_function("other", 2, lambda text, number: f"{number:08x}{text[8:]}")
        run_of = "(SELECT run_id FROM model_versions WHERE name = :name AND version = 1)"
        # The key of a registration is what is looked for: each of the copies has its own.
        key = "CASE key WHEN 'hokusai.idempotency_key' THEN other(value, n) ELSE value END"
        for table, which, new in (
            ("runs", f"run_uuid = {run_of}", {"run_uuid": "other(run_uuid, n)"}),
            ("tags", f"run_uuid = {run_of}", {"run_uuid": "other(run_uuid, n)", "value": key}),
            (
                "model_versions",
                "name = :name AND version = 1",
                {"version": "n", "run_id": "other(run_id, n)"},
            ),
            ("model_version_tags", "name = :name AND version = 1", {"version": "n", "value": key}),
        ):
            columns = [str(row[1]) for row in store.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(new.get(column, column) for column in columns)
            store.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers"  # noqa: S608
                f" WHERE n < :count) INSERT INTO {table} ({', '.join(columns)})"
                f" SELECT {values} FROM {table}, numbers WHERE {which} AND :count > 1",
                {"name": name, "count": count},
            )
