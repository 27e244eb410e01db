"""The database of a new local store: copied, where MLflow made one while this was installed.

The image is built with one. Without it each new store pays for MLflow's migrations: seconds of CPU.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from importlib import metadata
from pathlib import Path

from hokusai_register import keeping
from hokusai_register.registrars.client import make_database


def place() -> Path:
    """Return where the database of this MLflow is kept; another MLflow has other tables."""
    name = f"mlflow-{metadata.version('mlflow-skinny')}.db"
    return Path(sys.prefix) / "share" / "hokusai-register" / name


def fill(database: Path, artifacts: str) -> None:
    """Put MLflow's tables into a new file; `artifacts` is the URI that its own experiment gets."""
    try:
        shutil.copyfile(place(), database)
    except FileNotFoundError:
        make_database(f"sqlite:///{database}")
    # MLflow gives it the working directory of whoever came first, here a builder of images.
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE experiments SET artifact_location = ?", (f"{artifacts}/0",))


def main() -> None:
    """Let MLflow make the database that `fill` copies."""
    target = place()
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = keeping.beside(target)
    make_database(f"sqlite:///{scratch}")
    scratch.replace(target)
