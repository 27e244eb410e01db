"""Metrics that are right: many of them, as much text as a system passes on, any letters."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.fault_server import FaultServer
from functional.runner import Runner

BATCH = 1000  # metrics that a server takes in one request
LONGEST = 131_071  # bytes of a variable, with its name and the sign between: Linux, MAX_ARG_STRLEN
README = Path(__file__).parents[3] / "README.md"


@pytest.mark.fault("F28", "a byte order mark", "registered/ok 0 mlflow")
def test_f28_a_byte_order_mark(runner: Runner, client: MlflowClient) -> None:
    (runner.workspace / "metrics.yaml").write_bytes("\ufeffä: 1".encode())
    result = runner.here(metrics="", metrics_file="metrics.yaml")
    assert result.said("registered", "ok", "mlflow")
    assert client.get_run(result.outputs["run-id"]).data.metrics == {"ä": 1.0}


@pytest.mark.fault("F31", "more metrics than one batch takes", "registered/ok 0 mlflow")
@pytest.mark.parametrize("number", [BATCH + 1, 5 * BATCH])
def test_f31_many_metrics(
    runner: Runner, proxy: FaultServer, client: MlflowClient, number: int
) -> None:
    values = {f"m{n}": n / 7 for n in range(number)}
    result = runner.here(metrics=json.dumps(values))
    assert result.said("registered", "ok", "mlflow")
    sent = [len(json.loads(asked.body)["metrics"]) for asked in proxy.seen("log-batch")]
    assert sum(sent) == number
    assert max(sent) <= BATCH
    kept = client.get_run(result.outputs["run-id"]).data.metrics
    assert kept == pytest.approx(values, rel=1e-15)
    assert result.report["model"]["metrics"] == values


@pytest.mark.fault("F32", "a variable of 131,072 bytes", "E2BIG before the step starts")
def test_f32_what_no_system_starts_cannot_reach_us(runner: Runner) -> None:
    most = LONGEST - len("INPUT_METRICS=")
    with pytest.raises(OSError, match="Argument list too long") as caught:
        runner.action(metrics="a=1".ljust(most + 1))
    assert caught.value.errno == errno.E2BIG
    assert runner.action(metrics="a=1".ljust(most)).said("registered", "ok", "mlflow")


@pytest.mark.fault("F32", "metrics of 131,000 bytes", "registered/ok 0 mlflow")
def test_f32_the_readme_says_how_much_is_enough(runner: Runner, client: MlflowClient) -> None:
    readme = README.read_text(encoding="utf-8")
    assert "131,000 bytes" in readme
    assert "`metrics-file`" in readme
    values = {f"{'name of a metric ' * 4}{n}": n / 8 for n in range(1400)}
    result = runner.action(metrics=json.dumps(values).ljust(131_000))
    assert result.said("registered", "ok", "mlflow")
    assert client.get_run(result.outputs["run-id"]).data.metrics == values
