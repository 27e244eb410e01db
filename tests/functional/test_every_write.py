"""Whatever becomes of any of its writes, a registration is there once, and whole, in the end.

The writes are counted, not listed: one that is added tomorrow is lost and killed here as well.
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.fault_server import Reply, faulty
from functional.forks import Fork
from functional.found import runs
from functional.runner import Result, Runner, unique
from functional.trees import tree
from functional.writes import Writes
from hokusai_register.sandbox.baselines import Baselines
from hokusai_register.sandbox.place import Place
from sandboxes import Sandbox

FEWEST = {"mlflow": 10, "api": 2}  # with fewer of them, what is counted here is something else
LOSSES = {
    "500": Reply(forward=True, status=500),
    "reset": Reply(forward=True, reset=True),
    "truncated": Reply(forward=True, body=b'{"run": {"info"' * 100, cut=20),
    "nonsense": Reply(forward=True, body=b"<html>"),
}
CROWD = 4  # jobs that come at once after every fourth that was killed
KNOWN = ("registered", "already-registered")


@pytest.fixture
def writes(runner: Runner, sandbox: Sandbox) -> Iterator[Writes]:
    """The writes of a job's registration on their way to the service."""
    script = Writes()
    (runner.workspace / "model").mkdir()
    for name in ("a.bin", "b.bin"):
        (runner.workspace / "model" / name).write_bytes(name.encode() * 1000)
    with faulty(script, sandbox.url) as proxy:
        runner.inputs |= {
            "tracking-uri": f"{proxy.url}/api/mlflow",
            "api-url": proxy.url,
            "fallback": "mock",  # which no doubt may lead to
            "model-path": "model",
            "params": "depth=3",
            "alias": "champion",
        }
        yield script


@pytest.fixture(params=["mlflow", "api"])
def tier(request: pytest.FixtureRequest, runner: Runner, writes: Writes) -> str:
    """The backend that takes it: the API where MLflow shows everything, and refuses to write."""
    del writes  # behind it are the addresses
    if request.param == "api":
        runner.inputs["tracking-uri"] = f"{runner.inputs['api-url']}/mlflow"
    return str(request.param)


@pytest.fixture
def counted(runner: Runner, writes: Writes, tier: str) -> Iterator[int]:
    """The number of each write of a registration; the next one has this write, and a new name."""
    assert runner.here().said("registered", "ok", tier)
    all_ = list(writes.seen)
    assert len(all_) >= FEWEST[tier], all_

    def one_by_one() -> Iterator[int]:
        for number in range(1, len(all_) + 1):
            runner.inputs["model-name"] = unique("model")
            writes.seen.clear()
            writes.at = number
            yield number
            assert len(writes.seen) >= number, f"nothing became of {all_[number - 1]}"

    return one_by_one()


@pytest.fixture
def assert_whole(
    runner: Runner,
    tier: str,
    sandbox: Sandbox,
    client: MlflowClient,
    fetch: Callable[[str], Path],
) -> Callable[[Result], None]:
    """See that the service has all of what a step says that it registered, and has it once."""
    in_mlflow = {"mlflow": 1, "api": 0}[tier]

    def see(result: Result) -> None:
        assert result.outputs["status"] in KNOWN, result.log
        assert result.outputs["backend"] == tier
        name = runner.inputs["model-name"]
        assert len(Baselines(Place(sandbox.directory).baselines).find({"model_id": name})) == (
            1 - in_mlflow
        )
        found = client.search_model_versions(f"name = '{name}'")
        assert len(found) == in_mlflow
        assert runs(client, name) == ["FINISHED"] * in_mlflow
        for version in found:
            run = client.get_run(version.run_id)
            assert (version.version, version.run_id) == ("1", result.outputs["run-id"])
            assert version.tags["hokusai.idempotency_key"]
            assert run.data.tags["hokusai.state"] == "complete"
            assert (run.data.metrics, run.data.params) == ({"accuracy": 0.875}, {"depth": "3"})
            assert len(client.get_metric_history(version.run_id, "accuracy")) == 1
            assert client.get_model_version_by_alias(name, "champion").version == "1"
            kept = tree(fetch(result.outputs["model-uri"]))
            assert kept.pop("MLmodel")
            assert kept == tree(runner.workspace / "model")

    return see


@pytest.mark.fault("N12", "answer to a new run lost", "registered/ok 0")
@pytest.mark.fault("N13", "answer to a new version lost", "registered/ok 0")
@pytest.mark.fault("N15", "answer to metrics, params or a tag lost", "registered/ok 0")
@pytest.mark.fault("H18", "500 on a write that was done", "registered/ok 0")
@pytest.mark.fault("H21", "truncated answer to a write", "registered/ok 0")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("loss", LOSSES)
def test_an_answer_that_is_lost(
    runner: Runner,
    writes: Writes,
    tier: str,
    counted: Iterator[int],
    assert_whole: Callable[[Result], None],
    loss: str,
) -> None:
    writes.fault = lambda: LOSSES[loss]
    for number in counted:
        result = runner.here()
        if loss == "nonsense" and result.outputs["status"] == "failed":
            # Who answers like this may be no MLflow at all.
            assert result.said("failed", "outcome-unknown", "none"), number
            result = runner.here()
        else:
            assert result.said("registered", "ok", tier), number
        assert_whole(result)


@pytest.mark.fault("N07", "nobody answers after a write", "failed 1, then finished")
@pytest.mark.usefixtures("hasty", "hurried", "tier")
def test_a_service_that_is_gone_after_a_write(
    runner: Runner, writes: Writes, counted: Iterator[int], assert_whole: Callable[[Result], None]
) -> None:
    writes.fault, writes.gone = (lambda: LOSSES["reset"]), Reply(reset=True)
    for number in counted:
        result = runner.here()
        assert result.outputs["status"] == "failed", (number, result.log)
        assert (result.exit_code, result.outputs["registered"]) == (1, "false")
        assert "run the job again" in result.errors[0]
        writes.at = 0
        assert_whole(runner.here())


@pytest.mark.slow
@pytest.mark.fault("R14", "SIGKILL at a write", "finished by the next attempt")
@pytest.mark.usefixtures("tier")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_step_that_is_killed_at_a_write(
    runner: Runner,
    writes: Writes,
    counted: Iterator[int],
    assert_whole: Callable[[Result], None],
    when: str,
) -> None:
    running: queue.SimpleQueue[Fork] = queue.SimpleQueue()

    def kill(answer: bytes = b"") -> bytes:
        running.get().kill()
        return answer

    def killed() -> Reply:
        if when == "after":
            return Reply(forward=True, edit=kill)
        kill()
        return Reply(reset=True)

    writes.fault = killed
    for number in counted:
        started = runner.fork()
        running.put(started[0])
        result = runner.finish(started)
        assert result.exit_code == -signal.SIGKILL, (number, result.log)
        assert result.outputs["reason"] == "interrupted"
        answers = runner.at_once([{}] * (1 if number % 4 else CROWD))
        assert len({(one.outputs["run-id"], one.outputs["model-version"]) for one in answers}) == 1
        assert_whole(answers[-1])


@pytest.mark.parametrize("tier", ["mlflow"], indirect=True)
@pytest.mark.usefixtures("tier")
def test_two_of_one_are_seen(runner: Runner, assert_whole: Callable[[Result], None]) -> None:
    assert_whole(runner.here())
    runner.run_id = "2"
    again = runner.here()
    with pytest.raises(AssertionError):
        assert_whole(again)
