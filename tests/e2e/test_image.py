"""The image is small, starts Python itself, and is the same from both of Docker's builders."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from hokusai_register import __version__

LARGEST = 275_000_000  # bytes, with a base of 124 MB
PYTHON = "/opt/hokusai/bin/python"
LABELS = {
    "title": "hokusai/register-model",
    "description": "Register a model from CI, and say honestly where it is now.",
    "source": "https://github.com/hokusai/register-model",
    "licenses": "MIT",
    # Only a release gives these two.
    "version": "unreleased",
    "revision": "unknown",
}
# What builds and tests it, what only other users of a dependency need, and MLflow's heavy half.
NEEDLESS = (
    *("pip", "hatchling", "tests", "pytest", "github", "nacl", "jwt"),
    *("flask", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib"),
)
IMPORTABLE = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name == name, error
    else:
        print(name)
"""
# All that a registration imports: what would have to be compiled at each start, and what of our
# own environment would have to be if a file's time changed?
COMPILED = """
import pathlib, sys
import hokusai_register.app, hokusai_register.hosts.github, hokusai_register.registrars, mlflow
found = [m.__cached__ for m in list(sys.modules.values()) if getattr(m, "__cached__", None)]
print(len(found), *(path for path in map(pathlib.Path, found)
    if not path.exists() or path.is_relative_to("/opt") and path.read_bytes()[4] != 1))
"""


@pytest.fixture(params=["classic", "buildkit"])
def image(images: dict[str, str], request: pytest.FixtureRequest) -> str:
    return images[request.param]


def test_what_it_says_of_itself(docker: str, image: str) -> None:
    (about,) = json.loads(_output(docker, "image", "inspect", image))
    config: dict[str, Any] = about["Config"]
    assert about["Size"] <= LARGEST
    # A shell in the chain would lose the inputs, whose names have hyphens.
    assert config["Entrypoint"] == [PYTHON, "-I", "-u", "-m", "hokusai_register"]
    assert not config["Cmd"]
    assert not config["User"], "the files of the runner belong to somebody else: only root writes"
    assert config["Labels"] == {
        f"org.opencontainers.image.{name}": text for name, text in LABELS.items()
    }
    told = _output(docker, "run", "--rm", "--network", "none", image, "--version")
    assert told == f"{__version__}\n"


def test_what_it_imports_is_compiled(docker: str, image: str) -> None:
    # -B: what is missing is not written here, where it would hide that it was missing.
    count, *stale = _python(docker, image, "-B", "-c", COMPILED).split()
    assert int(count) > 500
    assert stale == []


def test_nothing_is_there_that_need_not_be(docker: str, image: str) -> None:
    found = _python(docker, image, "-c", IMPORTABLE, *NEEDLESS, "mlflow", "actions_toolkit")
    assert found.split() == ["mlflow", "actions_toolkit"]


def _python(docker: str, image: str, *arguments: str) -> str:
    run = (docker, "run", "--rm", "--network", "none", "--entrypoint", PYTHON)
    return _output(*run, image, "-I", *arguments)


def _output(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
