"""A real sandbox in a process of its own, for tests to talk to."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hokusai_register.sandbox.keys import Keys
from hokusai_register.sandbox.place import Place

COMMAND = (
    sys.executable,
    "-c",
    "import sys; from hokusai_register.sandbox.command import main; sys.exit(main(sys.argv[1:]))",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Where a running sandbox answers, and a way to its keys."""

    url: str
    api_url: str
    tracking_uri: str
    page: str
    mlflow_url: str
    pid: int
    directory: Path

    def create_key(self, *scopes: str, name: str = "") -> str:
        """Make a key; without scopes one that may register."""
        scopes = scopes or ("registry:admin", "model:write")
        return Keys(Place(self.directory).keys).create(scopes, name)

    def revoke(self, key: str) -> None:
        """Put a key out of force."""
        keys = Keys(Place(self.directory).keys)
        found = keys.find(key)
        assert found, "the key is in force"
        assert keys.revoke(found.id)


def start(
    directory: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a sandbox on a free port; `ready` waits for it."""
    return subprocess.Popen(
        [
            *COMMAND,
            *("--directory", str(directory), "--port", "0"),
            *("--ready-file", str(_ready_file(directory)), *arguments),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=None if environ is None else {**os.environ, **environ},
    )


def ready(process: subprocess.Popen[str], directory: Path, limit: float = 120) -> Sandbox:
    """Wait until the sandbox answers."""
    deadline = time.monotonic() + limit
    while not _ready_file(directory).exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the sandbox is not ready in time"
        time.sleep(0.05)
    addresses = json.loads(_ready_file(directory).read_text(encoding="utf-8"))
    return Sandbox(directory=directory, **addresses)


def stop(
    process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM
) -> tuple[str, str]:
    """Send a signal, wait for the end, and return what it printed."""
    process.send_signal(number)
    return process.communicate(timeout=30)


@contextlib.contextmanager
def running(directory: Path, *arguments: str) -> Iterator[Sandbox]:
    """Give a sandbox for as long as the block lasts."""
    process = start(directory, *arguments)
    try:
        yield ready(process, directory)
    finally:
        stop(process)


def _ready_file(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.ready.json")
