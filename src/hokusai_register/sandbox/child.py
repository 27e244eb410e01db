"""A real MLflow server as a child process that cannot outlive the sandbox."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

LOG: Final = "mlflow.log"
# Below those that Linux, macOS and Windows hand out: MLflow takes its port only seconds later.
PORTS: Final = range(20_000, 32_000)
TRIES: Final = 100

# No setting or credential of the caller may reach the server: it would log in somewhere, write
# to another store, or show a key in its own environment.
_NOT_FOR_MLFLOW = ("HOKUSAI_", "MLFLOW_", "_MLFLOW_", "INPUT_")
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its helpers would be more processes
}
# Reads a pipe that nobody writes: it ends when the sandbox is gone, however it went, and then so
# does MLflow with all its children. Linux's PR_SET_PDEATHSIG would reach the first child only.
_WATCH = "import os, sys; sys.stdin.read(); os.killpg(int(sys.argv[1]), 9)"


class MLflow:
    """A running `mlflow server`."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self._process = process
        self.url, self.log = url, log

    @property
    def pid(self) -> int:
        """The process, which leads its group."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return how it ended, or None while it runs."""
        return self._process.poll()

    def log_end(self, lines: int = 20) -> str:
        """Return the last lines that it logged."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """End it and all its children, politely first."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@contextlib.contextmanager
def mlflow(directory: Path) -> Iterator[MLflow]:
    """Run an MLflow server on `directory` for as long as the block lasts; it starts meanwhile."""
    port = free_port()
    log = directory / LOG
    server = None
    try:
        # A signal between the birth of the process and its name here would leave it behind.
        with _undisturbed():
            server = MLflow(_start(directory, port, log), f"http://127.0.0.1:{port}", log)
        with _watched(server.pid):
            yield server
    finally:
        if server:
            server.stop()


def _start(directory: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own arguments
            [*(sys.executable, "-m", "mlflow", "server"), *_arguments(port)],
            # Nothing of the caller's directory may be imported or written; and relative paths
            # need no escaping in a URL.
            cwd=directory,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the sandbox; a group can be ended as one
        )


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals that would end us wait until the block is done."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    late: list[int] = []
    before = [signal.signal(number, lambda which, _: late.append(which)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        for which in late:
            signal.raise_signal(which)


@contextlib.contextmanager
def _watched(group: int) -> Iterator[None]:
    watch = subprocess.Popen(  # noqa: S603 - our own interpreter and our own arguments
        [sys.executable, "-I", "-S", "-c", _WATCH, str(group)],
        env={},
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # that the group is gone already is no news
        start_new_session=True,
    )
    try:
        yield
    finally:
        watch.communicate()


def _arguments(port: int) -> list[str]:
    return [
        *("--backend-store-uri", "sqlite:///mlflow.db"),
        *("--serve-artifacts", "--artifacts-destination", "artifacts"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    ]


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: v for name, v in environ.items() if not name.startswith(_NOT_FOR_MLFLOW)}
    return kept | _SETTINGS


def free_port() -> int:
    """Return a port of loopback that nobody has, nor is given who asks the system for any."""
    for port in secrets.SystemRandom().sample(PORTS, TRIES):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError(errno.EADDRINUSE, f"{TRIES} ports of loopback are all in use")
