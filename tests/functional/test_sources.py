"""Runs and models that a training step made itself: attached to and registered as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from functional.fault_server import FaultServer, faulty
from functional.runner import Runner, unique
from functional.trees import digest
from sandboxes import Sandbox

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, when it logs a model


@pytest.fixture
def proxy(runner: Runner, sandbox: Sandbox) -> Iterator[FaultServer]:
    """A proxy that counts what the step sends."""
    with faulty(upstream=sandbox.url) as started:
        runner.inputs |= {
            "tracking-uri": f"{started.url}/api/mlflow",
            "api-url": started.url,
            "fallback": "api",
        }
        yield started


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, client: MlflowClient) -> str:
    """A run with a logged model, made with MLflow's fluent interface."""
    del client  # its login is what the fluent interface needs
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sandbox.tracking_uri)
    mlflow.set_experiment(unique("training"))
    estimator: Any = pytest.importorskip("sklearn.linear_model").LinearRegression()
    estimator.fit([[0.0], [1.0]], [1.0, 3.0])
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(estimator, name="model", pip_requirements=[])
    run_id: str = run.info.run_id
    return run_id


@pytest.fixture
def run_id(client: MlflowClient) -> str:
    """A run as a training step leaves it."""
    experiment = client.create_experiment(unique("training"))
    run_id: str = client.create_run(experiment).info.run_id
    client.log_metric(run_id, "accuracy", 0.875)
    return run_id


def test_attaches_to_a_run(runner: Runner, client: MlflowClient, run_id: str) -> None:
    result = runner.here(run_id=run_id, metrics="accuracy=0.875\nloss=0.5", params="depth=3")
    assert result.said("registered", "ok", "mlflow")
    assert result.outputs["run-id"] == run_id
    run = client.get_run(run_id)
    assert run.data.metrics == {"accuracy": 0.875, "loss": 0.5}
    assert run.data.params == {"depth": "3"}
    assert run.info.status == "RUNNING"  # it is not ours to end
    version = client.get_model_version(runner.inputs["model-name"], "1")
    assert version.run_id == run_id
    again = runner.here(run_id=run_id, metrics="accuracy=0.875\nloss=0.5", params="depth=3")
    assert again.said("already-registered", "ok", "mlflow")


def test_does_not_contradict_a_run(
    runner: Runner, client: MlflowClient, run_id: str, proxy: FaultServer
) -> None:
    result = runner.here(run_id=run_id, metrics="accuracy=0.9\nloss=0.5")
    assert result.said("failed", "conflict", "none")
    assert "0.875" in result.errors[0]
    assert client.get_run(run_id).data.metrics == {"accuracy": 0.875}
    assert [a for a in proxy.asked if a.method != "GET" and "search" not in a.path] == []


@pytest.mark.parametrize(
    "inputs",
    [
        {"run_id": "0" * 32},
        {"model_path": "", "model_uri": f"runs:/{'0' * 32}/model"},
        {"model_path": "", "model_uri": "models:/no-such-model/1"},
    ],
)
def test_what_does_not_exist_is_not_found(
    runner: Runner, proxy: FaultServer, inputs: dict[str, str]
) -> None:
    result = runner.here(**inputs)
    assert result.said("failed", "not-found", "none")
    assert result.exit_code == 1
    assert proxy.seen("baseline") == []
    assert proxy.seen("/create") + proxy.seen("PUT") == []


def test_does_not_contradict_the_run_of_a_logged_model(
    runner: Runner, client: MlflowClient, run_id: str, proxy: FaultServer
) -> None:
    client.log_text(run_id, "weights", "model/weights.txt")
    result = runner.here(
        model_path="", model_uri=f"runs:/{run_id}/model", metrics="accuracy=0.9\nloss=0.5"
    )
    assert result.said("failed", "conflict", "none")
    assert client.get_run(run_id).data.metrics == {"accuracy": 0.875}
    assert proxy.seen("/create") == []


def test_an_empty_path_of_a_run_is_not_found(
    runner: Runner, proxy: FaultServer, run_id: str
) -> None:
    result = runner.here(model_path="", model_uri=f"runs:/{run_id}/model")
    assert result.said("failed", "not-found", "none")
    assert proxy.seen("/create") + proxy.seen("PUT") == []


def test_registers_plain_artifacts_of_a_run(
    runner: Runner, client: MlflowClient, run_id: str, proxy: FaultServer, tmp_path: Path
) -> None:
    logged = tmp_path / "logged"
    (logged / "deep").mkdir(parents=True)
    (logged / "weights.bin").write_bytes(b"w" * 5000)
    (logged / "deep" / "note.txt").write_text("ä")
    client.log_artifacts(run_id, str(logged), "some/model")
    inputs = {"model_path": "", "model_uri": f"runs:/{run_id}/some/model"}
    result = runner.here(**inputs)
    assert result.said("registered", "ok", "mlflow")
    assert result.outputs["model-digest"] == digest(logged)
    assert proxy.seen("PUT") == []
    version = client.get_model_version(runner.inputs["model-name"], "1")
    assert version.run_id == run_id
    assert version.source.endswith(f"{run_id}/artifacts/some/model")
    assert runner.here(**inputs).said("already-registered", "ok", "mlflow")


def test_registers_a_logged_model_and_its_version(
    runner: Runner, client: MlflowClient, trained: str, proxy: FaultServer, tmp_path: Path
) -> None:
    uri = f"runs:/{trained}/model"
    result = runner.here(model_path="", model_uri=uri)
    assert result.said("registered", "ok", "mlflow")
    assert client.get_run(trained).data.metrics == {"accuracy": 0.875}
    name = runner.inputs["model-name"]
    local = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path)))
    assert result.outputs["model-digest"] == digest(local)
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/1", dst_path=str(tmp_path))
    predicted = loaded.predict([[2.0]])
    assert predicted == pytest.approx(5.0)
    assert runner.here(model_path="", model_uri=uri).said("already-registered", "ok", "mlflow")

    other = unique("promoted")
    inputs = {"model_path": "", "model_uri": result.outputs["model-uri"], "model_name": other}
    promoted = runner.here(**inputs)
    assert promoted.said("registered", "ok", "mlflow")
    assert promoted.outputs["model-digest"] == result.outputs["model-digest"]
    assert client.get_model_version(other, "1").run_id == trained
    client.set_registered_model_alias(other, "champion", "1")
    # The same files under the same name are the same registration, by whatever URI.
    (logged,) = client.search_logged_models([client.get_run(trained).info.experiment_id])
    for uri in (
        result.outputs["model-uri"],
        f"models:/{other}@champion",
        f"models:/{logged.model_id}",
    ):
        assert runner.here(**inputs | {"model_uri": uri}).said("already-registered", "ok", "mlflow")
    absent = runner.here(**inputs | {"model_uri": f"models:/m-{'0' * 32}"})
    assert absent.said("failed", "not-found", "none")
    assert proxy.seen("PUT") == []
