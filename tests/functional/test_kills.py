"""A step that is killed at any of its writes, and run again: one run, one version, all of it."""

from __future__ import annotations

import subprocess

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, Reply, faulty
from functional.runner import Runner
from sandboxes import Sandbox

WRITES = (
    "experiments/create",
    "runs/create",
    "runs/log-batch",
    "model.bin",
    "MLmodel",
    "registered-models/create",
    "model-versions/create",
    "registered-models/alias",
    "runs/set-tag",
    "runs/update",
)


@pytest.mark.slow
@pytest.mark.fault("R14", "SIGKILL at a write", "finished by the next attempt")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_a_step_that_is_killed_at_a_write_is_finished_by_the_next(
    runner: Runner, sandbox: Sandbox, client: MlflowClient, write: str, when: str
) -> None:
    running: list[subprocess.Popen[str]] = []
    at: list[Asked] = []

    def kill(body: bytes = b"") -> bytes:
        running[-1].kill()
        return body

    def script(asked: Asked) -> Reply | None:
        if at or asked.method == "GET" or write not in str(asked):
            return None
        at.append(asked)
        if when == "after":
            return Reply(forward=True, edit=kill)
        kill()
        return Reply(reset=True)

    with faulty(script, sandbox.url) as proxy:
        runner.inputs |= {
            "tracking-uri": f"{proxy.url}/api/mlflow",
            "fallback": "none",
            "alias": "champion",
        }
        process, _, _ = runner.start()
        running.append(process)
        process.communicate(timeout=60)
        assert at
        assert process.returncode == -9
        result = runner.action()
    assert result.outputs["status"] in ("registered", "already-registered"), result.log
    name = runner.inputs["model-name"]
    (version,) = client.search_model_versions(f"name = '{name}'")
    (run,) = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    assert version.run_id == run.info.run_id == result.outputs["run-id"]
    assert (run.info.status, run.data.tags["hokusai.state"]) == ("FINISHED", "complete")
    assert client.get_model_version_by_alias(name, "champion").version == version.version
    assert {f.path for f in client.list_artifacts(version.run_id, "model")} == {
        "model/MLmodel",
        "model/model.bin",
    }
    assert len(client.get_metric_history(run.info.run_id, "accuracy")) == 1
