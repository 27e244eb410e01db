"""The example for GitLab, run as its runner does: in a shell that stops at the first fault."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from functional.runner import kept
from sandboxes import Sandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture
def gitlab(tmp_path: Path) -> Path:
    """A checkout with the example in it, on a machine where all is installed."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip").symlink_to("/bin/true")
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "examples").symlink_to(ROOT / "examples")
    return tmp_path / "checkout"


def run(job: str, checkout: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    jobs: dict[str, Any] = yaml.safe_load(
        (ROOT / "examples/gitlab-ci.yml").read_text(encoding="utf-8")
    )
    places = (checkout.parent / "bin", Path(sys.executable).parent, os.environ["PATH"])
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", "\n".join(jobs[job]["script"])],
        cwd=checkout,
        env={**kept(), "PATH": ":".join(map(str, places)), "CI_COMMIT_SHA": "c" * 40, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_gitlab_hands_the_version_on(gitlab: Path, sandbox: Sandbox, key: str) -> None:
    ran = run("train", gitlab, HOKUSAI_API_KEY=key, MLFLOW_TRACKING_URI=sandbox.tracking_uri)
    assert ran.returncode == 0, ran.stderr
    name, _, version = (gitlab / "registered.env").read_text(encoding="utf-8").partition("=")
    assert name == "MODEL_VERSION"
    assert int(version) > 0
    assert (
        f"breast-cancer is version {version}" in run("deploy", gitlab, MODEL_VERSION=version).stdout
    )


def test_gitlab_deploys_nothing_that_is_not_registered(gitlab: Path) -> None:
    ran = run(
        *("train", gitlab),
        HOKUSAI_API_KEY="hk_live_1",
        MLFLOW_TRACKING_URI="http://127.0.0.1:9/api/mlflow",
        HOKUSAI_OPTIONAL_MLFLOW="true",
    )
    assert ran.returncode == 1
    assert not (gitlab / "registered.env").exists()
