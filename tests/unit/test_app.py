"""The straight line: whatever happens, something is published and the exit code says what."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes import KEY, Host, Registry, receipt
from hokusai_register import app, registrars
from hokusai_register.errors import (
    AuthError,
    InternalError,
    Reason,
    RegisterError,
    UnconfirmedError,
)
from hokusai_register.model import Backend, Receipt, Report, Status
from hokusai_register.registrars import client
from runner_rules import runner_commands

TAKEN = AuthError("it is refused", why="it was old", fix="make another one")
DOUBT = UnconfirmedError("it broke", why="it was old", fix="run it again")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    before, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = before
    logging.root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "model.pkl").write_bytes(b"weights")
    raw = {"api-key": KEY, "model-name": "churn", "model-path": "model.pkl", "metrics": "auc=1"}
    return Host(raw, {}, tmp_path)


def published(host: Host) -> Report:
    (report,) = host.published
    return report


def test_wrong_inputs_are_published_and_end_with_2(host: Host) -> None:
    host.raw = {}
    assert app.run(host) == 2
    assert published(host).reason is Reason.INPUT


def test_a_key_is_masked_before_anything_is_found_wrong(host: Host) -> None:
    host.raw = {"api-key": f"Bearer {KEY}"}
    assert app.run(host) == 2
    assert host.masked == [f"Bearer {KEY}"]


@pytest.mark.parametrize(
    ("size", "mock", "heard"),
    [
        (7, "", ["begins 7", "advances 7"]),
        (8, "", ["begins 8", "hashing 0 MB", "importing", "advances 8", "imported"]),
        (8, "true", ["begins 8", "hashing 0 MB", "advances 8"]),
    ],
)
def test_mlflow_is_imported_while_a_large_model_is_hashed(
    size: int, mock: str, heard: list[str], host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def ahead() -> Iterator[None]:
        host.step("importing")
        yield
        host.step("imported")

    monkeypatch.setattr(app, "LARGE", 8)
    monkeypatch.setattr(client, "ahead", ahead)
    backends = dict.fromkeys((Backend.MLFLOW, Backend.MOCK), Registry(TAKEN))
    monkeypatch.setattr(registrars, "build", lambda *_: backends)
    (host.workspace / "model.pkl").write_bytes(b"w" * size)
    host.environ = {"HOKUSAI_MOCK_MODE": mock}
    app.run(host)
    assert host.heard == heard


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_cancelled_step_says_so_and_ends_with_the_signal(
    host: Host, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    number, before = signal.Signals[name], signal.getsignal(signal.Signals[name])
    monkeypatch.setattr(host, "mask", lambda _: signal.raise_signal(number))
    assert app.run(host) == 128 + number
    report = published(host)
    assert report.reason is Reason.CANCELLED
    assert name in str(report.error)
    assert signal.getsignal(number) is before


def test_a_signal_while_the_report_is_published_changes_nothing(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = host.publish

    def interrupted(report: Report) -> bool:
        signal.raise_signal(signal.SIGTERM)
        return publish(report)

    monkeypatch.setattr(host, "publish", interrupted)
    host.raw = {"model-name": "a/b"}
    assert app.run(host) == 2


def test_a_bug_is_published_without_its_words_and_ends_with_70(
    host: Host, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNNER_DEBUG", raising=False)
    host.reads = KeyError(f"secret {KEY}")
    assert app.run(host) == 70
    report = published(host)
    assert (type(report.error), report.reason) == (InternalError, Reason.INTERNAL)
    assert "KeyError in read" in str(report.error)
    assert "Traceback" not in "".join((*capfd.readouterr(), *host.heard))
    assert KEY not in str(report.error)


def test_a_bug_shows_its_traceback_when_that_is_asked_for(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_DEBUG", "1")
    host.reads = KeyError("x")
    assert app.run(host) == 70
    assert host.heard[0] == "| Traceback (most recent call last):"
    assert host.heard[-1] == "| KeyError: 'x'"


@pytest.mark.parametrize(
    ("ends", "status", "codes"),
    [(receipt(), Status.REGISTERED, (0, 1)), (DOUBT, Status.FAILED, (1, 1))],
)
def test_a_result_that_cannot_be_written_is_no_success(
    ends: Receipt | UnconfirmedError,
    status: Status,
    codes: tuple[int, int],
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backends = {Backend.MLFLOW: Registry(ends)}
    monkeypatch.setattr(registrars, "build", lambda *_: backends)
    for host.writable, code in zip((True, False), codes, strict=True):
        host.published.clear()
        assert app.run(host) == code
        assert published(host).status is status


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize(
    ("raises", "ends", "code", "says"),
    [
        (OSError(28, "No space left on device"), receipt(), 1, "why: No space left on device"),
        (OSError(28, "No space left on device"), TAKEN, 3, "why: No space left on device"),
        (KeyError("status"), receipt(), 70, "why: KeyError in publish"),
        (KeyError("status"), TAKEN, 3, "why: KeyError in publish"),
    ],
)
def test_a_result_that_cannot_be_shown_is_told(
    raises: Exception,
    ends: Receipt | RegisterError,
    code: int,
    says: str,
    debug: str,
    host: Host,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def publish(_: Report) -> bool:
        raise raises

    monkeypatch.setenv("RUNNER_DEBUG", debug)
    monkeypatch.setattr(registrars, "build", lambda *_: {Backend.MLFLOW: Registry(ends)})
    monkeypatch.setattr(host, "publish", publish)
    host.raw = {**host.raw, "fallback": "none"}
    assert app.run(host) == code
    heard = "\n".join(host.heard)
    assert says in heard
    assert ("run_id='9c1e'" in heard) is isinstance(ends, Receipt), "what stands is not lost"
    assert ("Traceback" in heard) is (debug == "1" and isinstance(raises, KeyError))


BROKEN_DOCTOR = """
import hokusai_register.doctor
from hokusai_register.app import main
hokusai_register.doctor.diagnose = lambda *_, **__: {}["x"]
main(["doctor", *__import__("sys").argv[1:]])
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_in_the_doctor_is_a_finding_and_ends_with_70(tmp_path: Path, debug: str) -> None:
    source = str(Path(app.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", BROKEN_DOCTOR, "--json"],
        env={"PYTHONPATH": source, "RUNNER_DEBUG": debug},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["check"], finding["exit_code"]) == ("doctor", 70)
    assert "KeyError" in finding["said"]
    assert ("Traceback" in done.stderr) is (debug == "1")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is full")
def test_a_log_that_cannot_be_written_costs_no_output(tmp_path: Path) -> None:
    (tmp_path / "output").touch()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hokusai_register", "action"],
            env={
                "PYTHONPATH": str(Path(app.__file__).parent.parent),
                "GITHUB_OUTPUT": str(tmp_path / "output"),
            },
            cwd=tmp_path,
            stdout=full,
            stderr=full,
            check=False,
        )
    assert done.returncode in (1, 2)
    assert "failed" in (tmp_path / "output").read_text()


