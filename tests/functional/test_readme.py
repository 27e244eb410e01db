"""What the README tells a newcomer to type does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hokusai_register import artifact
from hokusai_register.paths import Roots
from sandboxes import running

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A directory with a model in it."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(b"weights")
    (tmp_path / "model" / "words.txt").write_bytes(b"words")
    return tmp_path


def typed(command: str, directory: Path) -> str:
    """Type `command` where this project is installed; return what it prints."""
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e"],
        input=command,
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_newcomer_registers_with_the_sandbox(checkout: Path) -> None:
    start, register = (block for block in BLOCKS if "hokusai-register" in block)
    assert start == "hokusai-register sandbox\n"
    with running(checkout / ".hokusai-sandbox") as sandbox:
        # The port is the only thing that a test cannot leave as it stands there.
        shown = typed(register.replace("http://127.0.0.1:5080", sandbox.url), checkout)
    assert "status=registered\n" in shown
    assert "backend=mlflow\n" in shown


def test_anybody_can_check_the_digest(checkout: Path) -> None:
    (command,) = (block for block in BLOCKS if block.startswith("find "))
    shown = typed(command, checkout / "model").split()[0]
    assert shown == artifact.read("model", Roots(checkout)).digest


def test_every_other_command_is_a_make_target() -> None:
    rest = [block for block in BLOCKS if "hokusai-register" not in block and "find " not in block]
    assert rest == ["make demo\n"]
