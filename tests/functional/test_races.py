"""Many jobs at once: the same registration becomes one version, as many others become as many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.runner import LIMIT, Result, Runner, unique
from sandboxes import Sandbox

JOBS = int(os.environ.get("HOKUSAI_TEST_JOBS", "8"))  # 32 take minutes on two cores


def at_once(runners: Sequence[Runner]) -> list[Result]:
    """Let all of them run one step at the same time."""
    started = [runner.start() for runner in runners]
    limit = max(LIMIT, 15 * JOBS)
    return [one.finish(step, limit=limit) for one, step in zip(runners, started, strict=True)]


def job(sandbox: Sandbox, key: str, home: Path, content: str) -> Runner:
    made = Runner(home=home, run_id="1")
    (made.workspace / "model.txt").write_text(content)
    made.inputs = {
        "api-key": key,
        "tracking-uri": sandbox.tracking_uri,
        "fallback": "none",
        "model-path": "model.txt",
        "metrics": "accuracy=0.5",
        "alias": "champion",
    }
    return made


@pytest.fixture
def jobs(sandbox: Sandbox, key: str, tmp_path: Path) -> list[Runner]:
    """Jobs that would all register the same model."""
    made = [job(sandbox, key, tmp_path / str(number), "same") for number in range(JOBS)]
    name = unique("race")
    for runner in made:
        runner.inputs["model-name"] = name
    return made


@pytest.mark.fault("R17", "jobs race for the same key", "one version for all of them")
def test_the_same_registration(jobs: list[Runner], client: MlflowClient) -> None:
    name = jobs[0].inputs["model-name"]
    results = at_once(jobs)
    for result in results:
        assert result.exit_code == 0, result.log
    (version,) = client.search_model_versions(f"name = '{name}'")
    assert {result.outputs["model-version"] for result in results} == {version.version}
    assert {result.outputs["run-id"] for result in results} == {version.run_id}
    assert [result.outputs["created"] for result in results].count("true") == 1
    (run,) = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    assert (run.info.run_id, run.info.status) == (version.run_id, "FINISHED")
    assert client.get_model_version_by_alias(name, "champion").version == version.version


@pytest.mark.fault("R18", "jobs race for the same name, other content", "one version for each")
def test_other_models_of_the_same_name(
    jobs: list[Runner], client: MlflowClient, tmp_path: Path
) -> None:
    name = jobs[0].inputs["model-name"]
    for number, runner in enumerate(jobs):
        (runner.workspace / "model.txt").write_text(str(number))
    results = at_once(jobs)
    for result in results:
        assert result.said("registered", "ok", "mlflow")
    numbers = {result.outputs["model-version"] for result in results}
    assert numbers == {str(number) for number in range(1, JOBS + 1)}
    for number, result in enumerate(results):
        version = client.get_model_version(name, result.outputs["model-version"])
        assert version.run_id == result.outputs["run-id"]
        local = client.download_artifacts(version.run_id, "model/model.txt", str(tmp_path))
        assert Path(local).read_text() == str(number)
    latest = max(client.search_model_versions(f"name = '{name}'"), key=lambda v: int(v.version))
    assert latest.version == str(JOBS)
