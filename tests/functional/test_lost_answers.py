"""Answers that get lost after the server did its part: still one run and one version."""

from __future__ import annotations

from typing import Any

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, Reply, faulty
from functional.runner import Runner
from sandboxes import Sandbox

WRITES = (
    "experiments/create",
    "runs/create",
    "runs/log-batch",
    "PUT",
    "registered-models/create",
    "model-versions/create",
    "registered-models/alias",
    "runs/set-tag",
    "runs/update",
)
LOSSES = {
    "500": Reply(forward=True, status=500),
    "reset": Reply(forward=True, reset=True),
    "truncated": Reply(forward=True, body=b'{"run": {"info"' * 100, cut=20),
    "nonsense": Reply(forward=True, body=b"<html>"),
}


CASES = [
    *((write, loss) for write in WRITES for loss in ("500", "reset")),
    *((write, "truncated") for write in ("runs/create", "PUT", "model-versions/create")),
    *((write, "nonsense") for write in ("runs/create", "PUT", "model-versions/create")),
]
FAULTS = {
    "runs/create": ("N12", "answer to a new run lost"),
    "model-versions/create": ("N13", "answer to a new version lost"),
    "runs/log-batch": ("N15", "answer to metrics and params lost"),
    "runs/set-tag": ("N15", "answer to a tag lost"),
    "500": ("H18", "500 on a write that was done"),
    "truncated": ("H21", "truncated answer to a write"),
}


def case(write: str, loss: str) -> Any:
    """Return one case, marked with the faults that it is."""
    known = [FAULTS[name] for name in (write, loss) if name in FAULTS]
    marks = [pytest.mark.fault(*fault, "registered/ok 0 mlflow") for fault in known]
    return pytest.param(write, loss, marks=marks)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(("write", "loss"), [case(*names) for names in CASES])
def test_one_lost_answer(
    runner: Runner, client: MlflowClient, sandbox: Sandbox, write: str, loss: str
) -> None:
    left = [LOSSES[loss]]

    def script(asked: Asked) -> Reply | None:
        return left.pop() if left and write in str(asked) and asked.method != "GET" else None

    with faulty(script, sandbox.url) as proxy:
        runner.inputs |= {"tracking-uri": f"{proxy.url}/api/mlflow", "alias": "champion"}
        runner.inputs["params"] = "depth=3"
        result = runner.here(fallback="none")
        if (write, loss) == ("PUT", "nonsense"):  # who says that is no MLflow; but a re-run is safe
            assert result.said("failed", "outcome-unknown", "none")
            result = runner.here(fallback="none")
    assert not left
    assert result.said("registered", "ok", "mlflow")
    name = runner.inputs["model-name"]
    experiment = client.get_experiment_by_name(name)
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.status, run.data.tags["hokusai.state"]) == ("FINISHED", "complete")
    (version,) = client.search_model_versions(f"name = '{name}'")
    assert version.run_id == run.info.run_id == result.outputs["run-id"]
    assert client.get_model_version_by_alias(name, "champion").version == version.version
    assert len(client.get_metric_history(run.info.run_id, "accuracy")) == 1
    assert run.data.params == {"depth": "3"}
