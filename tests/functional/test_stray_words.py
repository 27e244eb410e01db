"""A library that prints whatever it likes: a runner obeys only us, and a program reads only us."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from functional.runner import Runner
from noisy import NOISES, WORDS, install, source
from runner_rules import act_commands, runner_commands

KEY_TOO = "\nprint('the key is', os.environ['SEEN'])\n"


@pytest.fixture
def noisy(runner: Runner, key: str, tmp_path: Path) -> Runner:
    """A job where MLflow has a plugin that makes every noise there is."""
    library = tmp_path / "library"
    library.mkdir()
    install(library, "".join(map(source, NOISES)) + KEY_TOO)
    paths = [str(library), os.environ.get("PYTHONPATH", "")]
    runner.environ |= {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "SEEN": key}
    return runner


@pytest.mark.fault("R10", "what libraries print", "inert, and the key is ***")
def test_r10_what_libraries_print_is_no_command(noisy: Runner, key: str) -> None:
    result = noisy.action()
    assert result.said("registered", "ok", "mlflow")
    for commands in (runner_commands, act_commands):
        assert [command.name for command in commands(result.log)] == ["add-mask", "notice"]
    assert "hokusai-register: | words ::error::1\n" in result.log
    assert "hokusai-register: | the key is ***\n" in result.log
    assert result.log.count(key) == 1, "the mask"


@pytest.mark.fault("R10", "what libraries print, for a program", "not on stdout")
def test_r10_what_libraries_print_is_not_on_stdout(noisy: Runner, key: str) -> None:
    inputs = {name: text for name, text in noisy.inputs.items() if name != "api-key"}
    flags = [word for name, text in inputs.items() for word in (f"--{name}", text)]
    result = noisy.command("--json", *flags, environ={"HOKUSAI_API_KEY": key})
    assert json.loads(result.outputs["result"])["status"] == "registered"
    assert "| words ::error::1\n" in result.log
    assert WORDS not in result.log
    assert key not in result.log
