"""A new local store: its tables are MLflow's own, copied where there are some to copy."""

from __future__ import annotations

import sqlite3
from importlib import metadata
from pathlib import Path

import pytest
from mlflow import MlflowClient

from hokusai_register.registrars import client, template

# MLflow and SQLAlchemy warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")
ARTIFACTS = "file:///somewhere/artifacts"


def tables(database: Path) -> list[list[str]]:
    """What there is, line by line; MLflow writes the constraints of a table in any order."""
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT name, type, sql FROM sqlite_master ORDER BY name")
        return [
            [name, kind, *sorted(row.strip(" \t,") for row in (sql or "").splitlines())]
            for name, kind, sql in found
        ]


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing is kept yet."""
    place = tmp_path / "share" / "mlflow.db"
    monkeypatch.setattr(template, "place", lambda: place)
    return place


def test_what_is_copied_is_what_mlflow_makes(own_place: Path, tmp_path: Path) -> None:
    template.fill(tmp_path / "made.db", ARTIFACTS)
    assert not own_place.exists()
    template.main()
    template.fill(tmp_path / "copied.db", ARTIFACTS)
    assert own_place.exists()
    assert tables(tmp_path / "made.db") == tables(tmp_path / "copied.db") != []
    assert [path.name for path in own_place.parent.iterdir()] == [own_place.name]
    for name in ("made", "copied"):
        default = MlflowClient(f"sqlite:///{tmp_path}/{name}.db").get_experiment("0")
        assert default.artifact_location == f"{ARTIFACTS}/0"


def test_a_copy_needs_no_migration(
    own_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template.main()
    monkeypatch.setattr(template, "make_database", None)
    template.fill(tmp_path / "copied.db", ARTIFACTS)
    with sqlite3.connect(tmp_path / "copied.db") as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert found == [(client.schema(),)]
    own_place.unlink()
    with pytest.raises(TypeError):  # who has nothing to copy asks MLflow
        template.fill(tmp_path / "other.db", ARTIFACTS)


def test_another_mlflow_has_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    before = template.place()
    monkeypatch.setattr(metadata, "version", lambda _: "2.22.0")
    assert template.place() != before
