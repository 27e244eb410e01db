"""A server that reads from a replica of its database, which shows late what was written."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from functional.runner import Runner
from functional.servers import mlflow_server
from hokusai_register.registrars import template

LAG = 1.2  # seconds
KNOWN = ("registered", "already-registered")


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that is written to."""
    database = tmp_path_factory.mktemp("lagging") / "mlflow.db"
    template.fill(database, "mlflow-artifacts:")
    return database


@pytest.fixture(scope="module")
def lagging(primary: Path) -> Iterator[str]:
    """Run a server whose replica is up to date only every now and then."""
    replica = primary.with_name("replica.db")
    ended = threading.Event()

    def replicate() -> None:
        with closing(sqlite3.connect(primary)) as source, closing(sqlite3.connect(replica)) as copy:
            source.backup(copy)

    def keep_on() -> None:
        while not ended.wait(LAG):
            replicate()

    replicate()
    option = ("--read-replica-backend-store-uri", f"sqlite:///{replica}")
    thread = threading.Thread(target=keep_on)
    thread.start()
    try:
        with mlflow_server(Path(sys.executable), primary.parent, *option) as url:
            yield url
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def job(runner: Runner, lagging: str) -> Runner:
    """A job that registers there."""
    runner.inputs |= {"tracking-uri": lagging, "api-url": "", "alias": "champion"}
    runner.environ["MLFLOW_TRACKING_TOKEN"] = "x"
    return runner


def test_jobs_that_race_end_at_one_version(job: Runner, primary: Path) -> None:
    results = job.at_once([{}] * 4)
    for result in results:
        assert result.outputs["status"] in KNOWN, result.log
    assert len({result.outputs["run-id"] for result in results}) == 1
    with closing(sqlite3.connect(primary)) as database:
        of_ours = "FROM model_versions WHERE name = ? AND current_stage != 'Deleted_Internal'"
        kept = database.execute(f"SELECT run_id {of_ours}", (job.inputs["model-name"],)).fetchall()
        active = (
            "SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active' AND status = 'FINISHED'"
        )
        assert kept == database.execute(active).fetchall() == [(results[0].outputs["run-id"],)]
