"""Keys that may less, keys that are wrong, and where a key must never be found."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from functional.runner import Runner
from functional.sinks import leaks
from sandboxes import Sandbox


def test_a_key_that_may_only_write_baselines_ends_in_the_api(
    runner: Runner, sandbox: Sandbox, client: MlflowClient
) -> None:
    runner.inputs |= {"api-key": sandbox.create_key("model:write"), "version": "v2"}
    first = runner.action()
    assert first.said("registered", "ok", "api")
    assert (first.exit_code, first.outputs["model-version"]) == (0, "v2")
    assert (first.outputs["run-id"], first.outputs["model-uri"]) == ("", "")
    assert "MLflow was passed over" in first.summary
    assert "auth-403" in first.summary
    assert first.outputs["model-digest"] in first.summary
    assert client.get_experiment_by_name(runner.inputs["model-name"]) is None
    assert client.search_model_versions(f"name = '{runner.inputs['model-name']}'") == []
    runner.attempt = 2
    assert runner.here().said("already-registered", "ok", "api")
    assert leaks(runner.inputs["api-key"], first, sandbox.directory, runner.workspace) == []


def test_nothing_else_is_asked_without_a_fallback(runner: Runner, sandbox: Sandbox) -> None:
    result = runner.here(fallback="none", api_key=sandbox.create_key("model:write"))
    assert result.said("failed", "auth-403", "none")
    assert result.exit_code == 3


@pytest.mark.fault("H03", "401 at M and A", "failed/auth-401 3")
def test_a_wrong_key_is_refused_by_both_and_shown_by_none(runner: Runner, sandbox: Sandbox) -> None:
    wrong = "hk_live_Wr0ngWr0ngWr0ngWr0ngWr0ngWr0ng"
    result = runner.action(api_key=wrong, result_file="result.json")
    assert result.said("failed", "auth-401", "none")
    assert result.exit_code == 3
    (error,) = result.errors
    for part in ("refuses the credentials", "Why: HTTP 401", "What to do: check that the secret"):
        assert part in error
        assert part.split(": ")[-1] in result.summary
    assert leaks(wrong, result, sandbox.directory, runner.workspace) == []


def test_a_right_key_is_in_nothing_that_was_written(runner: Runner, sandbox: Sandbox) -> None:
    key = sandbox.create_key()
    result = runner.action(api_key=f" {key}\n", result_file="result.json")
    assert result.said("registered", "ok", "mlflow")
    assert leaks(key, result, sandbox.directory, runner.workspace) == []


def test_a_revoked_key_is_a_wrong_one(runner: Runner, sandbox: Sandbox) -> None:
    key = sandbox.create_key()
    sandbox.revoke(key)
    assert runner.here(api_key=key).said("failed", "auth-401", "none")


@pytest.mark.parametrize("login", ["token", "key"])
def test_the_login_of_mlflow_is_its_own(runner: Runner, sandbox: Sandbox, login: str) -> None:
    """The token for MLflow, if there is one; a wrong one is not mended by a right key."""
    token = sandbox.create_key() if login == "token" else "wrong-token"
    runner.environ["MLFLOW_TRACKING_TOKEN"] = token
    result = runner.here(api_key=sandbox.create_key("model:write"))
    assert result.said("registered", "ok", "mlflow" if login == "token" else "api")
