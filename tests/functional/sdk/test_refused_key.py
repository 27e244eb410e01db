"""The 403 that all this began with: MLflow's own client gets it, and with the SDK it is gone."""

from __future__ import annotations

from pathlib import Path

import httpx
import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from functional.runner import unique
from hokusai import ModelRegistry, setup, setup_mlflow_auth
from sandboxes import Sandbox


@pytest.fixture
def ordinary(sandbox: Sandbox) -> str:
    """The key of a third-party developer, who is no admin of the registry."""
    return sandbox.create_key("model:write")


def test_the_plain_client_is_refused_and_does_not_say_so(
    sandbox: Sandbox, ordinary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for token, status in (("", 401), ("hk_test_unknown", 401), (ordinary, 403)):
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        with pytest.raises(MlflowException) as caught:
            MlflowClient(sandbox.tracking_uri).search_experiments()
        assert caught.value.get_http_status_code() == 500, "which hides the real one"
        answer = httpx.get(
            f"{sandbox.tracking_uri}/api/2.0/mlflow/experiments/search",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=False,
        )
        assert answer.status_code == status


def test_with_the_sdk_the_same_key_registers(sandbox: Sandbox, ordinary: str, model: Path) -> None:
    setup(api_key=ordinary, api_endpoint=sandbox.api_url)
    name = unique("churn")
    with pytest.warns(UserWarning, match=r"\(HTTP 403\): Access forbidden; only the Hokusai API"):
        registry = ModelRegistry()
    made = registry.register_baseline(model, name, metrics={"auc": 0.5})
    assert (made.registered, made.backend) == (True, "api")
    made = registry.register_baseline_via_api(
        model_id=f"{name}-too", model_type="sklearn", version="v1.0.0", metrics={"accuracy": 0.95}
    )
    assert made.registered


@pytest.mark.filterwarnings("error")
def test_the_direct_address_reads_and_the_api_registers(
    sandbox: Sandbox, ordinary: str, key: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = unique("churn")
    ModelRegistry(api_key=key, api_endpoint=sandbox.api_url).register_baseline(
        model, name, metrics={"auc": 0.5}
    )
    monkeypatch.setenv("HOKUSAI_API_KEY", ordinary)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{sandbox.url}/mlflow")
    monkeypatch.setenv("HOKUSAI_API_ENDPOINT", sandbox.api_url)
    registry = ModelRegistry()
    assert registry.backend == "mlflow"
    assert [found.mlflow_version for found in registry.list_models_by_type(name)] == ["1"]
    made = registry.register_baseline(model, name, metrics={"auc": 0.75})
    assert (made.registered, made.backend) == (True, "api")


def test_with_an_admins_key_plain_mlflow_works_too(sandbox: Sandbox, key: str) -> None:
    setup(api_key=key, api_endpoint=sandbox.api_url)
    setup_mlflow_auth(validate=True)
    assert "Default" in [found.name for found in mlflow.search_experiments()]
