"""What all tests of the image share: Docker, the image as both builders make it, and a sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from actions_runner import ActionsRunner
from sandboxes import Sandbox, running

ROOT = Path(__file__).parents[2]
BASE = "python:3.13-slim"


@pytest.fixture(scope="session")
def docker() -> str:
    """Docker's client, with a daemon and the base image behind it."""
    client = os.environ.get("DOCKER", "docker")
    if not shutil.which(client) or not (
        _succeeds(client, "image", "inspect", BASE) or _succeeds(client, "pull", BASE)
    ):
        _cannot(f"needs Docker and the image {BASE}; on Debian as root: .ci/docker make e2e")
    return client


@pytest.fixture
def act() -> str:
    """The command act."""
    program = os.environ.get("ACT", "act")
    if not shutil.which(program):
        _cannot("needs act, which make e2e builds if there is go")
    return program


@pytest.fixture(scope="session")
def images(docker: str) -> dict[str, str]:
    """The images by their builders, built with the runner's command."""
    built = {}
    # act uses the classic builder, hosted runners the other one.
    for builder, switch in (("classic", "0"), ("buildkit", "1")):
        tag = f"hokusai-register-e2e:{builder}"
        ran = subprocess.run(
            [docker, "build", "-t", tag, "-f", ROOT / "Dockerfile", ROOT],
            env={**os.environ, "DOCKER_BUILDKIT": switch},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        built[builder] = tag
    return built


@pytest.fixture
def runner(docker: str, images: dict[str, str], tmp_path: Path) -> ActionsRunner:
    """A runner with a trained model in its workspace."""
    made = ActionsRunner(docker, images["buildkit"], tmp_path)
    (made.workspace / "model").mkdir(parents=True)
    (made.workspace / "model" / "weights.bin").write_bytes(bytes(range(256)) * 4096)
    (made.workspace / "metrics.json").write_text('{"accuracy": 0.9}', encoding="utf-8")
    made.prepare()
    return made


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox on this machine's loopback."""
    with running(tmp_path_factory.mktemp("sandbox") / "place") as started:
        yield started


def _cannot(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
