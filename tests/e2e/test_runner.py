"""The image, run as GitHub's runner runs it, against a real sandbox."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid

import pytest

from actions_runner import USER, ActionsRunner, Ended
from runner_rules import runner_commands
from sandboxes import Sandbox

pytestmark = pytest.mark.slow


@pytest.fixture
def given(sandbox: Sandbox) -> dict[str, str]:
    return {
        "api-key": sandbox.create_key(),
        "model-path": "model",
        "model-name": f"model-{uuid.uuid4().hex}",
        "metrics-file": "metrics.json",
        "tracking-uri": sandbox.tracking_uri,
    }


def test_registers_once_in_two_attempts(runner: ActionsRunner, given: dict[str, str]) -> None:
    # Paths of the runner's machine are as good: it translates them.
    given["metrics-file"] = str(runner.workspace / "metrics.json")
    first = runner.step({**given, "result-file": "result.json"})
    assert first.code == 0, first.log
    digest = hashlib.sha256((runner.workspace / "model/weights.bin").read_bytes()).hexdigest()
    tree = hashlib.sha256(f"{digest}  weights.bin\n".encode()).hexdigest()
    expected = {
        "status": "registered",
        "registered": "true",
        "created": "true",
        "backend": "mlflow",
        "reason": "ok",
        "model-version": "1",
        "model-digest": tree,
    }
    assert expected.items() <= first.outputs.items()
    assert "### ✅ Registered" in first.summary
    assert _levels(first) == ["notice"]
    result = runner.workspace / "result.json"
    assert result.read_text(encoding="utf-8") == first.outputs["result"] + "\n"

    again = runner.step(given, attempt=2)
    assert again.code == 0, again.log
    assert (again.outputs["status"], again.outputs["created"]) == ("already-registered", "false")
    assert again.outputs["model-version"] == "1"

    _is_nowhere(given["api-key"], first, again)
    # What belongs to root, a self-hosted runner cannot remove before its next job.
    assert {path for path in runner.root.rglob("*") if path.stat().st_uid != USER} == set()


def test_an_ordinary_key_falls_back_to_the_api(
    runner: ActionsRunner, given: dict[str, str], sandbox: Sandbox
) -> None:
    given["api-key"] = sandbox.create_key("model:write")
    ended = runner.step(given)
    assert ended.code == 0, ended.log
    assert (ended.outputs["status"], ended.outputs["backend"]) == ("registered", "api")
    assert _levels(ended) == ["notice", "warning"]
    assert "auth-403" in ended.summary
    _is_nowhere(given["api-key"], ended)


def test_a_wrong_key_is_refused(runner: ActionsRunner, given: dict[str, str]) -> None:
    given["api-key"] = "hk_live_of_somebody_else"
    ended = runner.step(given)
    assert ended.code == 3
    assert (ended.outputs["status"], ended.outputs["reason"]) == ("failed", "auth-401")
    _is_nowhere(given["api-key"], ended)


def test_wrong_inputs_are_all_told_at_once(runner: ActionsRunner, given: dict[str, str]) -> None:
    ended = runner.step({**given, "model-path": "/etc", "timeout": "soon", "fallback": "never"})
    assert ended.code == 2
    assert (ended.outputs["status"], ended.outputs["reason"]) == ("failed", "input")
    (error,) = (c.data for c in runner_commands(ended.log) if c.name == "error")
    assert all(name in error for name in ("model-path", "timeout", "fallback"))
    assert error.count("\n") == 0
    _is_nowhere(given["api-key"], ended)


def test_the_workspace_cannot_get_between(runner: ActionsRunner) -> None:
    """What lies in the workspace, or a variable of the job, is never imported."""
    for name in ("yaml", "sitecustomize", "hokusai_register"):
        (runner.workspace / f"{name}.py").write_text("raise SystemExit(99)", encoding="utf-8")
    ended = runner.step({}, PYTHONPATH="/github/workspace", PYTHONHOME="/github/workspace")
    assert ended.code == 2, ended.log


def _levels(ended: Ended) -> list[str]:
    said = [command.name for command in runner_commands(ended.log)]
    assert said[0] == "add-mask", "before anything else"
    return said[1:]


def _is_nowhere(key: str, *steps: Ended) -> None:
    """Check all bytes but those of the command that hides the key."""
    for ended in steps:
        mask = f"::add-mask::{key}\n".encode()
        assert ended.raw.startswith(mask)
        shown = ended.raw.removeprefix(mask)
        for form in (key.encode(), base64.b64encode(key.encode()).rstrip(b"=")):
            assert form not in shown
        assert json.loads(ended.outputs["result"])["schema"] == 1
