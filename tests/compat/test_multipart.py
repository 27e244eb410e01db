"""Large models in parts, straight to a real S3 store behind a real MLflow server on PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from compat import stores
from compat.pythons import ROOT
from functional.fault_server import Asked, FaultServer, Reply, faulty
from functional.runner import Result, Runner, unique
from functional.servers import mlflow_server
from functional.sinks import leaks
from hokusai_register.mlflow_plugin import multipart
from tools import missing

PYTHON = ROOT / ".venvs/compat-s3/bin/python"
KEY = "hk_live_0123456789abcdef0123456789"
MIB = 1 << 20
PART = 5 * MIB  # the smallest that S3 takes
PARTS = 4
WEIGHTS = (PARTS - 1) * PART + 12345  # bytes


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store keeps its objects."""
    return tmp_path_factory.mktemp("s3") / "store"


@pytest.fixture(scope="module")
def services(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FaultServer, str]]:
    """The line to the store, which sees all, and the address of the MLflow server."""
    if not PYTHON.exists():
        missing("the MLflow server with boto3 is not installed: make compat")
    with (
        stores.object_store(directory) as origin,
        faulty(upstream=origin) as line,
        stores.postgresql() as database,
        mlflow_server(
            PYTHON,
            tmp_path_factory.mktemp("mlflow"),
            *("--backend-store-uri", database),
            *("--artifacts-destination", f"s3://{stores.BUCKET}/artifacts"),
            **stores.KEYS,
            AWS_DEFAULT_REGION=stores.REGION,
            MLFLOW_S3_ENDPOINT_URL=line.url,
        ) as server,
    ):
        line.as_asked = True
        yield line, server


@pytest.fixture
def line(services: tuple[FaultServer, str], directory: Path) -> FaultServer:
    """The line to an empty store."""
    found = services[0]
    found.asked.clear()
    found.script = lambda _: None
    stores.clear(directory)
    return found


@pytest.fixture
def runner(services: tuple[FaultServer, str], tmp_path: Path) -> Runner:
    job = Runner(home=tmp_path / "job")
    (job.workspace / "model" / "deep er").mkdir(parents=True)
    (job.workspace / "model" / "deep er" / "weights+1.bin").write_bytes(os.urandom(WEIGHTS))
    (job.workspace / "model" / "config.json").write_text("{}")
    job.inputs = {
        "tracking-uri": services[1],
        "api-key": KEY,
        "model-path": "model",
        "model-name": unique("large"),
        "metrics": "accuracy=0.875",
        "fallback": "none",
    }
    return job


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts begin with files of a few MiB."""
    monkeypatch.setattr(multipart, "SMALLEST", 2 * PART)
    monkeypatch.setattr(multipart, "PART", PART)


def of_ours(line: FaultServer) -> list[Asked]:
    """Return what came from us, not from the MLflow server: the parts."""
    return [asked for asked in line.seen("PUT") if "partNumber=" in asked.path]


def assert_nobody_told(line: FaultServer, result: Result, runner: Runner) -> None:
    """The store was not told our key, nor anybody what was signed."""
    seen = "".join(f"{asked.path}{dict(asked.headers)}" for asked in of_ours(line))
    assert KEY not in seen
    assert not {name for asked in of_ours(line) for name in asked.headers} & {
        *("authorization", "x-api-key", "cookie", "idempotency-key")
    }
    for asked in of_ours(line):
        signature = asked.path.partition("X-Amz-Signature=")[2].partition("&")[0]
        assert len(signature) == 64
        assert leaks(signature, result, runner.temp) == []


def assert_kept(directory: Path, runner: Runner) -> None:
    """The store has the files as they are."""
    kept = stores.objects(directory)
    assert set(kept) == {"weights+1.bin", "config.json", "MLmodel"}
    for name in ("deep er/weights+1.bin", "config.json"):
        sent = runner.workspace / "model" / name
        assert kept[sent.name].read_bytes() == sent.read_bytes()


@pytest.mark.usefixtures("small")
def test_a_large_file_goes_straight_to_the_store(
    runner: Runner, line: FaultServer, directory: Path, services: tuple[FaultServer, str]
) -> None:
    result = runner.here()
    assert result.said("registered", "ok", "mlflow")
    assert len(of_ours(line)) == PARTS
    assert_kept(directory, runner)
    assert stores.unfinished(directory) == []
    assert_nobody_told(line, result, runner)
    version = MlflowClient(services[1]).get_model_version(runner.inputs["model-name"], "1")
    assert version.status == "READY"


@pytest.mark.usefixtures("small")
def test_a_part_that_fails_once_is_sent_again_alone(
    runner: Runner, line: FaultServer, directory: Path
) -> None:
    failing = [Reply(status=503)]

    def script(asked: Asked) -> Reply | None:
        return failing.pop() if failing and "partNumber=2&" in asked.path else None

    line.script = script
    assert runner.here().said("registered", "ok", "mlflow")
    assert len(of_ours(line)) == PARTS + 1
    assert not line.seen("DELETE")
    assert_kept(directory, runner)


@pytest.mark.usefixtures("small")
def test_addresses_that_the_store_does_not_take_are_asked_for_again(
    runner: Runner, line: FaultServer, directory: Path
) -> None:
    expired = [Reply(status=403, body=b"<Error><Code>ExpiredToken</Code></Error>")]

    def script(asked: Asked) -> Reply | None:
        return expired.pop() if expired and "partNumber=2&" in asked.path else None

    line.script = script
    assert runner.here().said("registered", "ok", "mlflow")
    assert line.seen("DELETE")
    assert_kept(directory, runner)


@pytest.mark.usefixtures("small")
def test_a_store_that_refuses_for_good_is_named_and_a_later_job_goes_on(
    runner: Runner, line: FaultServer, directory: Path
) -> None:
    def script(asked: Asked) -> Reply | None:
        refused = asked.method == "PUT" and "partNumber=" in asked.path
        # What AWS says of a wrong signature holds what was signed.
        said = f"<Error><Code>SignatureDoesNotMatch</Code><Was>{asked.path}</Was></Error>"
        return Reply(status=403, body=said.encode()) if refused else None

    line.script = script
    result = runner.here()
    assert result.outputs["status"] == "failed"
    (error,) = result.errors
    assert line.url.removeprefix("http://") in error
    assert "SignatureDoesNotMatch" in error
    assert len({asked.path for asked in line.seen("DELETE")}) == 2
    assert stores.unfinished(directory) == []
    assert_nobody_told(line, result, runner)
    line.script = lambda _: None
    assert runner.here().said("registered", "ok", "mlflow")
    assert_kept(directory, runner)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_that_ends_in_the_middle_is_finished_by_the_next(
    runner: Runner, line: FaultServer, directory: Path, number: signal.Signals
) -> None:
    weights = runner.workspace / "model" / "deep er" / "weights+1.bin"
    weights.write_bytes(os.urandom(multipart.SMALLEST + 1))
    running: list[subprocess.Popen[str]] = []

    def script(asked: Asked) -> Reply | None:
        if "partNumber=7&" not in asked.path:
            return None
        running[0].send_signal(number)
        return Reply(hang=8)

    line.script = script
    process, output, summary = runner.start()
    running.append(process)
    result = runner.finish((process, output, summary))
    if number == signal.SIGTERM:
        assert result.said("failed", "cancelled", "none")
        assert line.seen("DELETE")  # of parts that were on their way one may still arrive
    else:
        assert result.exit_code == -number
    line.script = lambda _: None
    assert runner.action().said("registered", "ok", "mlflow")
    assert weights.read_bytes() == stores.objects(directory)[weights.name].read_bytes()
