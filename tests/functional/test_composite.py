"""What the composite action does before the command is there: it installs it, or says why not."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functional.runner import kept
from runner_rules import runner_commands

STEP = Path(__file__).parents[2] / "composite" / "step.py"


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script's names, to be changed."""
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = signal.getsignal(signal.SIGINT)
    yield runpy.run_path(str(STEP))["main"].__globals__
    signal.signal(signal.SIGINT, before)


def test_what_cannot_be_installed_ends_the_step(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-I", STEP],
        env={
            **kept(),
            "RUNNER_TEMP": str(tmp_path),
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_RETRIES": "0",
            "PIP_NO_CACHE_DIR": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    (error,) = runner_commands(ran.stdout)
    assert (error.name, error.properties["title"]) == ("error", "The model is not registered")
    assert "a package index" in error.data
    assert "| ERROR: " in ran.stdout, "what pip says, as no runner takes it for a command"


def test_the_installation_sees_no_credential(
    step: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("INPUT_API_KEY", "HOKUSAI_API_KEY", "MLFLOW_TRACKING_TOKEN", "ACTIONS_RUNTIME_TOKEN")
    for name in (*names, "PIP_INDEX_URL"):
        monkeypatch.setenv(name, "hk_live_1")
    with pytest.raises(SystemExit):
        step["run"](sys.executable, "-c", "import os; print(*os.environ); raise SystemExit(1)")
    shown = capsys.readouterr().out
    assert "PIP_INDEX_URL" in shown
    assert not [name for name in names if name in shown]


def test_an_old_python_is_told_what_to_do(
    step: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(step, "OLDEST", (99, 0))
    with pytest.raises(SystemExit, match="1"):
        step["main"]()
    assert "use actions/setup-python" in capsys.readouterr().out


@pytest.mark.parametrize(("system", "way"), [("posix", "execv"), ("nt", "call")])
def test_it_becomes_the_command(
    step: Any, monkeypatch: pytest.MonkeyPatch, system: str, way: str
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def execv(_: str, command: list[str]) -> None:
        asked.append(("execv", command))
        raise SystemExit(3)

    def call(command: list[str]) -> int:
        asked.append(("call", command))
        return 3

    monkeypatch.setitem(step, "install", lambda _: "PYTHON")
    monkeypatch.setitem(step, "os", SimpleNamespace(environ=os.environ, name=system, execv=execv))
    monkeypatch.setitem(step, "subprocess", SimpleNamespace(call=call))
    with pytest.raises(SystemExit, match="3"):
        step["main"]()
    flags = ["-I", "-u", "-X", "utf8", "-m", "hokusai_register", "action"]
    assert asked == [(way, ["PYTHON", *flags])]
