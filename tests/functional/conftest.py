"""What all functional tests share: one running sandbox, a job on a runner, MLflow's own client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.runner import Runner, unique
from sandboxes import Sandbox, running


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let connections that a step left open in this process be closed by the collector."""
    item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox for the whole session; name things uniquely, others use it too."""
    with running(tmp_path_factory.mktemp("sandbox") / "place") as started:
        yield started


@pytest.fixture(scope="session")
def key(sandbox: Sandbox) -> str:
    """A key that may register."""
    return sandbox.create_key()


@pytest.fixture
def runner(sandbox: Sandbox, key: str, tmp_path: Path) -> Runner:
    """A job whose step would register a bare file with the sandbox."""
    job = Runner(home=tmp_path / "job")
    (job.workspace / "model.bin").write_bytes(b"weights" * 1000)
    job.inputs = {
        "api-key": key,
        "tracking-uri": sandbox.tracking_uri,
        "api-url": sandbox.api_url,
        "model-path": "model.bin",
        "model-name": unique("model"),
        "metrics": "accuracy=0.875",
    }
    return job


@pytest.fixture
def client(sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """The official client, logged in to the sandbox."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", key)
    return MlflowClient(sandbox.tracking_uri)
