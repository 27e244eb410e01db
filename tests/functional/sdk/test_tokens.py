"""Tokenized models by the SDK: registered and announced once, found by their token."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.announced import announced
from functional.fault_server import FaultServer, Reply, on
from functional.runner import unique
from hokusai import (
    InvalidParameterError,
    ModelNotFoundError,
    ModelRegistry,
    NotificationError,
    RegistryException,
)
from hokusai_register.tokenized import TEXTS
from sandboxes import Sandbox

EVENTS = "tokenized-registration-events"


@pytest.fixture
def logged(model: Path, client: MlflowClient) -> str:
    """What a training step has logged."""
    run = client.create_run(client.create_experiment(unique("training")))
    client.log_metric(run.info.run_id, "accuracy", 0.95)
    client.log_artifact(run.info.run_id, str(model), "model")
    return f"runs:/{run.info.run_id}/model"


def test_it_is_registered_and_announced_once(behind_proxy: FaultServer, logged: str) -> None:
    name, token = unique("churn"), unique("tok")
    for status in ("registered", "already-registered"):
        found = ModelRegistry().register_tokenized_model(
            model_uri=logged,
            model_name=name,
            token_id=token,
            metric_name="accuracy",
            baseline_value=0.93,
            additional_tags={"team": "vision"},
        )
        assert (found["status"], found["event"], found["event_emitted"]) == (status, "sent", True)
        assert (found["token_id"], found["baseline_value"]) == (token.upper(), 0.93)
        assert found["tags"]["team"] == "vision"
        assert found["mlflow_run_id"] in logged
    assert len(behind_proxy.seen(f"POST /api/models/{EVENTS}")) == 1
    # The first one says that there is no such model.
    assert len(behind_proxy.seen("POST /api/mlflow/api/2.0/mlflow/model-versions/create")) == 2
    registry = ModelRegistry()
    (listed,) = registry.list_models_by_token(token)
    assert listed == registry.get_tokenized_model(name, "1")
    assert (listed["metric_name"], listed["event"]) == ("accuracy", "sent")


@pytest.mark.upstream(30, "after a failed announcement, doing it again makes another version")
def test_what_was_not_announced_is_told(behind_proxy: FaultServer, logged: str) -> None:
    behind_proxy.script = on(EVENTS, Reply(status=402))
    name = unique("churn")
    registry = ModelRegistry()
    with pytest.raises(NotificationError, match="is registered as version 1") as caught:
        registry.register_tokenized_model(logged, name, "tok", "accuracy", 0.93)
    assert "402" in caught.value.why
    found = registry.register_tokenized_model(
        logged, name, "tok", "accuracy", 0.93, best_effort_notification=True
    )
    assert (found["status"], found["event"]) == ("already-registered", "failed")
    assert "402" in found["notification_error"]


def test_the_event_tells_what_is_known_besides(at_sandbox: Sandbox, logged: str) -> None:
    texts = {name: f"{name}/1" for name in TEXTS}
    schema: dict[str, object] = {"inputs": [{"name": "text", "optional": None}]}
    name, registry = unique("churn"), ModelRegistry()
    for spec, version in (("eval_spec/1", "1"), ("eval_spec/1", "1"), ("eval_spec/2", "2")):
        found = registry.register_tokenized_model(
            logged,
            name,
            "tok",
            "auc",
            0.5,
            **{**texts, "eval_spec": spec, "api_schema": schema},  # type: ignore[arg-type]  # by name
        )
        assert (found["version"], found["event"]) == (version, "sent")
        assert found["tags"]["hokusai.eval_spec"] == spec
        assert found["tags"]["hokusai.scorer_ref"] == "scorer_ref/1"
    second, first = announced(at_sandbox, name)
    assert first.items() >= {**texts, "api_schema": schema}.items()
    assert (first["version"], second["version"]) == ("1", "2")


@pytest.mark.usefixtures("at_sandbox")
def test_it_need_not_be_announced(logged: str) -> None:
    found = ModelRegistry().register_tokenized_model(
        logged, unique("churn"), "tok", "accuracy", 0.93, notify_site=False
    )
    assert (found["status"], found["event"]) == ("registered", "not-sent")


WRONG = [
    ({"token_id": "-x"}, "token"),
    ({"token_id": "XRAY\n"}, "token"),
    ({"token_id": ""}, "token"),
    ({"metric_name": "f1_score"}, "f1"),
    ({"baseline_value": float("nan")}, "baseline"),
    ({"baseline_value": True}, "truth value"),
    ({"baseline_value": "0.9"}, "baseline"),
    ({"baseline_value": 1.5}, "from 0 to 1"),
    ({"additional_tags": {"hokusai_token_id": "OTHER"}}, "hokusai_token_id"),
    ({"model_uri": "s3://bucket/model"}, "runs:/RUN/PATH"),
    ({"model_name": ""}, "model-name"),
    ({"eval_spec": ""}, "eval_spec"),
    ({"eval_spce": "x"}, "eval_spce"),
    ({"api_schema": {"a": float("nan")}}, "a"),
    ({"additional_tags": {"hokusai.eval_spec": "x"}}, "hokusai."),
]


@pytest.mark.upstream(28, "what is wrong is found out after the upload")
@pytest.mark.upstream(34, "tags override the required ones, a truth value and NaN are baselines")
@pytest.mark.parametrize(
    ("wrong", "told"), WRONG, ids=[f"{n}-{row[1]}" for n, row in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_before_anything_is_sent(
    wrong: dict[str, object], told: str, behind_proxy: FaultServer
) -> None:
    registry = ModelRegistry()
    asked = len(behind_proxy.asked)
    usual: dict[str, object] = {
        "model_uri": "runs:/0123456789abcdef/model",
        "model_name": "churn",
        "token_id": "tok",
        "metric_name": "accuracy",
        "baseline_value": 0.5,
    }
    with pytest.raises(ValueError, match=told):
        registry.register_tokenized_model(**{**usual, **wrong})  # type: ignore[arg-type]  # wrong ones
    assert len(behind_proxy.asked) == asked


@pytest.mark.usefixtures("at_sandbox")
def test_a_version_without_a_token_is_none(model: Path) -> None:
    registry, name = ModelRegistry(), unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.5})
    with pytest.raises(RegistryException, match="no tokenized registration"):
        registry.get_tokenized_model(name, "1")
    with pytest.raises(ModelNotFoundError):
        registry.get_tokenized_model(name, "2")


def test_a_simulation_has_the_tags_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOKUSAI_MOCK_MODE", "true")
    registry = ModelRegistry()
    found = registry.register_tokenized_model(
        "runs:/abc123/model", "your-model", "your-token", "accuracy", 0.93
    )
    assert (found["status"], found["event"], found["token_id"]) == (
        "simulated",
        "not-sent",
        "YOUR-TOKEN",
    )
    assert len(registry.list_models_by_token("Your-Token")) == 1


@pytest.mark.upstream(41, "a line break passes at the end of a token id")
def test_the_rule_for_token_ids_is_the_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOKUSAI_MOCK_MODE", "true")
    registry = ModelRegistry()
    assert registry.normalize_token_id("msg-ai") == "MSG-AI"
    registry.validate_token_id("x" * 64)
    for wrong in ("", "x" * 65, "-x", "x-", "a_b", "XRAY\n", "ü"):
        with pytest.raises(InvalidParameterError):
            registry.validate_token_id(wrong)
