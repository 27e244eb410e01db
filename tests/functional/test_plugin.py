"""The unchanged MLflow client, with nothing but our scheme in its tracking URI and our key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from functional.fault_server import Asked, Reply, as_json, faulty
from functional.runner import unique
from functional.scripts import call
from sandboxes import Sandbox

EVERYTHING = """
import json, os, pathlib, sys, mlflow
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression
name, place = sys.argv[1], pathlib.Path(sys.argv[2])
assert mlflow.get_experiment_by_name("no such experiment") is None
mlflow.set_experiment(name)
with mlflow.start_run() as run:
    mlflow.log_params({"depth": 3, "kind": "ünïcode"})
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.set_tags({"team": "vision"})
    mlflow.log_artifacts(str(place / "logged"), "files/deep")
    mlflow.log_text("hello", "note.txt")
    mlflow.sklearn.log_model(LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]), name="model",
                             pip_requirements=[], registered_model_name=name)
client = MlflowClient()
client.set_registered_model_alias(name, "champion", "1")
loaded = mlflow.pyfunc.load_model(f"models:/{name}@champion")
got = pathlib.Path(client.download_artifacts(run.info.run_id, "files", str(place / "got")))
found = mlflow.search_runs(experiment_names=[name], output_format="list")
second = client.create_model_version(name, f"runs:/{run.info.run_id}/files", run.info.run_id)
client.delete_model_version(name, second.version)
print(json.dumps({
    "run": found[0].data.to_dictionary(),
    "history": [m.value for m in client.get_metric_history(run.info.run_id, "loss")],
    "listed": sorted(f.path for f in client.list_artifacts(run.info.run_id, "files/deep")),
    "got": {p.relative_to(got).as_posix(): p.read_text() for p in got.rglob("*") if p.is_file()},
    "note": mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt"),
    "predicted": float(loaded.predict([[2.0]])[0]),
    "versions": [v.version for v in client.search_model_versions(f"name = '{name}'")],
}))
"""


def login(tracking_uri: str, key: str) -> Mapping[str, str]:
    return {"MLFLOW_TRACKING_URI": f"hokusai+{tracking_uri}", "HOKUSAI_API_KEY": key}


def test_everything_that_training_code_does(sandbox: Sandbox, key: str, tmp_path: Path) -> None:
    logged = {"x y.txt": "one", "sub/ü+&=.txt": "two", "sub/.hidden": "three", "100%.txt": "four"}
    for name, text in logged.items():
        (tmp_path / "logged" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "logged" / name).write_text(text)
    (tmp_path / "got").mkdir()
    name = unique("plugin")
    done = call(EVERYTHING, name, str(tmp_path), **login(sandbox.tracking_uri, key))
    assert done.returncode == 0, done.stderr
    assert key not in done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["run"]["params"] == {"depth": "3", "kind": "ünïcode"}
    assert told["history"] == [1, 1 / 2, 1 / 3]
    assert told["run"]["tags"]["team"] == "vision"
    assert told["listed"] == [f"files/deep/{n}" for n in ("100%.txt", "sub", "x y.txt")]
    assert told["got"] == {f"deep/{path}": text for path, text in logged.items()}
    assert (told["note"], told["versions"]) == ("hello", ["1"])
    assert told["predicted"] == pytest.approx(5.0)


def test_the_direct_address_reads(sandbox: Sandbox, key: str) -> None:
    script = """
import mlflow
from mlflow import MlflowClient
print(MlflowClient().get_experiment("0").name, len(mlflow.search_registered_models()) >= 0)
try:
    mlflow.create_experiment("refused")
except mlflow.exceptions.MlflowException as error:
    print(type(error.__cause__).__name__, error.__cause__.reason)
"""
    done = call(script, **login(f"{sandbox.url}/mlflow", key))
    assert done.stdout.splitlines() == ["Default True", "AuthError auth-403"], done.stderr


@pytest.mark.parametrize(
    ("key", "cause"), [("wrong-key-wrong-key", "auth-401"), ("", "key-missing")]
)
def test_errors_have_their_cause(sandbox: Sandbox, key: str, cause: str) -> None:
    script = """
import mlflow
try:
    mlflow.search_experiments()
except Exception as error:
    print(error.reason if hasattr(error, "reason") else error.__cause__.reason)
"""
    done = call(script, **login(sandbox.tracking_uri, key))
    assert done.stdout == f"{cause}\n", done.stderr


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("0.0.0.0", "in the clear"),  # noqa: S104  # nothing is bound: it leads to this machine
        ("127.0.0.1", "HTTP 403"),
    ],
)
def test_plain_http_shows_the_key_to_nobody_else(key: str, host: str, says: str) -> None:
    script = """
import mlflow
try:
    mlflow.search_experiments()
except Exception as error:
    print(type(error).__name__, str(error).split("\\n")[1])
"""
    with faulty(lambda _: as_json({}, 403)) as server:
        url = server.url.replace("127.0.0.1", host)
        done = call(script, **login(f"{url}/api/mlflow", key))
        assert says in done.stdout, done.stdout + done.stderr
        assert (server.connections == 0) == (says == "in the clear")


def test_the_key_goes_to_its_own_origin_only(sandbox: Sandbox, key: str, tmp_path: Path) -> None:
    script = """
import sys, mlflow
mlflow.set_experiment(sys.argv[1])
with mlflow.start_run():
    try:
        mlflow.log_artifact(sys.argv[2])
    except Exception as error:
        print(type(error).__name__, getattr(error, "reason", ""))
"""
    (tmp_path / "file.txt").write_text("text")
    with faulty(lambda _: as_json({})) as other:
        uri = f'"artifact_uri": "{other.url}/api/2.0/mlflow-artifacts/artifacts/1"'.encode()

        def script_of_proxy(asked: Asked) -> Reply | None:
            edit = lambda body: re.sub(rb'"artifact_uri": *"[^"]*"', uri, body)  # noqa: E731
            return Reply(forward=True, edit=edit) if "/runs/" in asked.path else None

        with faulty(script_of_proxy, sandbox.url) as proxy:
            environ = login(f"{proxy.url}/api/mlflow", key)
            done = call(script, unique("plugin"), str(tmp_path / "file.txt"), **environ)
        assert "TrustError protocol" in done.stdout, done.stdout + done.stderr
        assert other.connections == 0


def test_other_addresses_stay_mlflows_own(sandbox: Sandbox, key: str) -> None:
    script = """
import sys, mlflow
mlflow.set_experiment(sys.argv[1])
with mlflow.start_run() as run:
    mlflow.log_text("hello", "deep/note.txt")
print(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/deep/note.txt"))
"""
    environ = {"MLFLOW_TRACKING_URI": sandbox.tracking_uri, "MLFLOW_TRACKING_TOKEN": key}
    done = call(script, unique("plugin"), **environ)
    assert done.stdout.splitlines()[-1:] == ["hello"], done.stderr
