"""MLflow servers with workspaces: a model lands in the one that was meant, or nowhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from functional.fault_server import Asked, Reply, faulty
from functional.runner import Result, Runner, unique
from functional.scripts import call
from functional.servers import mlflow_server
from hokusai_register.http.login import WORKSPACE_HEADER
from sandboxes import Sandbox

TEAMS = ("team-a", "team-b")
LOGS = """
import mlflow
mlflow.set_experiment("training")
with mlflow.start_run() as run:
    mlflow.log_text("plain", "files/plain.txt")
print(run.info.artifact_uri)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("workspaces")
    with mlflow_server(Path(sys.executable), place, "--enable-workspaces") as url:
        for name in TEAMS:
            made = httpx.post(f"{url}/api/3.0/mlflow/workspaces", json={"name": name})
            assert made.status_code in (200, 201), made.text
        yield url


@pytest.fixture
def job(runner: Runner, server: str) -> Runner:
    runner.environ |= {"MLFLOW_TRACKING_TOKEN": "x", "MLFLOW_WORKSPACE": "team-a"}
    runner.inputs |= {"tracking-uri": server, "fallback": "local"}
    return runner


def sources(url: str, workspace: str, name: str) -> list[str]:
    """Return where the versions of a model that stand in a workspace have their files."""
    found = httpx.get(
        f"{url}/api/2.0/mlflow/model-versions/search",
        params={"filter": f"name = '{name}'"},
        headers={WORKSPACE_HEADER: workspace},
    )
    return [version["source"] for version in found.json().get("model_versions", [])]


def test_each_workspace_has_its_own(job: Runner, server: str) -> None:
    name = job.inputs["model-name"]
    for team in TEAMS:
        job.environ["MLFLOW_WORKSPACE"] = team
        result = job.action() if team == "team-a" else job.here()
        assert result.said("registered", "ok", "mlflow")
        assert result.outputs["model-version"] == "1"
        assert result.outputs["run-url"].endswith(f"?workspace={team}")
        assert job.here().said("already-registered", "ok", "mlflow")
        (source,) = sources(server, team, name)
        assert f"/workspaces/{team}/" in source
    assert sources(server, "default", name) == []


def refused(result: Result, reason: str, words: str) -> bool:
    assert result.said("failed", reason, "none")
    assert result.exit_code == 1
    return words in result.errors[0]


def test_one_that_is_not_there(job: Runner) -> None:
    job.environ["MLFLOW_WORKSPACE"] = "team-c"
    assert refused(job.here(), "not-found", "Workspace 'team-c' not found")


def test_no_name_of_one(job: Runner) -> None:
    job.environ["MLFLOW_WORKSPACE"] = "Team A"
    result = job.here()
    assert result.said("failed", "input", "none")
    assert "MLFLOW_WORKSPACE" in result.errors[0]


def test_a_server_without_any(job: Runner, sandbox: Sandbox) -> None:
    assert refused(job.here(tracking_uri=sandbox.mlflow_url), "invalid", "MLFLOW_WORKSPACE blank")


@pytest.mark.parametrize("there", [True, False], ids=["an old experiment", "a new experiment"])
def test_a_server_that_never_hears_of_it(job: Runner, server: str, *, there: bool) -> None:
    """As those before 3.10 are, which know no such header, and some proxies that drop it."""
    experiment = unique("experiment")

    def old(asked: Asked) -> Reply | None:
        return Reply(status=404) if "/workspaces" in asked.path else None

    with faulty(old, upstream=server) as proxy:
        proxy.hidden = frozenset({WORKSPACE_HEADER.lower()})
        if there:
            made = httpx.post(
                f"{server}/api/2.0/mlflow/experiments/create", json={"name": experiment}
            )
            assert made.status_code == 200
        result = job.here(tracking_uri=proxy.url, experiment=experiment)
        assert refused(result, "invalid", "has no workspace team-a")
        assert not [asked for asked in proxy.asked if asked.method != "GET"]


def test_a_dry_run_says_so_too(job: Runner) -> None:
    assert job.here(dry_run="true").said("skipped", "dry-run", "none")
    job.environ["MLFLOW_WORKSPACE"] = "team-c"
    assert refused(job.here(dry_run="true"), "not-found", "Workspace 'team-c' not found")


def test_the_plugin_goes_there_too(server: str) -> None:
    variables = {"MLFLOW_TRACKING_TOKEN": "x", "MLFLOW_TRACKING_URI": f"hokusai+{server}"}
    done = call(LOGS, **variables, MLFLOW_WORKSPACE="team-b")
    assert done.returncode == 0, done.stderr
    assert "/workspaces/team-b/" in done.stdout
    done = call(LOGS, **variables, MLFLOW_WORKSPACE="team-c")
    assert done.returncode != 0
    assert "Workspace 'team-c' not found" in done.stderr
