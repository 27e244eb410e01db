"""Plain MLflow servers of any version, each in its own virtual environment."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from functional.runner import kept

LIMIT = 120  # seconds until it must answer
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its helpers would be more processes
}


@functools.cache
def _taken() -> socket.socket:
    """Take a port for as long as the tests last, and do not listen: no other server may get it."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def closed() -> str:
    """Return the address of a port where nobody listens."""
    return f"http://127.0.0.1:{_taken().getsockname()[1]}"


@contextlib.contextmanager
def mlflow_server(
    python: Path, directory: Path, *arguments: str, **variables: str
) -> Iterator[str]:
    """Run an MLflow server for as long as the block lasts; give its origin."""
    directory.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = directory / "mlflow.log"
    environ = {name: value for name, value in kept().items() if name != "PYTHONPATH"}
    environ |= {"PATH": f"{python.parent}:{environ['PATH']}", "TMPDIR": str(directory)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(str(python), "-m", "mlflow", "server", "--host", "127.0.0.1"),
                *("--port", str(port), "--workers", "1"),
                *("--backend-store-uri", f"sqlite:///{directory / 'mlflow.db'}"),
                *("--artifacts-destination", str(directory / "artifacts"), *arguments),
            ],
            cwd=directory,
            env=environ | SETTINGS | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it has children, which end with the group
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + LIMIT
    while True:
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline, f"no answer in time: {log.read_text(errors='replace')}"
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/health", trust_env=False)  # whatever it says: a prefix moves it
            return
        time.sleep(0.1)
