"""The action where there is no POSIX: the same results without what only POSIX has."""

from __future__ import annotations

import hashlib
import json
import signal
import sys
from pathlib import Path

import pytest

from functional.fault_server import Reply, faulty, on
from functional.runner import LIMIT, Runner, outputs

ELSEWHERE = (sys.executable, str(Path(__file__).parents[1] / "without_posix.py"))


@pytest.fixture
def runner(runner: Runner) -> Runner:
    """A job on such a machine, which would register a directory."""
    runner.prefix = ELSEWHERE
    model = runner.workspace / "model"
    (model / "part").mkdir(parents=True)
    (model / "part" / "weights.bin").write_bytes(b"weights")
    (model / "elsewhere").symlink_to("/etc", target_is_directory=True)
    runner.inputs |= {"model-path": "model", "result-file": "result.json"}
    return runner


def test_it_registers(runner: Runner) -> None:
    result = runner.action()
    assert result.said("registered", "ok", "mlflow")
    digest = hashlib.sha256(b"weights").hexdigest()
    tree = hashlib.sha256(f"{digest}  part/weights.bin\n".encode()).hexdigest()
    assert result.outputs["model-digest"] == tree
    written = json.loads((runner.workspace / "result.json").read_text(encoding="utf-8"))
    assert written["status"] == "registered"
    assert "left out of the model: elsewhere (symbolic link)" in written["remarks"]


def test_what_it_keeps_is_registered_later(runner: Runner) -> None:
    here = {name: runner.inputs[name] for name in ("tracking-uri", "api-url")}
    runner.inputs |= {"tracking-uri": "http://127.0.0.1:9/api/mlflow", "api-url": ""}
    kept = runner.action(fallback="local")
    assert kept.said("registered-local", "refused", "local")
    bundle = kept.outputs["bundle"]
    assert (runner.workspace / bundle / "files" / "part" / "weights.bin").is_file()

    of_the_bundle = {"model-name": "", "metrics": "", "model-path": bundle}
    runner.inputs |= here | of_the_bundle
    assert runner.action().said("registered", "ok", "mlflow")


def test_a_link_is_not_followed(runner: Runner) -> None:
    (runner.workspace / "metrics.json").symlink_to("/etc/hostname")
    result = runner.action(metrics="", metrics_file="metrics.json")
    assert result.said("failed", "file", "none")


def test_it_is_cancelled(runner: Runner) -> None:
    with faulty(on("", Reply(hang=LIMIT))) as server:
        runner.inputs |= {"tracking-uri": f"{server.url}/api/mlflow", "api-url": ""}
        process, output, _ = runner.start()
        assert process.stdout
        while "asking" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert outputs(output)["reason"] == "cancelled"
