"""A registration as a runner sees it: what the official client finds afterwards, and a re-run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from functional.runner import Runner, unique
from functional.trees import digest, tree
from sandboxes import Sandbox

# What MLflow's own code warns about when it loads a model is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def canonical(runner: Runner) -> Runner:
    """Three files, eight metrics, six params, five tags, an alias, a pull request."""
    model = runner.workspace / "model"
    (model / "tokenizer").mkdir(parents=True)
    (model / "weights.bin").write_bytes(bytes(range(256)) * 4000)
    (model / "config.json").write_text('{"layers": 2}')
    (model / "tokenizer" / "vocab.txt").write_text("a\nb\n")
    event = runner.temp / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"sha": "e" * 40}}}))
    runner.environ = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    runner.inputs |= {
        "model-path": "model",
        "metrics": json.dumps({f"metric-{n}": n / 7 for n in range(8)}),
        "params": "\n".join(f"param{n}={n}" for n in range(6)),
        "tags": json.dumps({f"team/{n}": "ünïcode & more" for n in range(5)}),
        "description": "Zwei Zeilen\nmit Ümlaut",
        "version": "v1.0.0",
        "alias": "champion",
    }
    return runner


def test_what_the_client_finds(
    canonical: Runner, client: MlflowClient, fetch: Callable[[str], Path]
) -> None:
    result = canonical.action()
    assert result.said("registered", "ok", "mlflow")
    assert result.exit_code == 0
    name, outputs = canonical.inputs["model-name"], result.outputs
    assert outputs["registered"] == outputs["created"] == "true"
    assert outputs["model-uri"] == f"models:/{name}/1"

    version = client.get_model_version_by_alias(name, "champion")
    assert (version.version, version.status, version.run_id) == ("1", "READY", outputs["run-id"])
    assert version.description == "Zwei Zeilen\nmit Ümlaut"
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == pytest.approx({f"metric-{n}": n / 7 for n in range(8)})
    assert run.data.params == {f"param{n}": str(n) for n in range(6)}
    tags = {
        **{f"team/{n}": "ünïcode & more" for n in range(5)},
        "hokusai.state": "complete",
        "hokusai.git_commit": "e" * 40,
        "hokusai.repository": "octocat/models",
        "hokusai.version": "v1.0.0",
        "hokusai.model_sha256": outputs["model-digest"],
    }
    assert version.tags.items() >= tags.items()
    assert run.data.tags.items() >= {**tags, "mlflow.source.git.commit": "e" * 40}.items()

    local = fetch(f"models:/{name}/1")
    sent = tree(canonical.workspace / "model")
    assert {path: digest for path, digest in tree(local).items() if path != "MLmodel"} == sent
    described = mlflow.models.Model.load(str(local))
    assert described.run_id == version.run_id
    assert outputs["model-digest"] == digest(canonical.workspace / "model")


def test_a_bare_file_gets_a_description(
    runner: Runner, client: MlflowClient, fetch: Callable[[str], Path]
) -> None:
    result = runner.here()
    assert result.said("registered", "ok", "mlflow")
    name = runner.inputs["model-name"]
    local = fetch(f"models:/{name}/1")
    assert sorted(tree(local)) == ["MLmodel", "model.bin"]
    assert tree(local)["model.bin"] == result.outputs["model-digest"]
    assert mlflow.models.Model.load(str(local)).run_id == result.outputs["run-id"]
    assert client.get_run(result.outputs["run-id"]).info.run_name == f"register {name}"


def test_a_model_of_mlflow_is_kept_byte_for_byte(
    runner: Runner, fetch: Callable[[str], Path], tmp_path: Path
) -> None:
    model: Any = pytest.importorskip("sklearn.linear_model").LinearRegression()
    model.fit([[0.0], [1.0]], [1.0, 3.0])
    saved = runner.workspace / "saved"
    mlflow.sklearn.save_model(model, str(saved), pip_requirements=[])
    result = runner.here(model_path="saved")
    assert result.said("registered", "ok", "mlflow")
    assert result.report["model"]["type"] == "sklearn"
    name = runner.inputs["model-name"]
    local = fetch(f"models:/{name}/1")
    assert tree(local) == tree(saved)
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/1", dst_path=str(tmp_path))
    assert loaded.predict([[2.0]]) == pytest.approx(5.0)


def test_a_re_run_registers_nothing_and_another_run_does(
    runner: Runner, client: MlflowClient
) -> None:
    runner.inputs["alias"] = "champion"
    first = runner.action()
    runner.attempt = 2
    again = runner.action()
    assert again.said("already-registered", "ok", "mlflow")
    assert (again.exit_code, again.outputs["created"]) == (0, "false")
    same = ("model-version", "run-id", "model-uri", "model-digest", "run-url")
    assert [again.outputs[n] for n in same] == [first.outputs[n] for n in same]

    earlier, runner.run_id = runner.run_id, "4711"
    assert runner.here().outputs["model-version"] == "2"
    runner.run_id, runner.attempt = earlier, 3
    late = runner.here()
    assert late.said("already-registered", "ok", "mlflow")
    assert late.outputs["model-version"] == "1"
    name = runner.inputs["model-name"]
    assert client.get_model_version_by_alias(name, "champion").version == "2"
    assert len(client.search_model_versions(f"name = '{name}'")) == 2


def test_the_command_registers_the_same(
    runner: Runner, sandbox: Sandbox, key: str, client: MlflowClient
) -> None:
    name = unique("model")
    flags = [
        *("--model-path", "model.bin", "--model-name", name, "--metrics", "accuracy=0.9"),
        *("--metrics", "loss=0.1", "--tracking-uri", sandbox.tracking_uri, "--fallback", "none"),
    ]
    login = {"HOKUSAI_API_KEY": key}
    first = runner.command(*flags, environ=login)
    assert (first.exit_code, first.outputs["status"]) == (0, "registered"), first.log
    again = runner.command(*flags, "--json", environ=login)
    assert again.report["status"] == "already-registered"
    assert key not in first.log + again.log
    run = client.get_run(first.outputs["run-id"])
    assert run.data.metrics == {"accuracy": 0.9, "loss": 0.1}
