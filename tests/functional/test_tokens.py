"""A tokenized registration: the tags are there from the first moment, the event goes out once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from mlflow import MlflowClient

from functional.runner import Runner
from sandboxes import Sandbox

POST = "POST /api/models/tokenized"
TOKEN = {"token-id": "Msg-AI", "metric-name": "Accuracy", "baseline-value": "0.8"}


@pytest.fixture
def tokenized(runner: Runner) -> Runner:
    """A job whose step registers a model with a token."""
    runner.inputs |= TOKEN
    return runner


def events(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    """Return what the service has announced of a model."""
    found: list[dict[str, Any]] = httpx.get(
        f"{sandbox.api_url}/models/tokenized-registration-events",
        params={"model_name": name},
        headers={"X-API-Key": sandbox.create_key()},
        trust_env=False,
    ).json()["events"]
    return found


def test_tags_and_event(tokenized: Runner, sandbox: Sandbox, client: MlflowClient) -> None:
    result = tokenized.action(tags="ticker=MSG")
    assert result.said("registered", "ok", "mlflow")
    assert (result.exit_code, result.outputs["event"]) == (0, "sent")
    name = tokenized.inputs["model-name"]
    version = client.get_model_version(name, "1")
    required = {
        "hokusai_token_id": "MSG-AI",
        "benchmark_metric": "accuracy",
        "benchmark_value": "0.8",
        "hokusai_status": "registered",
        "hokusai_proposal_identifier": "MSG",
        "mlflow_run_id": result.outputs["run-id"],
        "hokusai.event": "sent",
    }
    assert version.tags.items() >= required.items()
    (event,) = events(sandbox, name)
    told = {
        "model_name": name,
        "version": "1",
        "token_id": "MSG-AI",
        "metric_name": "accuracy",
        "baseline_value": 0.8,
        "mlflow_run_id": result.outputs["run-id"],
        "proposal_identifier": "MSG",
    }
    assert event.items() >= told.items()
    assert "| Token | `MSG-AI` (`accuracy`, baseline `0.8`): `sent` |" in result.summary
