"""A job that is cancelled as a runner cancels it, where our process is the container's first."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest
from mlflow import MlflowClient

from actions_runner import ActionsRunner
from functional.fault_server import Asked, FaultServer, Reply, faulty
from runner_step import Ended, Expect, Step
from sandboxes import Sandbox

pytestmark = pytest.mark.slow

INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.fixture
def silent() -> Iterator[FaultServer]:
    """A server that takes every request, and says nothing."""
    with faulty(lambda _: Reply(hang=60)) as server:
        yield server


@pytest.fixture
def start(runner: ActionsRunner, given: dict[str, str]) -> Iterator[Callable[..., Step]]:
    """Start steps with the given inputs and others, and leave none behind."""
    steps: list[Step] = []

    def begin(others: dict[str, str], **environ: str) -> Step:
        steps.append(runner.start({**given, **others}, **environ))
        return steps[-1]

    yield begin
    for step in steps:
        command = [runner.docker, "rm", "-f", step.container]
        subprocess.run(command, capture_output=True, check=False)
        step.process.wait()


def is_told(ended: Ended) -> None:
    """Check that whoever looks at the run is told what became of it."""
    assert ended.outputs["registered"] == "false"
    assert "the step was cancelled" in ended.summary
    assert "title=The model is not registered::the step was cancelled." in ended.log


@pytest.mark.parametrize(
    ("signals", "code"),
    [([INT], 130), ([TERM], 143), ([INT, TERM], 130)],
    ids=["a cancelled job", "a machine that ends", "both"],
)
def test_while_a_server_is_asked(
    start: Callable[..., Step],
    silent: FaultServer,
    expect: Expect,
    signals: list[signal.Signals],
    code: int,
) -> None:
    step = start({"tracking-uri": f"{silent.url}/api/mlflow", "fallback": "mock"})
    step.wait_for(lambda: silent.asked)
    is_told(expect(step.cancel(*signals), f"failed/cancelled {code}"))


def test_while_a_file_is_sent(
    start: Callable[..., Step],
    runner: ActionsRunner,
    given: dict[str, str],
    sandbox: Sandbox,
    expect: Expect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (runner.workspace / "model/weights.bin").write_bytes(os.urandom(32 << 20))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", given["api-key"])
    client = MlflowClient(sandbox.tracking_uri)

    def states() -> list[str]:
        experiment = client.get_experiment_by_name(given["model-name"])
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        return [run.info.status for run in runs]

    with faulty(upstream=sandbox.url) as slow:
        slow.pace = 0.2
        began: list[Asked] = []
        slow.early = lambda asked: began.append(asked) if asked.method == "PUT" else None
        step = start({"tracking-uri": f"{slow.url}/api/mlflow", "fallback": "mock"})
        step.wait_for(lambda: began)
        assert states() == ["RUNNING"]
        is_told(expect(step.cancel(INT), "failed/cancelled 130"))
    assert states() == ["FAILED"]
    expect(runner.step(given), "registered/ok 0 mlflow")
    assert "FINISHED" in states()


def test_while_the_model_is_kept_here(
    start: Callable[..., Step], runner: ActionsRunner, silent: FaultServer, expect: Expect
) -> None:
    """What is kept already belongs to the workspace's owner, as `expect` checks."""
    away = {"tracking-uri": "http://127.0.0.1:1/api/mlflow", "fallback": "local"}
    step = start(away, HOKUSAI_LOCAL_MLFLOW_URI=silent.url)
    step.wait_for(lambda: silent.asked)
    is_told(expect(step.cancel(INT), "failed/cancelled 130"))
    assert list(runner.workspace.glob(".hokusai/bundles/*/bundle.json"))


def test_a_killed_step_was_interrupted(
    start: Callable[..., Step], runner: ActionsRunner, silent: FaultServer, expect: Expect
) -> None:
    step = start({"tracking-uri": f"{silent.url}/api/mlflow"})
    step.wait_for(lambda: silent.asked)
    subprocess.run([runner.docker, "kill", step.container], capture_output=True, check=True)
    ended = expect(step.end(), "failed/interrupted 137")
    assert ended.outputs["registered"] == "false"
    assert ended.summary == ""
