"""The same inputs end in the same way as an image, under act, as a composite and as a command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient

from act_runner import Act
from actions_runner import ActionsRunner
from sandboxes import Sandbox

pytestmark = pytest.mark.slow

GIVEN = {
    "model-path": "model",
    "model-name": "churn",
    "version": "1.10",
    "metrics-file": "metrics.json",
    "params": 'depth: 3\nnote: "its all # quoted"',
    "tags": "team=forêt\nprice=$HOME 100 %",
    "description": "two\nlines ::error::and a word",
    "timeout": "90",
}
# What differs from one registration to the next; here it only has to be there.
OF_THE_RUN = ("run-id", "run-url", "model-version", "model-uri")


def test_all_forms_are_one(jobs: Act, runner: ActionsRunner, sandbox: Sandbox) -> None:
    given = {**GIVEN, "model-name": f"churn-{uuid.uuid4().hex}"}
    key = sandbox.create_key()
    environ = {"MLFLOW_TRACKING_URI": sandbox.tracking_uri}
    shutil.copytree(runner.workspace, jobs.repository, dirs_exist_ok=True)
    forms = under_act(jobs, given, environ, key)
    forms["image"] = dict(runner.step(given, **environ, HOKUSAI_API_KEY=key).outputs)
    first = forms["image"]
    assert first["status"] == "registered"
    results = {form: json.loads(outputs.pop("result")) for form, outputs in forms.items()}
    assert [plain(outputs) for outputs in forms.values()] == [plain(first)] * 3

    results["command"] = by_command(runner, given, environ, key)
    for form, result in results.items():
        assert told(result) == told(results["image"]), form
    client = MlflowClient(sandbox.mlflow_url)
    kept = {form: recorded(client, result) for form, result in results.items()}
    assert kept["image"]["description"] == given["description"]
    assert list(kept.values()) == [kept["image"]] * 4


def under_act(
    jobs: Act, given: dict[str, str], environ: dict[str, str], key: str
) -> dict[str, dict[str, str]]:
    """Run the action as an image and as a composite in one job; return the outputs of both."""
    handed = {**given, "api-key": "${{ secrets.HOKUSAI_API_KEY }}"}
    uses = {
        "act": "hokusai/register-model@v1",
        "composite": "hokusai/register-model/composite@v1",
    }
    steps = [{"id": form, "uses": action, "with": handed} for form, action in uses.items()]
    checkout = {"uses": "actions/checkout@v6"}
    job = {"runs-on": "ubuntu-latest", "steps": [checkout, *steps]}
    workflow = jobs.repository / "all.yml"
    workflow.write_text(yaml.safe_dump({"on": "push", "jobs": {"all": job}}), encoding="utf-8")
    ran = jobs.run(workflow.name, environ, {"HOKUSAI_API_KEY": key})
    assert ran.code == 0, ran.printed
    return {form: ran.outputs_of(form) for form in uses}


def by_command(
    runner: ActionsRunner, given: dict[str, str], environ: dict[str, str], key: str
) -> dict[str, Any]:
    """Return the result of the command, which has no outputs."""
    flags = (part for name, text in given.items() for part in (f"--{name}", text))
    ran = subprocess.run(
        [sys.executable, "-m", "hokusai_register", "register", "--json", *flags],
        cwd=runner.workspace,
        env={**os.environ, **environ, "HOKUSAI_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result: dict[str, Any] = json.loads(ran.stdout)
    return result


def plain(outputs: dict[str, str]) -> dict[str, object]:
    return {name: bool(it) if name in OF_THE_RUN else it for name, it in outputs.items()}


def told(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without what differs each time."""
    model = {**result["model"], "version": "", "uri": ""}
    attempts = [{**attempt, "seconds": 0} for attempt in result["attempts"]]
    return {**result, "model": model, "attempts": attempts, "run_id": "", "run_url": ""}


def recorded(client: MlflowClient, result: dict[str, Any]) -> dict[str, Any]:
    """Return what the registry has of a registration: what was given for it."""
    version = client.get_model_version(result["model"]["name"], result["model"]["version"])
    run = client.get_run(result["run_id"])
    tags = {name: it for name, it in version.tags.items() if name in ("team", "price")}
    return {
        "description": version.description,
        "tags": tags,
        "metrics": run.data.metrics,
        "params": run.data.params,
    }
