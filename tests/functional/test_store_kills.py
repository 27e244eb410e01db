"""A step that is killed wherever it changes the store in the workspace, and run again."""

from __future__ import annotations

import itertools
import signal
from functools import partial
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.found import runs
from functional.runner import Result, Runner, unique
from functional.store_changes import STORE, killed_at
from functional.trees import tree
from hokusai_register import bundle

# MLflow's own store, in this process, uses what SQLAlchemy calls old.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def keeper(tmp_path: Path) -> Runner:
    """A job without a key, whose machine may keep the model."""
    job = Runner(home=tmp_path / "job")
    (job.workspace / "model").mkdir()
    for name in ("a.bin", "b.bin"):
        (job.workspace / "model" / name).write_bytes(name.encode() * 1000)
    job.inputs = {
        "fallback": "mock",
        "local-store": STORE,
        "model-path": "model",
        "metrics": "accuracy=0.875",
        "alias": "champion",
    }
    return job


def database(keeper: Runner) -> Path:
    return keeper.workspace / keeper.inputs["local-store"] / "mlflow.db"


def died(keeper: Runner, number: int) -> bool:
    """Whether a step had a change with this number, before which it died."""
    result = keeper.finish(keeper.fork(partial(killed_at, number)))
    assert result.exit_code in (0, -signal.SIGKILL), result.log
    return result.exit_code != 0


def assert_whole(keeper: Runner, result: Result) -> None:
    assert result.said("registered-local", "key-missing", "local")
    name = keeper.inputs["model-name"]
    kept = keeper.workspace / result.outputs["bundle"]
    assert bundle.open_bundle(kept).name == name
    assert tree(kept / "files") == tree(keeper.workspace / "model")
    uri = f"sqlite:///{database(keeper)}"
    client = MlflowClient(uri, uri)
    (version,) = client.search_model_versions(f"name = '{name}'")
    assert version.run_id == result.outputs["run-id"]
    assert client.get_model_version_by_alias(name, "champion").version == version.version
    assert runs(client, name) == ["FINISHED"]
    run = client.get_run(version.run_id)
    assert run.data.metrics == {"accuracy": 0.875}
    files = tree(Path(run.info.artifact_uri.removeprefix("file://")) / "model")
    assert files.pop("MLmodel")
    assert files == tree(keeper.workspace / "model")


@pytest.mark.slow
@pytest.mark.fault("R14", "SIGKILL at a change of a new store", "finished by the next attempt")
def test_a_step_that_is_killed_before_there_is_a_store(keeper: Runner) -> None:
    for number in itertools.count(1):
        keeper.inputs |= {"local-store": f"{STORE}-{number}", "model-name": unique("model")}
        died(keeper, number)
        made = database(keeper).exists()
        assert_whole(keeper, keeper.finish(keeper.fork()))
        if made:  # from here on it is a store that was used
            break
    assert number > 5


@pytest.mark.slow
@pytest.mark.fault("R14", "SIGKILL at a change of the store", "finished by the next attempt")
def test_a_step_that_is_killed_at_a_change_of_the_store(keeper: Runner) -> None:
    assert keeper.finish(keeper.fork(model_name="first")).exit_code == 0
    for number in itertools.count(1):
        keeper.inputs["model-name"] = unique("model")
        if not died(keeper, number):
            break
        assert_whole(keeper, keeper.finish(keeper.fork()))
    assert number > 20
