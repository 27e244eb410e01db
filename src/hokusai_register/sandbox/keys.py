"""The sandbox's API keys: made once, shown once, kept only as a hash."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hokusai_register.sandbox.database import Database, now

# What the service accepts (its auth middleware): `model:write` alone does not open the registry.
REGISTRY_ADMIN = frozenset({"admin", "mlflow:admin", "registry:admin", "model-registry:admin"})
WRITE = frozenset(
    {
        *("model:write", "mlflow:write", "mlflow:access"),
        *("admin", "mlflow:admin", "write", "full_access"),
    }
)

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43  # of 62 letters: 256 bits
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created TEXT NOT NULL,
    revoked TEXT
)
"""
_BALANCES = """
CREATE TABLE IF NOT EXISTS balances (
    key_id INTEGER PRIMARY KEY,
    events INTEGER NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known about a key; the key itself is not."""

    id: int
    name: str
    scopes: tuple[str, ...]
    created: str
    revoked: str | None = None

    @property
    def opens_registry(self) -> bool:
        """Whether the MLflow paths answer to it."""
        return not REGISTRY_ADMIN.isdisjoint(self.scopes)

    @property
    def may_write(self) -> bool:
        """Whether it may store baselines."""
        return not WRITE.isdisjoint(self.scopes)


class Keys:
    """The keys in one SQLite file; safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, _SCHEMA)
        Database(path, _BALANCES)

    def create(self, scopes: Sequence[str], name: str = "", balance: int | None = None) -> str:
        """Store a new key and return it; nobody can ask for it again.

        `balance` is the number of events that it can pay for, None any number.
        """
        key = "hk_test_" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        with self._database.connect() as connection:
            made = connection.execute(
                "INSERT INTO keys (hash, name, scopes, created) VALUES (?, ?, ?, ?)",
                (_hash(key), name, json.dumps(sorted(set(scopes))), now()),
            )
            if balance is not None:
                connection.execute("INSERT INTO balances VALUES (?, ?)", (made.lastrowid, balance))
        return key

    def find(self, key: str) -> Key | None:
        """Return the record of a key that is in force."""
        with self._database.connect() as connection:
            row = connection.execute(
                "SELECT * FROM keys WHERE hash = ? AND revoked IS NULL", (_hash(key),)
            ).fetchone()
        return _key(row) if row else None

    def pay(self, key_id: int, events: int) -> bool:
        """Take the price of so many events; whether there was anything left before."""
        with self._database.connect() as connection:
            paid = connection.execute(
                "UPDATE balances SET events = events - ? WHERE key_id = ? AND events > 0",
                (events, key_id),
            )
            known = connection.execute("SELECT 1 FROM balances WHERE key_id = ?", (key_id,))
            return paid.rowcount == 1 or known.fetchone() is None

    def list(self) -> list[Key]:
        """Return all records, revoked ones too, oldest first."""
        with self._database.connect() as connection:
            return [_key(row) for row in connection.execute("SELECT * FROM keys ORDER BY id")]

    def revoke(self, key_id: int) -> bool:
        """Put a key out of force; return whether it was in force."""
        with self._database.connect() as connection:
            changed = connection.execute(
                "UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (now(), key_id)
            )
            return changed.rowcount == 1


def _hash(key: str) -> str:
    # A plain fast hash is enough: 256 random bits cannot be guessed, so there is nothing for a
    # slow one to slow down. Presented keys may hold anything that a header can.
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _key(row: sqlite3.Row) -> Key:
    scopes = tuple(json.loads(row["scopes"]))
    return Key(row["id"], row["name"], scopes, row["created"], row["revoked"])
