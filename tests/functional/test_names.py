"""Odd file names: kept exactly, or refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from functional.found import runs
from functional.runner import Runner, unique
from functional.trees import digest, tree
from sandboxes import Sandbox

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, when it downloads

KEPT = (
    "a b.bin",
    "c+d&e=f.bin",
    ".hidden",
    "100%.bin",
    "a..b",
    'it\'s "q".bin',
    "back\\slash.bin",
    "semi;colon:x.bin",
    "*[x]{y}|~$!@^`.bin",
    "dir ü/日本/😀.bin",
    "u\u0308.bin",
    "\u202e.bin",
    "empty/0",
)
REFUSED = ("x#1.bin", "q?.bin", "p%41.bin", "%2e%2e/x.bin", "d#/x.bin", "\udcff.bin")


def fill(root: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"" if name.endswith("/0") else name.encode(errors="replace"))


def test_odd_names_are_kept(runner: Runner, fetch: Callable[[str], Path]) -> None:
    fill(runner.workspace / "model", KEPT)
    result = runner.here(model_path="model")
    assert result.said("registered", "ok", "mlflow")
    assert result.outputs["model-digest"] == digest(runner.workspace / "model")
    fetched = tree(fetch(f"models:/{runner.inputs['model-name']}/1"))
    fetched.pop("MLmodel")
    assert fetched == tree(runner.workspace / "model")
    assert runner.here(model_path="model").said("already-registered", "ok", "mlflow")


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_no_server_keeps_are_refused(
    runner: Runner, client: MlflowClient, name: str
) -> None:
    fill(runner.workspace / "model", ("fine.bin", name))
    result = runner.here(model_path="model")
    assert result.said("failed", "invalid", "none")
    assert "rename the files" in result.errors[0]
    assert client.get_experiment_by_name(runner.inputs["model-name"]) is None


def test_the_name_of_a_prompt_is_taken(
    runner: Runner, client: MlflowClient, sandbox: Sandbox
) -> None:
    """MLflow would take versions of it, one for each try, and show none of them as a model's."""
    name = unique("prompt")
    MlflowClient(sandbox.mlflow_url).register_prompt(name, "Hello {{name}}")
    for inputs in ({}, {"dry_run": "true"}):
        result = runner.here(model_name=name, fallback="local", **inputs)
        assert result.said("failed", "conflict", "none")
        assert f"{name} is a prompt" in result.errors[0]
    assert runs(client, name) == []
    assert client.get_prompt_version(name, "1").template == "Hello {{name}}"
    with pytest.raises(MlflowException):
        client.get_prompt_version(name, "2")
