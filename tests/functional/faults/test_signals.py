"""A cancelled job: what it left is closed and said, also where nobody else is process 1."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.fault_server import Reply, faulty
from functional.runner import LIMIT, Result, Runner
from functional.slow_line import slow_line
from sandboxes import Sandbox

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
FIRST = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
CAN_BE_FIRST = (
    os.geteuid() == 0
    and not subprocess.run([*FIRST, "true"], capture_output=True, check=False).returncode
)
PLACES = [
    "ordinary",
    pytest.param(
        "process 1", marks=pytest.mark.skipif(not CAN_BE_FIRST, reason="no namespaces here")
    ),
]


class Step:
    """A step that runs, alone or as the first process of a container."""

    def __init__(self, runner: Runner, place: str, **inputs: str) -> None:
        before = FIRST if place == "process 1" else ()
        self.runner, self.started = runner, runner.start(None, before, **inputs)
        self.process = self.started[0]
        self.inner = bool(before)
        self.log = ""

    def until(self, word: str) -> None:
        """Wait until `word` is in the log."""
        assert self.process.stdout
        stream = self.process.stdout
        deadline = time.monotonic() + LIMIT
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while word not in self.log:
                assert selector.select(deadline - time.monotonic()), self.log
                line = stream.readline()
                assert line, self.log
                self.log += line

    def send(self, number: signal.Signals) -> None:
        pid = self.process.pid
        if self.inner:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            pid = int(children.read_text().split()[0])
        os.kill(pid, number)

    def end(self) -> Result:
        return self.runner.finish(self.started, self.log)


@pytest.fixture
def started(runner: Runner) -> Iterator[Callable[..., Step]]:
    """Start steps, and leave none behind."""
    steps: list[Step] = []

    def start(place: str = "ordinary", **inputs: str) -> Step:
        steps.append(Step(runner, place, **inputs))
        return steps[-1]

    yield start
    for step in steps:
        with contextlib.suppress(ProcessLookupError):
            step.process.kill()
        step.process.wait()


def check(result: Result, number: signal.Signals) -> None:
    assert result.said("failed", "cancelled", "none")
    assert result.exit_code == 128 + number
    assert "cancelled" in result.summary
    assert len(result.errors) == 1
    assert "Traceback" not in result.log


@pytest.mark.fault("R11", "a signal while a server is asked", "failed/cancelled 130, 143, 129")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", SIGNALS)
def test_r11_a_signal_while_a_server_is_asked(
    started: Callable[..., Step], number: signal.Signals, place: str
) -> None:
    with faulty(lambda _: Reply(hang=60)) as server:
        step = started(place, tracking_uri=f"{server.url}/api/mlflow", fallback="mock")
        step.until("asking")
        time.sleep(0.3)
        began = time.monotonic()
        step.send(number)
        with contextlib.suppress(ProcessLookupError, IndexError):
            time.sleep(0.2)
            step.send(signal.SIGTERM)
        check(step.end(), number)
        assert time.monotonic() - began < 5


@pytest.mark.fault("R12", "a signal while a file is sent", "failed/cancelled 130, 143, 129")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", SIGNALS)
def test_r12_a_signal_while_a_file_is_sent(
    started: Callable[..., Step],
    runner: Runner,
    sandbox: Sandbox,
    client: MlflowClient,
    number: signal.Signals,
    place: str,
) -> None:
    (runner.workspace / "model.bin").write_bytes(os.urandom(16 << 20))
    with slow_line(sandbox.url) as url:
        step = started(place, tracking_uri=f"{url}/api/mlflow", api_url="", fallback="mock")
        step.until("uploading")
        time.sleep(0.5)
        began = time.monotonic()
        step.send(number)
        check(step.end(), number)
        assert time.monotonic() - began < 5
    experiment = client.get_experiment_by_name(runner.inputs["model-name"])
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status in ("FAILED", "KILLED")
    assert runner.action(fallback="none", tracking_uri=sandbox.tracking_uri).exit_code in (0, 1)


@pytest.mark.fault("R11", "a signal before anything was read", "failed/cancelled 130, 143, 129")
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("after", [0.0, 0.03, 0.1])
def test_r11_a_signal_at_the_start(
    started: Callable[..., Step], number: signal.Signals, after: float
) -> None:
    with faulty(lambda _: Reply(hang=60)) as server:
        step = started(tracking_uri=f"{server.url}/api/mlflow")
        while signal_ignored(step.process.pid, number):
            time.sleep(0.001)
        time.sleep(after)
        step.send(number)
        check(step.end(), number)


def signal_ignored(pid: int, number: signal.Signals) -> bool:
    """Whether the process has no handler of its own yet (nobody can answer before that)."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(int(row.split()[1], 16) for row in rows if row.startswith("SigCgt"))
    return not caught >> (signal.SIGHUP - 1) & 1 or not caught >> (number - 1) & 1


@pytest.mark.fault("R14", "SIGKILL, or out of memory", "failed/interrupted -9")
def test_r14_a_killed_step_was_interrupted(started: Callable[..., Step]) -> None:
    with faulty(lambda _: Reply(hang=60)) as server:
        step = started(tracking_uri=f"{server.url}/api/mlflow")
        step.until("asking")
        step.send(signal.SIGKILL)
        result = step.end()
    assert result.said("failed", "interrupted", "none")
    assert (result.exit_code, result.outputs["registered"]) == (-9, "false")
