"""The sandbox starts, and ends without leaving a process, whichever way it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hokusai_register.sandbox import child
from sandboxes import Sandbox, ready, start, stop


def processes() -> dict[int, int]:
    """Return the parent of every process, but not the dead that nobody collected."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                parents[int(entry.parent.name)] = int(fields[1])
    return parents


def family(pid: int) -> set[int]:
    """Return a process and all that descend from it."""
    parents, found = processes(), {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def left_of(pids: set[int], limit: float = 10) -> set[int]:
    """Return those that are still there after a while."""
    deadline = time.monotonic() + limit
    while (left := pids & set(processes())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "place"


@pytest.fixture
def process(directory: Path) -> Iterator[subprocess.Popen[str]]:
    secrets = {"HOKUSAI_API_KEY": "hk_live_x", "MLFLOW_TRACKING_TOKEN": "t", "INPUT_API-KEY": "k"}
    process = start(directory, environ=secrets)
    yield process
    if process.poll() is None:
        stop(process, signal.SIGKILL)
    process.communicate()


def started(process: subprocess.Popen[str], directory: Path) -> tuple[Sandbox, set[int]]:
    began = time.monotonic()
    sandbox = ready(process, directory)
    print(f"\nready after {time.monotonic() - began:.1f} s")
    assert sandbox.pid == process.pid
    pids = family(process.pid)
    assert len(pids) >= 4, "the sandbox, its watch, MLflow and MLflow's own server"
    return sandbox, pids


def test_ctrl_c_ends_all_of_it(process: subprocess.Popen[str], directory: Path) -> None:
    sandbox, pids = started(process, directory)
    for pid in pids - {process.pid}:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
        assert not any(name in environ for name in (b"HOKUSAI_", b"TOKEN=t", b"INPUT_API-KEY"))
    with httpx.Client(trust_env=False) as idle:  # a client that keeps its connection
        assert idle.get(f"{sandbox.url}/ready").status_code == 200
        out, err = stop(process, signal.SIGINT)
    assert (process.returncode, err) == (0, "")
    assert left_of(pids) == set()
    for address in (sandbox.api_url, sandbox.tracking_uri, sandbox.page, "sandbox keys create"):
        assert address in out
    assert not directory.with_name("place.ready.json").exists()
    assert directory.stat().st_mode & 0o777 == 0o700


def test_sigterm_while_it_starts_ends_all_of_it(
    process: subprocess.Popen[str], directory: Path
) -> None:
    while not (directory / "mlflow.log").exists():
        time.sleep(0.01)
    pids = family(process.pid)
    out, err = stop(process)
    assert (process.returncode, out, err) == (0, "", "")
    assert left_of(pids) == set()


def test_nothing_outlives_a_killed_sandbox(process: subprocess.Popen[str], directory: Path) -> None:
    _, pids = started(process, directory)
    stop(process, signal.SIGKILL)
    assert left_of(pids) == set()


def test_says_so_when_mlflow_ends(process: subprocess.Popen[str], directory: Path) -> None:
    _, pids = started(process, directory)
    server = max(pids, key=lambda pid: b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(server, signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "MLflow ended with" in err
    assert "Application startup complete" in err
    assert left_of(pids) == set()


def test_says_so_when_mlflow_cannot_start(directory: Path) -> None:
    directory.mkdir()
    (directory / "mlflow.db").write_text("this is no database\n" * 100)
    stale = directory.with_name("place.ready.json")
    stale.write_text("{}")
    process = start(directory)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "MLflow ended with 1" in err
    assert "file is not a database" in err
    assert not stale.exists()


def test_a_signal_at_the_birth_of_mlflow_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    born: list[subprocess.Popen[bytes]] = []

    def interrupted(*_: object) -> subprocess.Popen[bytes]:
        born.append(subprocess.Popen(["sleep", "60"], start_new_session=True))
        signal.raise_signal(signal.SIGINT)
        return born[0]

    monkeypatch.setattr(child, "_start", interrupted)
    # Who starts the tests in the background may have it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), child.mlflow(tmp_path):
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert born[0].poll() is not None
