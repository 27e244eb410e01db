"""What all functional tests share: one running sandbox, a job on a runner, MLflow's own client."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from functional.announced import TOKEN
from functional.fault_server import FaultServer, as_json, faulty
from functional.fault_table import pytest_runtest_makereport, pytest_terminal_summary
from functional.forks import unpaused
from functional.runner import Runner, unique
from hokusai_register.http import Network
from hokusai_register.http import client as http_client
from hokusai_register.registrars import late, once
from sandboxes import Sandbox, running

__all__ = ["pytest_runtest_makereport", "pytest_terminal_summary"]  # the table of faults


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
def tokenized(runner: Runner) -> Runner:
    """A job whose step registers a model with a token."""
    runner.inputs |= TOKEN
    return runner


@pytest.fixture
def client(sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """The official client, logged in to the sandbox."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", key)
    return MlflowClient(sandbox.tracking_uri)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the pauses before something is sent again or looked for."""
    defaults: Any = Network.__init__.__kwdefaults__
    # All of it is put back.
    monkeypatch.setattr(once, "SETTLE", once.SETTLE)
    monkeypatch.setattr(late, "PAUSES", late.PAUSES)
    monkeypatch.setitem(defaults, "jitter", defaults["jitter"])
    unpaused()


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before something is sent again, of which none is made."""
    pauses: list[float] = []
    monkeypatch.setitem(Network.__init__.__kwdefaults__, "sleep", pauses.append)
    return pauses


@pytest.fixture
def fetch(
    sandbox: Sandbox, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Download a version, `models:/NAME/VERSION`, as any user of MLflow would."""
    del client  # its login is what the download needs
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sandbox.tracking_uri)
    (tmp_path / "fetched").mkdir()
    return lambda uri: Path(
        mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "fetched"))
    )


@pytest.fixture
def proxy(runner: Runner, sandbox: Sandbox) -> Iterator[FaultServer]:
    """A proxy in front of the sandbox, to misbehave by its script."""
    with faulty(upstream=sandbox.url) as started:
        runner.inputs |= {"tracking-uri": f"{started.url}/api/mlflow", "api-url": started.url}
        yield started


@pytest.fixture
def other() -> Iterator[FaultServer]:
    """A host that nobody has any business with."""
    with faulty(lambda _: as_json({})) as started:
        yield started


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client's patience end after a second, not after half a minute."""
    monkeypatch.setattr(http_client, "CONTROL", 1.0)
    monkeypatch.setattr(http_client, "PHASE", 3.0)
    monkeypatch.setattr(http_client, "TRIES", 2)
