"""Places that cannot be written, a workspace full of traps, libraries that misbehave, no tools."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import noisy
from actions_runner import ActionsRunner
from runner_step import Expect
from tools import missing

pytestmark = pytest.mark.slow

NOBODY = "http://127.0.0.1:1/api/mlflow"


@pytest.mark.parametrize(
    ("given_too", "how"),
    [
        ({}, "registered/ok 0 mlflow"),
        ({"tracking-uri": NOBODY, "fallback": "local"}, "failed/disk 1"),
        ({"tracking-uri": NOBODY, "fallback": "mock"}, "simulated/disk 0 mock"),
        ({"result-file": "result.json"}, "registered/ok 1 mlflow"),
    ],
    ids=["a server", "a local store", "a simulation", "a result file"],
)
def test_a_read_only_workspace(
    runner: ActionsRunner,
    given: dict[str, str],
    expect: Expect,
    given_too: dict[str, str],
    how: str,
) -> None:
    expect(replace(runner, mode="ro").step({**given, **given_too}), how)


def test_no_file_for_outputs(runner: ActionsRunner, given: dict[str, str]) -> None:
    ended = runner.step(given, GITHUB_OUTPUT="", GITHUB_STEP_SUMMARY="")
    assert ended.code == 0
    assert "hokusai-register: status=registered\n" in ended.log
    assert "set-output" not in ended.log
    assert (ended.outputs, ended.summary) == ({}, "")


def test_the_workspace_cannot_get_between(runner: ActionsRunner, expect: Expect) -> None:
    """What lies in the workspace, or a variable of the job, is never imported."""
    for name in ("yaml", "sitecustomize", "hokusai_register"):
        (runner.workspace / f"{name}.py").write_text("raise SystemExit(99)", encoding="utf-8")
    there = {"PYTHONPATH": "/github/workspace", "PYTHONHOME": "/github/workspace"}
    runner.prepare()
    expect(runner.step({}, **there), "failed/input 2")


def test_a_library_prints_what_it_likes(
    runner: ActionsRunner, given: dict[str, str], inert: Expect, elsewhere: Path
) -> None:
    runner = runner.with_library(elsewhere, "".join(map(noisy.source, noisy.NOISES)))
    ended = inert(runner.step(given), "registered/ok 0 mlflow")
    assert "hokusai-register: | words ::error::1\n" in ended.log


def test_a_library_ends_us(
    runner: ActionsRunner, given: dict[str, str], expect: Expect, elsewhere: Path
) -> None:
    """The worst there is, with a dump of the stack: only the first outputs are left."""
    crash = "import ctypes, faulthandler\nfaulthandler.enable()\nctypes.string_at(0)\n"
    runner = runner.with_library(elsewhere, noisy.source("print") + crash)
    ended = expect(runner.step(given), "failed/interrupted 139")
    assert "error" not in ended.log


@pytest.mark.parametrize(
    ("ci", "outcome", "code"),
    [("true", "1 error", 1), ("", "1 skipped", 0)],
    ids=["in CI", "elsewhere"],
)
def test_without_docker(ci: str, outcome: str, code: int) -> None:
    """A tool that is missing is an error where everything must run, and skipped elsewhere."""
    one = f"{Path(__file__)}::test_the_workspace_cannot_get_between"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", one],
        env={**os.environ, "CI": ci, "DOCKER": "/nowhere/docker"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert outcome in done.stdout
    assert "needs Docker" in done.stdout


def test_any_other_tool_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needs act"):
        missing("needs act")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="needs act"):
        missing("needs act")
