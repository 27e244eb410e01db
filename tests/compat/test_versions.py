"""The same registrations with real MLflow servers of three versions (`make compat`)."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from compat.pythons import PYTHONS
from functional.fault_server import Asked, Reply, faulty
from functional.runner import Runner, kept, unique
from functional.servers import mlflow_server
from functional.trees import digest, tree
from hokusai_register.registrars import once

NAMES = (
    "a b.bin",
    "c+d&e=f.bin",
    ".hidden",
    "100%.bin",
    "a..b",
    "back\\slash.bin",
    "deep/er/empty",
)
LATE = {"2.22": "日本.bin", "3.5": "ü.bin"}  # names that these keep, and never give back
FETCH = "import sys, mlflow; print(mlflow.artifacts.download_artifacts(sys.argv[1]))"
TRAIN = """
import mlflow, sklearn.linear_model
model = sklearn.linear_model.LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
mlflow.set_experiment("training")
with mlflow.start_run() as run:
    mlflow.sklearn.log_model(model, "model")
    mlflow.log_text("plain", "files/plain.txt")
print(run.info.run_id)
"""
LOAD = "import sys, mlflow; print(mlflow.pyfunc.load_model(sys.argv[1]).predict([[2.0]])[0])"


@pytest.fixture(scope="module", params=PYTHONS)
def version(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    if not PYTHONS[chosen].exists():
        pytest.skip("the server is not installed: make compat")
    return chosen


@pytest.fixture(scope="module")
def server(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp(f"mlflow-{version}")
    with mlflow_server(PYTHONS[version], place) as url:
        yield url


@pytest.fixture
def runner(server: str, tmp_path: Path) -> Runner:
    job = Runner(home=tmp_path / "job", environ={"MLFLOW_TRACKING_TOKEN": "x"})
    for name in NAMES:
        file = job.workspace / "model" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if name.endswith("empty") else name.encode() * 100)
    job.inputs = {
        "tracking-uri": server,
        "model-path": "model",
        "model-name": unique("model"),
        "metrics": "accuracy=0.875\nf1/macro=0.5",
        "params": "depth=3",
        "tags": json.dumps({"team": "ünïcode & more"}),
        "description": "Zwei Zeilen\nmit Ümlaut",
        "alias": "champion",
    }
    return job


@pytest.fixture
def client(server: str) -> MlflowClient:
    return MlflowClient(server)


@pytest.fixture
def own(version: str, server: str, tmp_path: Path) -> Callable[..., str]:
    """Run a script with the MLflow client of the server's own version."""

    def call(script: str, *arguments: str) -> str:
        environ = {name: value for name, value in kept().items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [str(PYTHONS[version]), "-W", "ignore", "-c", script, *arguments],
            env=environ | {"MLFLOW_TRACKING_URI": server, "TMPDIR": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    return call


def test_registers_and_registers_once(
    runner: Runner, client: MlflowClient, own: Callable[..., str]
) -> None:
    result = runner.action()
    assert result.said("registered", "ok", "mlflow")
    name = runner.inputs["model-name"]
    version = client.get_model_version_by_alias(name, "champion")
    assert (version.version, version.status) == ("1", "READY")
    assert version.description == runner.inputs["description"]
    assert version.tags["team"] == "ünïcode & more"
    run = client.get_run(version.run_id)
    assert run.data.metrics == {"accuracy": 0.875, "f1/macro": 0.5}
    assert (run.data.params, run.info.status) == ({"depth": "3"}, "FINISHED")
    fetched = tree(Path(own(FETCH, f"models:/{name}/1")))
    fetched.pop("MLmodel")
    assert fetched == tree(runner.workspace / "model")
    assert result.outputs["model-digest"] == digest(runner.workspace / "model")

    assert runner.here().said("already-registered", "ok", "mlflow")
    earlier, runner.run_id = runner.run_id, uuid.uuid4().hex
    assert runner.here().outputs["model-version"] == "2"
    runner.run_id = earlier
    assert runner.here().said("already-registered", "ok", "mlflow")
    assert client.get_model_version_by_alias(name, "champion").version == "2"


def test_a_workspace_that_it_does_not_have_is_not_taken_for_all_of_it(
    runner: Runner, client: MlflowClient
) -> None:
    runner.environ["MLFLOW_WORKSPACE"] = "team-a"
    result = runner.action(fallback="local")
    assert result.said("failed", "invalid", "none")
    assert "MLFLOW_WORKSPACE blank" in result.errors[0]
    assert client.search_registered_models(f"name = '{runner.inputs['model-name']}'") == []


def test_a_logged_model_and_plain_files(runner: Runner, own: Callable[..., str]) -> None:
    run_id = own(TRAIN)
    for path in ("model", "files"):
        inputs = {
            "model_path": "",
            "model_uri": f"runs:/{run_id}/{path}",
            "model_name": unique(path),
            "metrics": "accuracy=0.875",
        }
        result = runner.here(**inputs)
        assert result.said("registered", "ok", "mlflow")
        assert result.outputs["run-id"] == run_id
        assert runner.here(**inputs).said("already-registered", "ok", "mlflow")
        if path == "model":
            assert float(own(LOAD, result.outputs["model-uri"])) == pytest.approx(5.0)
    missing = runner.here(model_path="", model_uri=f"runs:/{run_id}/missing")
    assert missing.said("failed", "not-found", "none")


@pytest.mark.parametrize("loss", ["500", "reset"])
@pytest.mark.parametrize(
    "write", ["runs/create", "PUT", "registered-models/create", "model-versions/create"]
)
def test_a_lost_answer(
    runner: Runner, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, write: str, loss: str
) -> None:
    monkeypatch.setattr(once, "SETTLE", 0.0)
    left = [Reply(forward=True, status=500, reset=loss == "reset")]

    def script(asked: Asked) -> Reply | None:
        return left.pop() if left and write in str(asked) and asked.method != "GET" else None

    with faulty(script, runner.inputs["tracking-uri"]) as proxy:
        result = runner.here(tracking_uri=proxy.url)
    assert not left
    assert result.said("registered", "ok", "mlflow")
    name = runner.inputs["model-name"]
    (made,) = client.search_model_versions(f"name = '{name}'")
    (run,) = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    assert (made.run_id, run.info.status) == (run.info.run_id, "FINISHED")


def test_a_name_that_this_server_loses_never_becomes_a_version(
    runner: Runner, client: MlflowClient, version: str
) -> None:
    name = LATE.get(version, "日本.bin")
    (runner.workspace / "model" / name).write_bytes(b"weights")
    result = runner.here()
    if version not in LATE:
        assert result.said("registered", "ok", "mlflow")
        return
    assert result.said("failed", "verify-failed", "none")
    assert "a name in ASCII" in result.errors[0]
    assert client.search_model_versions(f"name = '{runner.inputs['model-name']}'") == []


def test_below_a_static_prefix(version: str, runner: Runner, tmp_path: Path) -> None:
    with mlflow_server(PYTHONS[version], tmp_path / "m", "--static-prefix", "/mlflow") as url:
        result = runner.here(tracking_uri=f"{url}/mlflow")
        assert result.said("registered", "ok", "mlflow")
        assert result.outputs["run-url"].startswith(f"{url}/mlflow/#/")
