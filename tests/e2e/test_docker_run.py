"""The example for `docker run`, against the built image."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sandboxes import Sandbox

EXAMPLE = Path(__file__).parents[2] / "examples" / "docker.sh"


@pytest.fixture
def script(docker: str, images: dict[str, str], tmp_path: Path) -> Path:
    """The example, which finds the image built, and a network with the sandbox in it."""
    subprocess.run([docker, "tag", images["classic"], "hokusai-register-model:v1"], check=True)
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count("docker run --rm") == 1
    script = tmp_path / "docker.sh"
    script.write_text(
        text.replace("docker run --rm", "docker run --rm --network host"), encoding="utf-8"
    )
    return script


@pytest.mark.parametrize(
    ("uri", "flags", "status"),
    [
        ("", (), "registered"),
        ("http://127.0.0.1:9/api/mlflow", ("--fallback", "local"), "registered-local"),
    ],
)
def test_docker_run_registers(
    script: Path, sandbox: Sandbox, docker: str, uri: str, flags: tuple[str, ...], status: str
) -> None:
    place = script.parent
    (place / "model").mkdir()
    (place / "model" / "weights.bin").write_bytes(b"weights")
    (place / "metrics.json").write_text('{"accuracy": 0.9}', encoding="utf-8")
    ran = subprocess.run(
        ["bash", script, *flags],
        cwd=place,
        env={
            "PATH": f"{Path(shutil.which(docker) or docker).parent}:{os.environ['PATH']}",
            "HOKUSAI_API_KEY": sandbox.create_key(),
            "MLFLOW_TRACKING_URI": uri or sandbox.tracking_uri,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"status={status}\n" in ran.stdout