@pytest.mark.parametrize("name", ["run_id", "run_url", "model_version", "model_uri"])
def test_an_output_that_would_show_the_key_is_a_failure(
    host: Host, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    backends = {Backend.MLFLOW: Registry(receipt(**{name: f"x-{KEY}"}))}
    monkeypatch.setattr(registrars, "build", lambda *_: backends)
    assert app.run(host) == 70
    report = published(host)
    assert (report.status, report.reason) == (Status.FAILED, Reason.INTERNAL)
    assert KEY not in str(report)
    assert name.replace("_", "-") in str(report.error)


def test_what_was_remarked_of_the_inputs_is_in_the_report(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.raw = {**host.raw, "insecure-tls": "true"}
    backends = {Backend.MLFLOW: Registry(receipt())}
    monkeypatch.setattr(registrars, "build", lambda *_: backends)
    assert app.run(host) == 0
    assert "certificates are not checked" in published(host).remarks[0]


def test_libraries_speak_through_the_host(host: Host) -> None:
    host.raw = {}
    app.run(host)
    logging.getLogger("some.library").warning("it is %s", "late\nand\rlater")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", stacklevel=1)
    logging.getLogger("some.library").info("chatter")
    assert host.heard[:3] == ["| some.library: it is late", "| and", "| later"]
    assert host.heard[3].startswith("| py.warnings: ")
    assert "UserWarning: old" in host.heard[3]
    assert [row for row in host.heard if not row.startswith("| ")] == []


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["action", "x"]])
def test_a_command_that_is_none_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        app.main(arguments)
    assert caught.value.code == 2


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hokusai_register", "action"],
        env={"PYTHONPATH": str(Path(app.__file__).parent.parent), "PYTHONIOENCODING": "ascii"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (command,) = runner_commands(done.stdout)
    assert (command.name, command.properties["title"]) == ("error", "The model is not registered")
    assert done.stderr == "", "both streams are one"
