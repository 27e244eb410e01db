"""Flags that contradict each other, that say neither, or whose names are nearly right."""

from __future__ import annotations

import time

import pytest

from functional.fault_server import Reply, faulty
from functional.fault_table import case
from functional.runner import Runner


@pytest.mark.parametrize("value", ["false", "0", "no", "FALSE"])
@pytest.mark.fault("R25", "HOKUSAI_MOCK_MODE that says no", "registered/ok 0 mlflow")
def test_r25_a_flag_that_says_no(runner: Runner, value: str) -> None:
    result = runner.action({"HOKUSAI_MOCK_MODE": value, "HOKUSAI_OPTIONAL_MLFLOW": value})
    assert result.said("registered", "ok", "mlflow")


@pytest.mark.fault("R25", "HOKUSAI_MOCK_MODE that says neither", "failed/input 2")
def test_r25_a_flag_that_says_neither(runner: Runner) -> None:
    result = runner.action({"HOKUSAI_MOCK_MODE": "maybe"})
    assert result.said("failed", "input", "none")
    assert "HOKUSAI_MOCK_MODE" in result.errors[0]


@pytest.mark.fault("R26", "HOKUSAI_MOCK_MODE and its opposite", "failed/input 2")
@pytest.mark.parametrize("inputs", [{"require_registered": "true", "tracking_uri": ""}, {}])
def test_r26_a_contradiction(runner: Runner, inputs: dict[str, str]) -> None:
    result = runner.action({"HOKUSAI_MOCK_MODE": "true"}, **inputs)
    assert result.said("failed", "input", "none")
    assert result.exit_code == 2


REFUSALS = [
    (Reply(status=401), "auth-401", 3),
    (Reply(status=403), "auth-403", 3),
    (Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}), "redirect", 1),
    (Reply(status=409), "conflict", 1),
]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        case(("R27", f"HOKUSAI_OPTIONAL_MLFLOW and {why}", f"failed/{why} {code}"), reply, why)
        for reply, why, code in REFUSALS
    ],
)
def test_r27_optional_is_not_whatever(runner: Runner, reply: Reply, reason: str) -> None:
    with faulty(lambda _: reply) as server:
        result = runner.action(
            {"HOKUSAI_OPTIONAL_MLFLOW": "true"},
            tracking_uri=f"{server.url}/api/mlflow",
            api_url=server.url,
            fallback="",
        )
    assert result.said("failed", reason, "none")
    assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.fault("R28", "an input whose name is nearly right", "failed/input 2")
def test_r28_a_near_miss(runner: Runner) -> None:
    for name in ("model-paht", "modelpath", "apikey", "metric"):
        result = runner.here(**{name: "x"})
        assert result.said("failed", "input", "none")
        assert result.exit_code == 2
        assert "did you mean" in result.errors[0]


@pytest.mark.fault("R28", "underscores, or another case", "registered/ok 0 mlflow")
def test_r28_another_spelling(runner: Runner) -> None:
    for name in ("INPUT_MODEL_PATH", "INPUT_Model-Path"):
        result = runner.action({name: "model.bin"}, model_path="")
        assert result.outputs["registered"] == "true"


@pytest.mark.fault("R29", "a job that is shorter than our budget", "failed/timeout 1")
def test_r29_a_deadline_of_its_own(runner: Runner) -> None:
    with faulty(lambda _: Reply(hang=60)) as server:
        began = time.monotonic()
        result = runner.action(tracking_uri=f"{server.url}/api/mlflow", timeout="2")
    assert result.exit_code == 1
    assert result.outputs["reason"] == "timeout"
    assert time.monotonic() - began < 8
