"""The image, run as GitHub's runner runs it: every status, every exit code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from actions_runner import ActionsRunner
from hokusai_register.render import OUTPUTS
from runner_rules import runner_commands
from runner_step import Ended, Expect
from sandboxes import Sandbox

pytestmark = pytest.mark.slow

NOBODY = "http://127.0.0.1:1/api/mlflow"
ALONE = ("--rm", "--network", "none")


@pytest.mark.parametrize("builder", ["classic", "buildkit"])
def test_registered_once_in_two_attempts(
    runner: ActionsRunner,
    images: dict[str, str],
    given: dict[str, str],
    expect: Expect,
    builder: str,
) -> None:
    runner = replace(runner, image=images[builder])
    # Paths of the runner's machine are as good: it translates them.
    given["metrics-file"] = str(runner.workspace / "metrics.json")
    first = expect(runner.step({**given, "result-file": "result.json"}), "registered/ok 0 mlflow")
    digest = hashlib.sha256((runner.workspace / "model/weights.bin").read_bytes()).hexdigest()
    tree = hashlib.sha256(f"{digest}  weights.bin\n".encode()).hexdigest()
    wanted = {"registered": "true", "created": "true", "model-version": "1", "model-digest": tree}
    assert wanted.items() <= first.outputs.items()
    assert "### ✅ Registered" in first.summary
    assert levels(first) == ["notice"]
    result = runner.workspace / "result.json"
    assert result.read_text(encoding="utf-8") == first.outputs["result"] + "\n"

    again = runner.step(given, GITHUB_RUN_ATTEMPT="2")
    expect(again, "already-registered/ok 0 mlflow")
    assert (again.outputs["created"], again.outputs["model-version"]) == ("false", "1")


@dataclass(frozen=True, slots=True)
class Case:
    """How a step ends and what it tells, where these things differ from a step that registers."""

    how: str
    levels: list[str]
    given: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


FORK = {"pull_request": {"head": {"sha": "f" * 40, "repo": {"full_name": "mallory/model"}}}}
PULLED = {"GITHUB_EVENT_NAME": "pull_request"}
CASES = {
    "mock mode, no key, no network": Case(
        *("simulated/ok 0 mock", ["warning"]),
        {"api-key": "", "tracking-uri": ""},
        {"HOKUSAI_MOCK_MODE": "true"},
        ALONE,
    ),
    "nobody there, and no network": Case(
        "registered-local/dns 0 local",
        ["warning"],
        {"tracking-uri": "https://registry.invalid/api/mlflow", "fallback": "local"},
        options=ALONE,
    ),
    "nobody there": Case("failed/refused 1", ["error"], {"tracking-uri": NOBODY}),
    "nobody there, local agreed": Case(
        *("registered-local/refused 0 local", ["warning"]),
        {"tracking-uri": NOBODY, "fallback": "local"},
    ),
    "a fork without a key, skip agreed": Case(
        *("skipped/key-missing 0", ["notice"]),
        {"api-key": "", "on-missing-key": "skip"},
        PULLED,
        ALONE,
    ),
    "a fork without a key": Case(
        "failed/key-missing 3", ["error"], {"api-key": ""}, PULLED, options=ALONE
    ),
    "a dry run": Case("skipped/dry-run 0", ["notice"], {"dry-run": "true"}),
    "a wrong key": Case("failed/auth-401 3", ["error"], {"api-key": "hk_live_of_somebody_else"}),
    "no model": Case("failed/file 2", ["error"], {"model-path": "nothing"}, options=ALONE),
    "a model outside": Case("failed/file 2", ["error"], {"model-path": "/etc"}, options=ALONE),
    "a contradiction": Case(
        "failed/input 2", ["error"], {}, {"HOKUSAI_MOCK_MODE": "true"}, options=ALONE
    ),
    "no home": Case("registered/ok 0 mlflow", ["notice"], {}, {"HOME": ""}),
    "no temporary directory of the runner": Case(
        "registered/ok 0 mlflow", ["notice"], {}, {"RUNNER_TEMP": ""}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ends(runner: ActionsRunner, given: dict[str, str], expect: Expect, name: str) -> None:
    case = CASES[name]
    runner.event.write_text(json.dumps(FORK), encoding="utf-8")
    runner = replace(runner, options=case.options or runner.options)
    ended = expect(runner.step({**given, **case.given}, **case.environ), case.how)
    assert levels(ended) == case.levels
    assert set(ended.outputs) == set(OUTPUTS)
    assert ended.outputs["registered"] == ("true" if "registered/" in case.how else "false")
    assert ended.summary.startswith("### ")


def test_an_ordinary_key_ends_in_the_api(
    runner: ActionsRunner, given: dict[str, str], sandbox: Sandbox, expect: Expect
) -> None:
    given["api-key"] = sandbox.create_key("model:write")
    ended = expect(runner.step(given), "registered/ok 0 api")
    assert levels(ended) == ["notice", "warning"]
    assert "auth-403" in ended.summary


def test_a_local_registration_is_kept_and_replayed(
    runner: ActionsRunner, given: dict[str, str], expect: Expect
) -> None:
    away = {**given, "tracking-uri": NOBODY, "fallback": "local"}
    kept = expect(runner.step(away), "registered-local/refused 0 local")
    bundle = runner.workspace / kept.outputs["bundle"]
    assert (bundle / "files/weights.bin").stat().st_size == 256 * 4096
    assert "actions/upload-artifact" in kept.summary
    only = {name: given[name] for name in ("api-key", "tracking-uri")}
    again = {**only, "model-path": kept.outputs["bundle"]}
    expect(runner.step(again), "registered/ok 0 mlflow")
    expect(runner.step(again), "already-registered/ok 0 mlflow")


def test_wrong_inputs_are_all_told_at_once(
    runner: ActionsRunner, given: dict[str, str], expect: Expect
) -> None:
    wrong = {"model-path": "/etc", "timeout": "soon", "fallback": "never"}
    ended = expect(runner.step({**given, **wrong}), "failed/input 2")
    (error,) = (c.data for c in runner_commands(ended.log) if c.name == "error")
    assert all(name in error for name in wrong)
    assert error.count("\n") == 0


def test_a_bug_ends_with_70(
    runner: ActionsRunner, given: dict[str, str], expect: Expect, elsewhere: Path
) -> None:
    runner = runner.with_library(elsewhere, "raise LookupError('\\n::error::by a library')\n")
    ended = expect(runner.step(given), "failed/internal 70")
    assert "Traceback" not in ended.log
    ended = expect(runner.step(given, RUNNER_DEBUG="1"), "failed/internal 70")
    assert "\nhokusai-register: | Traceback (most recent call last):\n" in ended.log
    assert "\nhokusai-register: | ::error::by a library\n" in ended.log


def levels(ended: Ended) -> list[str]:
    said = [command.name for command in runner_commands(ended.log)]
    return [name for name in said if name != "add-mask"]
