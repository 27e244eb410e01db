"""A user's process for the SDK: no settings but the sandbox's, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import hokusai
from functional.fault_server import FaultServer, faulty
from functional.servers import closed
from hokusai_register.http import Network
from sandboxes import Sandbox


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take all settings out of the environment, and no MLflow for one that runs here by chance."""
    for name in [name for name in os.environ if name.startswith(("HOKUSAI_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOKUSAI_LOCAL_MLFLOW_URI", closed())
    monkeypatch.chdir(tmp_path)
    yield
    hokusai.reset_mlflow_auth()


@pytest.fixture
def asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a registry that is down be asked once."""
    monkeypatch.setitem(Network.__init__.__kwdefaults__, "tries", 1)


@pytest.fixture
def at_sandbox(sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The environment of somebody who has a key of the sandbox."""
    monkeypatch.setenv("HOKUSAI_API_KEY", key)
    monkeypatch.setenv("HOKUSAI_API_ENDPOINT", sandbox.api_url)
    return sandbox


@pytest.fixture
def behind_proxy(at_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """The same, with a proxy in front of the sandbox, to count and to misbehave by its script."""
    with faulty(upstream=at_sandbox.url) as started:
        monkeypatch.setenv("HOKUSAI_API_ENDPOINT", f"{started.url}/api")
        yield started


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights" * 100)
    return path
