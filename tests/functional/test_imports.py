"""What a step loads: each of these libraries costs start-up that only some endings need."""

from __future__ import annotations

import re
import subprocess

import pytest

from functional.fault_server import as_json, faulty
from functional.runner import PYTHON, Result, Runner
from hokusai_register import app

HEAVY = ("httpx", "mlflow", "sqlalchemy", "fastapi")
SCRIPT = """
from hokusai_register import later; later.wait()
import sys, mlflow
print('fastapi' in sys.modules, 'mlflow.genai.judges' in sys.modules)
print(mlflow.genai.evaluate.__name__, mlflow.gateway.get_gateway_uri.__name__)
"""
LOADED = re.compile(r"import time: *\d+ \| *\d+ \| *(\w+)$", re.MULTILINE)


def loaded(result: Result) -> list[str]:
    """The heavy libraries that a step has loaded, by Python's own account."""
    modules = set(LOADED.findall(result.log))
    assert "hokusai_register" in modules
    return [name for name in HEAVY if name in modules]


@pytest.fixture
def watched(runner: Runner) -> Runner:
    """A step that tells what it loads."""
    runner.environ["PYTHONPROFILEIMPORTTIME"] = "1"
    return runner


@pytest.mark.parametrize(
    ("inputs", "ended"),
    [
        ({"metrics": "accuracy"}, "failed/input 2"),
        ({"model_path": "missing.bin"}, "failed/file 2"),
        ({"api_key": ""}, "failed/key-missing 3"),
    ],
)
def test_a_wrong_input_needs_no_library(
    watched: Runner, inputs: dict[str, str], ended: str
) -> None:
    result = watched.action(None, **inputs)
    assert (result.ended, loaded(result)) == (ended, [])


def test_a_simulation_needs_no_mlflow(watched: Runner) -> None:
    result = watched.action(
        {"HOKUSAI_MOCK_MODE": "true"}, tracking_uri="", api_url="", fallback="mock"
    )
    assert (result.ended, loaded(result)) == ("simulated/ok 0 mock", ["httpx"])


def test_the_api_needs_no_mlflow(watched: Runner) -> None:
    with faulty(lambda _: as_json({"detail": "no"}, 403)) as refusing:
        result = watched.action(tracking_uri=refusing.url)
    assert (result.ended, loaded(result)) == ("registered/ok 0 api", ["httpx"])


@pytest.mark.parametrize("mode", ["", "true"])
def test_a_large_model_leaves_time_to_import_it_while_it_is_hashed(
    watched: Runner, mode: str
) -> None:
    with (watched.workspace / "large.bin").open("wb") as sparse:
        sparse.truncate(app.LARGE)
    with faulty(lambda _: as_json({"detail": "no"}, 403)) as refusing:
        uri = "" if mode else refusing.url
        result = watched.action(
            {"HOKUSAI_MOCK_MODE": mode}, tracking_uri=uri, model_path="large.bin"
        )
    assert "hashing 537 MB" in result.log
    assert ("mlflow" in loaded(result)) is (mode == "")


def test_nobody_there_needs_no_mlflow(watched: Runner) -> None:
    gone = "http://127.0.0.1:9"
    result = watched.action(tracking_uri=gone, api_url=gone)
    assert (result.ended, loaded(result)) == ("failed/refused 1", ["httpx"])


def test_a_registration_needs_no_database(watched: Runner) -> None:
    result = watched.action()
    assert (result.ended, loaded(result)) == ("registered/ok 0 mlflow", ["httpx", "mlflow"])


def test_what_waited_is_there_when_it_is_asked_for() -> None:
    said = subprocess.run([PYTHON, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["False False", "evaluate get_gateway_uri"]


def test_a_local_one_does(watched: Runner) -> None:
    result = watched.action(tracking_uri="sqlite:///store.db", api_url="")
    assert (result.ended, loaded(result)) == ("registered-local/ok 0 local", list(HEAVY[:3]))
