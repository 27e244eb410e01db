"""Many jobs at once: the same registration becomes one thing, as many others become as many."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply
from functional.found import runs
from functional.runner import Runner
from functional.trees import tree
from hokusai_register import bundle
from hokusai_register.sandbox.baselines import Baselines
from hokusai_register.sandbox.place import Place
from sandboxes import Sandbox

# MLflow's own store, in this process, uses what SQLAlchemy calls old.
pytestmark = pytest.mark.filterwarnings("ignore")

ASKED = os.environ.get("HOKUSAI_TEST_JOBS")
JOBS = int(ASKED or 32)
KEEPERS = int(ASKED or 8)  # in one workspace, where each makes a database of its own first
# What every answer tells alike.
TOLD = ("backend", "run-id", "model-version", "model-uri", "model-digest", "bundle")


@pytest.fixture
def job(runner: Runner) -> Runner:
    """A job whose steps all have the same key, and a model each if they want one."""
    for number in range(JOBS):
        (runner.workspace / f"{number}.txt").write_text(str(number))
    runner.inputs |= {"model-path": "0.txt", "alias": "champion", "fallback": "none"}
    return runner


def own(jobs: int) -> list[dict[str, str]]:
    """Return the inputs of as many steps, each with a model of its own."""
    return [{"model_path": f"{number}.txt"} for number in range(jobs)]


def the_same(job: Runner, jobs: int = JOBS) -> dict[str, str]:
    """Register one model in all steps; return what all of them tell."""
    results = job.at_once([{}] * jobs)
    for result in results:
        assert result.exit_code == 0, result.log
    told = [{name: result.outputs[name] for name in TOLD} for result in results]
    assert told == [told[0]] * jobs
    return told[0]


def news(job: Runner) -> int:
    """Count the steps that say that it was they who made it."""
    return [result.outputs["created"] for result in job.ended].count("true")


@pytest.mark.slow
@pytest.mark.fault("R17", "jobs race for the same key", "one version for all of them")
def test_the_same_registration(job: Runner, client: MlflowClient) -> None:
    name = job.inputs["model-name"]
    told = the_same(job)
    assert (told["backend"], news(job)) == ("mlflow", 1)
    (version,) = client.search_model_versions(f"name = '{name}'")
    assert (version.version, version.run_id) == (told["model-version"], told["run-id"])
    assert runs(client, name) == ["FINISHED"]
    assert client.get_model_version_by_alias(name, "champion").version == version.version


@pytest.mark.slow
@pytest.mark.fault("R18", "jobs race for the same name, other content", "one version for each")
def test_other_models_of_the_same_name(
    job: Runner, client: MlflowClient, fetch: Callable[[str], Path]
) -> None:
    name = job.inputs["model-name"]
    results = job.at_once(own(JOBS))
    for result in results:
        assert result.said("registered", "ok", "mlflow")
    assert len({result.outputs["model-version"] for result in results}) == len(results)
    for number, result in enumerate(results):
        version = client.get_model_version(name, result.outputs["model-version"])
        assert version.run_id == result.outputs["run-id"]
        path = fetch(result.outputs["model-uri"]) / f"{number}.txt"
        assert path.read_text() == str(number)
        path.unlink()  # the next one comes to the same place, and has only its own
        assert set(tree(path.parent)) == {"MLmodel"}
    found = client.search_model_versions(f"name = '{name}'")
    assert {version.version for version in found} == {str(n + 1) for n in range(JOBS)}


@pytest.mark.slow
@pytest.mark.fault("R17", "jobs race for the same baseline", "one baseline for all of them")
def test_the_same_baseline(job: Runner, sandbox: Sandbox) -> None:
    reads_only = f"{sandbox.url}/mlflow"
    job.inputs |= {"fallback": "api", "tracking-uri": reads_only, "alias": ""}
    told = the_same(job)
    assert (told["backend"], news(job)) == ("api", 1)
    found = Baselines(Place(sandbox.directory).baselines).find(
        {"model_id": job.inputs["model-name"]}
    )
    assert [one["version"] for one in found] == [told["model-version"]]


def test_a_baseline_that_another_job_sends_first(runner: Runner, proxy: FaultServer) -> None:
    def script(asked: Asked) -> Reply | None:
        if asked.method == "POST":
            proxy.forward(asked)
        return None

    proxy.script = script
    result = runner.here(tracking_uri=f"{proxy.url}/nothing")
    assert result.said("already-registered", "ok", "api")
    assert result.outputs["created"] == "false"


@pytest.fixture
def without_key(job: Runner) -> Runner:
    """A job whose machine may keep the model, at once."""
    job.inputs |= {"api-key": "", "tracking-uri": "", "api-url": "", "fallback": "mock"}
    return job


def local(job: Runner) -> MlflowClient:
    uri = f"sqlite:///{job.workspace / '.hokusai' / 'mlflow.db'}"
    return MlflowClient(uri, uri)


@pytest.mark.slow
@pytest.mark.fault("R17", "steps keep the same model at once", "one bundle, one version")
def test_the_same_in_one_workspace(without_key: Runner) -> None:
    name = without_key.inputs["model-name"]
    told = the_same(without_key, KEEPERS)
    assert told["backend"] == "local"
    kept = without_key.workspace / told["bundle"]
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert bundle.open_bundle(kept).name == name
    (version,) = local(without_key).search_model_versions(f"name = '{name}'")
    assert version.run_id == told["run-id"]
    assert runs(local(without_key), name) == ["FINISHED"]


@pytest.mark.slow
@pytest.mark.fault("R18", "steps keep many models at once", "a bundle and a version for each")
def test_many_in_one_workspace(without_key: Runner) -> None:
    results = without_key.at_once(own(KEEPERS))
    for result in results:
        assert result.said("registered-local", "key-missing", "local")
    assert len({result.outputs["model-version"] for result in results}) == len(results)
    for number, result in enumerate(results):
        kept = without_key.workspace / result.outputs["bundle"]
        assert set(tree(kept / "files")) == {f"{number}.txt"}
        run = local(without_key).get_run(result.outputs["run-id"])
        files = Path(run.info.artifact_uri.removeprefix("file://")) / "model"
        assert set(tree(files)) == {f"{number}.txt", "MLmodel"}
