"""The image is small, starts Python itself, and is the same from both of Docker's builders."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

LARGEST = 275_000_000  # bytes, with a base of 124 MB


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_image(docker: str, images: dict[str, str], builder: str) -> None:
    (about,) = json.loads(_output(docker, "image", "inspect", images[builder]))
    config: dict[str, Any] = about["Config"]
    assert about["Size"] <= LARGEST
    # A shell in the chain would lose the inputs, whose names have hyphens.
    assert config["Entrypoint"][0] == "/opt/hokusai/bin/python"
    assert config["Entrypoint"][1:] == ["-I", "-u", "-m", "hokusai_register"]
    assert not config["User"], "the files of the runner belong to somebody else: only root writes"
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"
    assert _output(docker, "run", "--rm", "--network", "none", images[builder], "--version")


def test_nothing_is_there_that_need_not_be(docker: str, images: dict[str, str]) -> None:
    installed = _output(
        *(docker, "run", "--rm", "--network", "none", "--entrypoint", "/opt/hokusai/bin/python"),
        *(images["classic"], "-I", "-c"),
        "from importlib.util import find_spec as f; print(*(n for n in ('pip', 'hatchling',"
        " 'tests', 'github', 'flask', 'sklearn', 'mlflow') if f(n)))",
    )
    assert installed.split() == ["mlflow"]


def _output(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
