"""The example workflow, word for word, under act: it trains, registers, and goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sandboxes import Sandbox

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# What the Dockerfile copies, and what says so.
OURS = ("action.yml", "Dockerfile", "pyproject.toml", "README.md", "LICENSE", "requirements", "src")


@pytest.mark.usefixtures("docker")
def test_the_example_registers(act: str, sandbox: Sandbox, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    for name in OURS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, ours / name)
    shutil.copytree(ROOT / "examples", tmp_path / "repository" / "examples")
    (tmp_path / "act").mkdir()
    (tmp_path / "act" / "actrc").touch()  # without one it asks which images to use
    key = sandbox.create_key()
    ran = subprocess.run(
        [
            *(act, "push", "--workflows", "examples/workflows/register.yml"),
            *("--platform", "ubuntu-latest=python:3.13-slim", "--pull=false"),
            *("--action-offline-mode", "--no-cache-server"),
            *("--local-repository", f"hokusai/register-model@v1={ours}"),
            *(
                "--secret",
                "HOKUSAI_API_KEY",
                "--env",
                f"MLFLOW_TRACKING_URI={sandbox.tracking_uri}",
            ),
        ],
        cwd=tmp_path / "repository",
        env={
            **os.environ,
            "HOKUSAI_API_KEY": key,
            "XDG_CONFIG_HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "::set-output:: status=registered" in ran.stdout
    assert "::set-output:: backend=mlflow" in ran.stdout
    assert "Registered `breast-cancer` version `1` in MLflow" in ran.stdout, "the summary"
    assert "| breast-cancer is version 1\n" in ran.stdout, "the step that is gated on `registered`"
    assert key not in ran.stdout
