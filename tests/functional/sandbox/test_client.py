"""The official MLflow client works through the sandbox as through the service."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from sandboxes import Sandbox


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", sandbox.create_key("registry:admin"))
    return MlflowClient(sandbox.tracking_uri)


@pytest.fixture
def run_id(client: MlflowClient) -> str:
    experiment = client.create_experiment(f"client-{uuid.uuid4().hex}")
    return str(client.create_run(experiment).info.run_id)


def test_logs_and_reads_a_run(client: MlflowClient, run_id: str) -> None:
    client.log_metric(run_id, "accuracy", 0.75)
    client.log_param(run_id, "depth", 3)
    run = client.get_run(run_id)
    assert run.data.metrics == {"accuracy": 0.75}
    assert run.data.params == {"depth": "3"}


def test_uploads_lists_and_downloads_artifacts(
    client: MlflowClient, run_id: str, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "a b.bin").write_bytes(content)
    client.log_artifact(run_id, str(tmp_path / "a b.bin"), "model")
    listed = client.list_artifacts(run_id, "model")
    assert [(file.path, file.file_size) for file in listed] == [("model/a b.bin", len(content))]
    downloaded = Path(client.download_artifacts(run_id, "model/a b.bin", str(tmp_path)))
    assert downloaded.read_bytes() == content


def test_registers_a_version_with_alias_and_deletes_it(client: MlflowClient, run_id: str) -> None:
    name = f"model-{uuid.uuid4().hex}"
    client.create_registered_model(name)
    version = client.create_model_version(name, f"runs:/{run_id}/model", run_id)
    client.set_registered_model_alias(name, "champion", version.version)
    assert client.get_model_version_by_alias(name, "champion").run_id == run_id
    client.delete_model_version(name, version.version)  # a DELETE with a body
    assert client.search_model_versions(f"name = '{name}'") == []


def test_what_is_missing_is_missing(client: MlflowClient) -> None:
    with pytest.raises(MlflowException, match="RESOURCE_DOES_NOT_EXIST"):
        client.get_run("0" * 32)


def test_a_key_that_may_only_write_baselines_is_refused(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", sandbox.create_key("model:write"))
    with pytest.raises(MlflowException, match="Admin access required"):
        MlflowClient(sandbox.tracking_uri).search_experiments()
