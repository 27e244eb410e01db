"""A tokenized registration: the tags are there from the first moment, the event goes out once."""

from __future__ import annotations

import re

import pytest
from mlflow import MlflowClient

from functional.announced import POST, TOKEN, announced
from functional.fault_server import FaultServer, Reply, on
from functional.runner import Runner, unique
from sandboxes import Sandbox

JOBS = 8


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
    (event,) = announced(sandbox, name)
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


def test_a_rerun_announces_nothing_again(tokenized: Runner, proxy: FaultServer) -> None:
    assert tokenized.here().outputs["event"] == "sent"
    again = tokenized.here()
    assert again.said("already-registered", "ok", "mlflow")
    assert (again.outputs["event"], len(proxy.seen(POST))) == ("sent", 1)


def test_another_token_is_another_version(tokenized: Runner, sandbox: Sandbox) -> None:
    assert tokenized.here().outputs["model-version"] == "1"
    other = tokenized.here(token_id="OTHER")
    assert (other.outputs["status"], other.outputs["model-version"]) == ("registered", "2")
    found = announced(sandbox, tokenized.inputs["model-name"])
    assert {(one["version"], one["token_id"]) for one in found} == {("1", "MSG-AI"), ("2", "OTHER")}


@pytest.mark.usefixtures("hasty")
def test_what_a_training_step_logged(
    tokenized: Runner, sandbox: Sandbox, client: MlflowClient
) -> None:
    name = tokenized.inputs["model-name"]
    run = client.create_run(client.create_experiment(name))
    client.log_artifact(run.info.run_id, str(tokenized.workspace / "model.bin"), "model")
    uri = f"runs:/{run.info.run_id}/model"
    result = tokenized.here(model_path="", model_uri=uri)
    assert (result.outputs["status"], result.outputs["event"]) == ("registered", "sent")
    assert [one["mlflow_run_id"] for one in announced(sandbox, name)] == [run.info.run_id]


def test_a_version_without_a_run_cannot_be_announced(tokenized: Runner, proxy: FaultServer) -> None:
    source, plain = unique("source"), dict.fromkeys(TOKEN, "")
    assert tokenized.here(**plain, model_name=source).outputs["event"] == ""

    def without(body: bytes) -> bytes:
        return re.sub(rb'"run_id": *"[^"]*"', b'"run_id": ""', body)

    proxy.script = on(
        "GET /api/mlflow/api/2.0/mlflow/model-versions/get", Reply(forward=True, edit=without)
    )
    proxy.asked.clear()
    result = tokenized.here(model_path="", model_uri=f"models:/{source}/1")
    assert result.said("failed", "invalid", "none")
    assert "MLflow run" in result.errors[0]
    assert proxy.seen("/create") + proxy.seen(POST) == []


def test_a_baseline_is_not_announced(tokenized: Runner, sandbox: Sandbox) -> None:
    result = tokenized.here(api_key=sandbox.create_key("model:write"))
    assert result.said("registered", "ok", "api")
    assert (result.exit_code, result.outputs["event"]) == (0, "not-sent")
    assert "a baseline has none" in result.summary
    assert announced(sandbox, tokenized.inputs["model-name"]) == []


def test_a_bundle_is_announced_when_it_is_replayed(tokenized: Runner, sandbox: Sandbox) -> None:
    real = {name: tokenized.inputs[name] for name in ("tracking-uri", "api-url")}
    dead = "http://127.0.0.1:9"
    kept = tokenized.action(tracking_uri=f"{dead}/api/mlflow", api_url=dead, fallback="local")
    assert kept.said("registered-local", "refused", "local")
    assert kept.outputs["event"] == "not-sent"
    given = ("api-key", "tracking-uri", "api-url")
    tokenized.inputs = {name: tokenized.inputs[name] for name in given} | real
    for status in ("registered", "already-registered"):
        result = tokenized.here(model_path=kept.outputs["bundle"])
        assert (result.outputs["status"], result.outputs["event"]) == (status, "sent")
    assert len(announced(sandbox, result.outputs["model-name"])) == 1


def test_a_dry_run_says_what_would_be_announced(tokenized: Runner, sandbox: Sandbox) -> None:
    result = tokenized.here(dry_run="true")
    assert result.said("skipped", "dry-run", "none")
    assert result.outputs["event"] == "not-sent"
    assert "would announce the token MSG-AI (accuracy, baseline 0.8)" in result.log
    assert tokenized.here().outputs["event"] == "sent"
    assert "the token MSG-AI is announced already" in tokenized.here(dry_run="true").log
    by_api = tokenized.here(dry_run="true", api_key=sandbox.create_key("model:write"))
    assert "would not announce the token MSG-AI" in by_api.log
    assert len(announced(sandbox, tokenized.inputs["model-name"])) == 1


@pytest.mark.slow
def test_jobs_that_race_announce_once(
    tokenized: Runner, sandbox: Sandbox, proxy: FaultServer
) -> None:
    results = tokenized.at_once([{}] * JOBS)
    assert [result.outputs["event"] for result in results] == ["sent"] * JOBS
    assert len(proxy.seen(POST)) == 1
    assert len(announced(sandbox, tokenized.inputs["model-name"])) == 1
