"""Addresses that are nearly right: each way that a user may write where the server is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.runner import Runner, unique
from functional.servers import mlflow_server
from sandboxes import Sandbox


def test_the_direct_address_reads_only(runner: Runner, sandbox: Sandbox) -> None:
    result = runner.here(tracking_uri=f"{sandbox.url}/mlflow")
    assert result.said("registered", "ok", "api")
    assert "auth-403" in result.summary


def test_the_root_of_a_plain_server(
    runner: Runner, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.environ["MLFLOW_TRACKING_TOKEN"] = "x"
    result = runner.here(tracking_uri=f"{sandbox.mlflow_url}/", fallback="none")
    assert result.said("registered", "ok", "mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
    found = MlflowClient(sandbox.mlflow_url).get_model_version(runner.inputs["model-name"], "1")
    assert found.run_id == result.outputs["run-id"]


def test_a_name_that_the_server_does_not_go_by(runner: Runner, tmp_path: Path) -> None:
    """As MLflow 3.5 and later do of a service container, which jobs call by another name."""
    runner.environ["MLFLOW_TRACKING_TOKEN"] = "x"
    allowed = ("--allowed-hosts", "mlflow.example")
    with mlflow_server(Path(sys.executable), tmp_path / "server", *allowed) as url:
        result = runner.here(tracking_uri=url, fallback="none")
        assert result.said("failed", "protocol", "none")
        assert result.exit_code == 1
        assert "does not go by this name" in result.errors[0]
        assert "--allowed-hosts" in result.errors[0]


@pytest.mark.parametrize("path", ["", "/api", "/nothing/here"])
def test_another_path_of_the_service_is_not_mlflow(
    runner: Runner, sandbox: Sandbox, path: str
) -> None:
    result = runner.here(tracking_uri=f"{sandbox.url}{path}", fallback="none")
    assert result.said("failed", "not-found", "none")
    assert "is this the root of the service?" in result.errors[0]


def test_the_api_with_and_without_its_path(runner: Runner, sandbox: Sandbox) -> None:
    key = sandbox.create_key("model:write")
    for url in (sandbox.url, f"{sandbox.url}/api", f"{sandbox.url}/api/"):
        result = runner.here(api_key=key, api_url=url, model_name=unique("model"))
        assert result.said("registered", "ok", "api")
