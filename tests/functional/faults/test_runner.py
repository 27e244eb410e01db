"""The runner's side: files that cannot be written, full disks, flags, names, time."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess

import pytest
from mlflow import MlflowClient

from functional.fault_table import case
from functional.runner import Result, Runner
from hokusai_register import bundle
from hokusai_register.render import interrupted

DEAD = {"tracking_uri": "http://127.0.0.1:1/api/mlflow", "api_url": "", "fallback": "local"}
mounts = pytest.mark.skipif(
    os.geteuid() != 0
    or subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0,
    reason="no mounts here",
)
LISTED = "find . -mindepth 1 -printf '%P\\n' > {home}/listing"


def mounted(runner: Runner, mount: str, **inputs: str) -> Result:
    """Run a step where `mount` was done first; keep a list of what it left."""
    listed = LISTED.format(home=runner.home)
    script = f'set -e; {mount}; set +e; "$@"; code=$?; {listed}; exit $code'
    before = ["unshare", "-m", "bash", "-c", script, "bash"]  # dash drops INPUT_API-KEY
    return runner.finish(runner.start(None, before, **inputs))


@pytest.mark.fault("R01", "no GITHUB_OUTPUT", "exit code 0, outputs in the log")
def test_r01_no_file_for_outputs(runner: Runner) -> None:
    result = runner.action({"GITHUB_OUTPUT": ""})
    assert result.exit_code == 0
    assert "hokusai-register: status=registered" in result.log
    assert "set-output" not in result.log


@pytest.mark.fault("R02", "GITHUB_OUTPUT cannot be written", "exit code 1, registered all the same")
@pytest.mark.parametrize("path", ["/nowhere/output", "/dev/full", "/"])
def test_r02_outputs_that_cannot_be_written(
    runner: Runner, client: MlflowClient, path: str
) -> None:
    result = runner.action({"GITHUB_OUTPUT": path})
    assert result.exit_code == 1
    assert len(result.errors) == 1
    version = client.get_model_version(runner.inputs["model-name"], "1")
    assert version.run_id in result.log
    assert "`" not in result.errors[0] or "result-file" in result.errors[0]
    assert "Registered" in result.summary


@pytest.mark.fault("R06", "a summary that has no room, or is not there", "as with one")
@pytest.mark.parametrize("size", [0, 1 << 20, -1])
def test_r06_a_summary_without_room(runner: Runner, size: int) -> None:
    path = runner.temp / "summary"
    if size >= 0:
        path.write_bytes(b"x" * size)
    result = runner.brisk({"GITHUB_STEP_SUMMARY": str(path)}, **DEAD)
    assert result.said("registered-local", "refused", "local")
    assert result.exit_code == 0
    if size == 0:
        assert path.read_text(encoding="utf-8").startswith("### ")
        return
    assert "the step summary has no room for this, or cannot be written" in result.log
    assert size < 0 or path.read_bytes() == b"x" * size
    assert size >= 0 or not path.exists()


@pytest.mark.fault("R15", "the same job again", "already-registered/ok 0 mlflow")
def test_r15_a_second_attempt(runner: Runner) -> None:
    first = runner.action()
    runner.attempt = 2
    second = runner.action()
    assert second.said("already-registered", "ok", "mlflow")
    for name in ("run-id", "model-version", "model-uri", "model-digest"):
        assert first.outputs[name] == second.outputs[name]


@mounts
@pytest.mark.parametrize("size", ["100k", "300k", "420k"])
@pytest.mark.parametrize(
    ("fallback", "status"),
    [
        case(("R19", "the disk is full", "failed/disk 1"), "local", "failed"),
        case(("R19", "the disk is full, mock allowed", "simulated/disk 0"), "mock", "simulated"),
    ],
)
def test_r19_a_full_disk(runner: Runner, size: str, fallback: str, status: str) -> None:
    (runner.workspace / ".hokusai").mkdir()
    (runner.workspace / "model.bin").write_bytes(b"x" * 250_000)
    mount = f"mount -t tmpfs -o size={size} none .hokusai"
    result = mounted(runner, mount, **{**DEAD, "fallback": fallback})
    assert (result.outputs["status"], result.outputs["reason"]) == (status, "disk"), result.log
    left = (runner.home / "listing").read_text().splitlines()
    bundles = [name for name in left if re.fullmatch(r"\.hokusai/bundles/[^/]+", name)]
    assert bundles == [name for name in (result.outputs["bundle"],) if name]
    assert bool(bundles) == (size != "100k")
    assert all(f"kept in {name}: register it later" in result.outputs["result"] for name in bundles)
    assert "No space left on device" in result.outputs["result"]
    assert all(f"{name}/bundle.json" in left for name in bundles)
    assert not [name for name in left if "/." in name]


@mounts
@pytest.mark.fault("R19", "the runner's temporary directory is full", "registered/ok 0 mlflow")
def test_r19_a_full_tmp(runner: Runner) -> None:
    mount = "mount -t tmpfs -o size=4k none /var/tmp; export TMPDIR=/var/tmp"
    result = mounted(runner, mount)
    assert result.said("registered", "ok", "mlflow")


READ_ONLY = "mount --bind {0} {0} && mount -o remount,ro,bind {0} && cd {0}"


@mounts
@pytest.mark.fault("R20", "the workspace is read-only", "registered; local: failed/disk 1")
@pytest.mark.parametrize("there", [True, False])
def test_r20_a_read_only_workspace(runner: Runner, there: bool) -> None:
    if there:
        assert runner.brisk(None, **DEAD, model_name="before").exit_code == 0
    mount = READ_ONLY.format(runner.workspace)
    result = mounted(runner, mount)
    assert result.said("registered", "ok", "mlflow")
    result = mounted(runner, mount, **DEAD)
    assert result.said("failed", "disk", "none")
    assert result.exit_code == 1
    result = mounted(runner, mount, **{**DEAD, "fallback": "mock"})
    assert result.said("simulated", "disk", "mock")


@pytest.mark.fault("R21", "a local store locked, torn or of another MLflow", "failed/disk 1")
@pytest.mark.parametrize("how", ["locked", "torn", "another", "older"])
def test_r21_a_local_store_that_cannot_be_used(runner: Runner, how: str) -> None:
    assert runner.brisk(None, **DEAD).exit_code == 0
    path = runner.workspace / ".hokusai" / "mlflow.db"
    (runner.workspace / "model.bin").write_bytes(b"others")
    before = path.read_bytes()
    lock = sqlite3.connect(path, isolation_level=None)
    if how == "locked":
        lock.execute("BEGIN EXCLUSIVE")
    elif how == "another":
        lock.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    elif how == "older":
        lock.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
        lock.execute("DROP TABLE inputs")
    else:
        path.write_bytes(b"SQLite format 3\0" + b"x" * 9000)
    if how != "locked":  # closing the file would give up this process's lock
        before = path.read_bytes()
    result = runner.brisk(None, **DEAD)
    mock = runner.brisk(None, **{**DEAD, "fallback": "mock"})
    lock.close()
    assert result.said("failed", "disk", "none")
    assert "hokusai-register replay" in result.errors[0]
    assert mock.said("simulated", "disk", "mock")
    for kept in (result, mock):
        assert bundle.is_bundle(runner.workspace / kept.outputs["bundle"])
    assert path.read_bytes() == before, "it was migrated"


@pytest.mark.fault("R23", "no HOME, and a user without a name", "registered-local/refused 0")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_r23_no_home(runner: Runner) -> None:
    environ = {"HOME": "", "USER": "", "LOGNAME": ""}
    assert runner.action(environ).said("registered", "ok", "mlflow")
    result = runner.finish(runner.start(environ, runner.stranger(), **DEAD))
    assert result.said("registered-local", "refused", "local")
    assert result.exit_code == 0


@pytest.mark.fault("R30", "a problem matcher looks at the log", "nothing that it knows")
def test_r30_no_traceback(runner: Runner) -> None:
    for inputs in ({}, DEAD, {"metrics": "{"}):
        log = runner.action(None, **inputs).log
        assert "Traceback" not in log
        assert not re.search(r'^\s*File "', log, re.MULTILINE)


def test_every_output_is_there_however_it_ends(runner: Runner) -> None:
    for inputs in ({"model_path": ""}, {"api_key": ""}, DEAD, {}):
        result = runner.action(None, **inputs)
        assert result.outputs.keys() == interrupted().keys()
        real = result.outputs["backend"] in ("mlflow", "api")
        assert (result.outputs["registered"] == "true") == real
