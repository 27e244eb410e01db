"""Kept on this machine: whole, openable, honest about it, and the same registration later."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from mlflow import MlflowClient

from functional.fault_server import FORWARD, Asked, FaultServer, Reply, faulty
from functional.forks import unpaused
from functional.runner import COMMAND, LIMIT, Result, Runner, kept, outputs, unique
from functional.servers import mlflow_server
from functional.trees import digest, tree
from hokusai_register import bundle
from sandboxes import Sandbox, running

# MLflow's own store, in this process, uses what SQLAlchemy calls old.
pytestmark = pytest.mark.filterwarnings("ignore")

DEAD = "http://127.0.0.1:1/api/mlflow"
OLD = 2_000_000  # seconds ago
SOMEBODY = 1001
# What must be among the tags of a version and its run, whatever else is.
TAGS = {
    *("hokusai.idempotency_key", "hokusai.model_sha256", "hokusai.metrics_sha256"),
    *("hokusai.git_commit", "hokusai.repository", "hokusai.workflow_run_url", "team"),
}


@pytest.fixture
def dead(runner: Runner) -> Runner:
    """A job whose registry does not answer."""
    runner.inputs |= {"tracking-uri": DEAD, "api-url": "", "fallback": "local"}
    return runner


def bundle_of(runner: Runner, result: Result) -> Path:
    return runner.workspace / result.outputs["bundle"]


def replay(runner: Runner, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "replay", *arguments]
    return subprocess.run(
        command,
        cwd=runner.workspace,
        env={**kept(), "HOKUSAI_API_KEY": runner.inputs["api-key"], **environ},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def local(runner: Runner) -> MlflowClient:
    """The official client, at the store that a local registration leaves."""
    uri = f"sqlite:///{runner.workspace / '.hokusai' / 'mlflow.db'}"
    return MlflowClient(uri, uri)


def test_a_dead_registry_leaves_a_bundle_and_a_store(dead: Runner) -> None:
    model = dead.workspace / "model"
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "weights.bin").write_bytes(b"w" * 5000)
    (model / "a b.txt").write_text("ä")
    result = dead.action(model_path="model", version="v1.0.0", params="depth=3")
    assert result.said("registered-local", "refused", "local")
    assert (result.exit_code, result.outputs["registered"]) == (0, "false")
    assert "::warning title=The registry does not have the model::" in result.log
    assert result.errors == []
    assert "registered in" not in result.summary.lower().splitlines()[0]
    assert "kept on this machine only" in result.summary.splitlines()[0]
    opened = bundle.open_bundle(bundle_of(dead, result))
    assert opened.key(digest(model)) == bundle_of(dead, result).name
    assert tree(bundle_of(dead, result) / "files") == tree(model)
    told = json.loads((bundle_of(dead, result) / "bundle.json").read_text())
    assert [row["reason"] for row in told["fell_back"]] == ["refused", "refused"]
    client = local(dead)
    version = client.get_model_version(dead.inputs["model-name"], "1")
    files = Path(client.get_run(version.run_id).info.artifact_uri.removeprefix("file://"))
    assert {"MLmodel": tree(files / "model").get("MLmodel"), **tree(model)} == tree(files / "model")
    assert client.get_run(version.run_id).data.metrics == {"accuracy": 0.875}
    assert client.get_run(version.run_id).info.status == "FINISHED"


def test_kept_twice_is_kept_once(dead: Runner) -> None:
    first, second = dead.brisk(), dead.brisk()
    assert second.said("registered-local", "refused", "local")
    for name in ("bundle", "run-id", "model-version"):
        assert first.outputs[name] == second.outputs[name]
    assert len(list((dead.workspace / ".hokusai" / "bundles").iterdir())) == 1


def test_what_was_damaged_is_kept_anew(dead: Runner) -> None:
    first = dead.brisk()
    file = bundle_of(dead, first) / "files" / "model.bin"
    file.unlink()  # the store has a link to the same file
    file.write_bytes(b"other")
    assert dead.brisk().outputs["bundle"] == first.outputs["bundle"]
    bundle.open_bundle(bundle_of(dead, first))


@pytest.mark.fault("R22", "leftovers owned by root", "registered-local/refused 0")
@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
def test_r22_everything_belongs_to_whoever_owns_the_workspace(dead: Runner) -> None:
    os.chown(dead.workspace, SOMEBODY, SOMEBODY)
    assert dead.action().said("registered-local", "refused", "local")
    store = dead.workspace / ".hokusai"
    owners = {path: path.lstat().st_uid for path in (store, *store.rglob("*"))}
    assert len(owners) > 10
    assert set(owners.values()) == {SOMEBODY}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A second service, in which nothing of the first is known."""
    with running(tmp_path_factory.mktemp("other") / "place") as started:
        yield started


@pytest.fixture
def service(runner: Runner, sandbox: Sandbox) -> Iterator[FaultServer]:
    """One address, behind which nobody is until its `upstream` is set."""

    def script(_: Asked) -> Reply | None:
        return FORWARD if started.upstream else Reply(status=503)

    with faulty(script, sandbox.url) as started:
        started.upstream = ""
        runner.inputs |= {
            "tracking-uri": f"{started.url}/api/mlflow",
            "api-url": "",
            "fallback": "local",
        }
        yield started


def registered(place: Sandbox, key: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return everything that a service knows of a version and its run, but its own ids."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", key)
    client = MlflowClient(place.tracking_uri)
    (version,) = client.search_model_versions(f"name = '{name}'")
    run = client.get_run(version.run_id)
    assert version.tags.keys() & run.data.tags.keys() >= TAGS
    history = client.get_metric_history(run.info.run_id, "accuracy")
    with TemporaryDirectory() as there:
        files = Path(client.download_artifacts(run.info.run_id, "model", there))
        told = (files / "MLmodel").read_text()
        (files / "MLmodel").write_text(told.replace(run.info.run_id, "its run"))
        content = tree(files)
    return {
        "version": (version.version, version.tags, version.description, version.aliases),
        "run": (run.info.status, run.info.run_name, run.data.tags),
        "logged": (run.data.metrics, run.data.params),
        "metric": [(one.value, one.step, one.timestamp - run.info.start_time) for one in history],
        "files": content,
        "experiment": client.get_experiment(run.info.experiment_id).name,
    }


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("how", ["replay", "action"])
def test_replayed_it_is_what_it_would_have_been(
    runner: Runner,
    service: FaultServer,
    sandbox: Sandbox,
    other: Sandbox,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    asked = {
        "version": "v1.0.0",
        "params": "depth=3\nrate=0.10",
        "tags": "team=risk",
        "description": "Two lines,\nand a | bar",
        "alias": "champion",
        "experiment": unique("experiment"),
    }
    kept_here = runner.here(**asked)
    assert kept_here.said("registered-local", "server-5xx", "local")
    service.upstream = other.url
    other_key = other.create_key()
    direct = runner.here(api_key=other_key, **asked)
    assert direct.said("registered", "ok", "mlflow")

    service.upstream = sandbox.url
    path, uri = kept_here.outputs["bundle"], runner.inputs["tracking-uri"]
    if how == "replay":
        done = replay(runner, path, "--tracking-uri", uri)
        assert done.returncode == 0, done.stderr
        assert "status=registered\n" in done.stdout
        assert (
            replay(runner, path, path, "--tracking-uri", uri).stdout.count(
                "status=already-registered\n"
            )
            == 2
        )
    else:
        blank = dict.fromkeys(("model_name", "metrics"), "")
        assert runner.here(model_path=path, **blank).said("registered", "ok", "mlflow")
        assert runner.here(model_path=path, **blank).said("already-registered", "ok", "mlflow")
    name = runner.inputs["model-name"]
    assert registered(sandbox, key, name, monkeypatch) == registered(
        other, other_key, name, monkeypatch
    )
    again = runner.here(**asked)
    assert again.said("already-registered", "ok", "mlflow"), "the same key, the same thing"


def test_a_replay_names_what_is_no_bundle(runner: Runner) -> None:
    (runner.workspace / "empty").mkdir()
    for path in ("empty", "model.bin"):
        done = replay(runner, path, "--tracking-uri", DEAD)
        assert done.returncode == 2
        assert "is not a bundle" in done.stderr


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def linked(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/hostname")


# What is done to the file that a bundle keeps.
FILE_CHANGES: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda file: file.write_bytes(file.read_bytes()[:-1] + b"!"),
    "gone": Path.unlink,
    "link": linked,
}
# What is done to its description.
CHANGES: dict[str, Callable[[Any], Any]] = {
    "path": lambda told: told["files"][0].update(path="../../../model.bin"),
    "absolute": lambda told: told["files"][0].update(path="/etc/hostname"),
    "newline": lambda told: told["files"][0].update(path="a\nb"),
    "digest": lambda told: told.update(digest="0" * 64),
    "digests": lambda told: (told["files"][0].update(sha256=EMPTY), told.update(digest=EMPTY)),
    "schema": lambda told: told.update(schema=2),
    "metric": lambda told: told["request"]["metrics"].update(accuracy=1.0),
    "huge": lambda told: told["request"]["metrics"].update(accuracy=10**400),
    "more": lambda told: told["files"].append({"path": "extra", "size": 0, "sha256": EMPTY}),
    "name": lambda told: told["request"].update(name="../x"),
    "key": lambda told: told.update(key="hk1-" + "0" * 64),
    "list": lambda told: told.update(files=[]),
    "no request": lambda told: told.pop("request"),
}


def tamper(how: str, path: Path) -> None:
    """Change one thing in a bundle."""
    if how in FILE_CHANGES:
        FILE_CHANGES[how](path / "files" / "model.bin")
        return
    told = json.loads((path / "bundle.json").read_text())
    CHANGES[how](told)
    (path / "bundle.json").write_text(json.dumps(told))


def test_a_bundle_that_was_tampered_with_is_refused_before_any_network(
    dead: Runner,
) -> None:
    whole = bundle_of(dead, dead.brisk())
    with faulty() as server:
        for how in (*FILE_CHANGES, *CHANGES):
            copy = dead.workspace / f"copy-{how}"
            subprocess.run(["cp", "-a", whole, copy], check=True)
            tamper(how, copy)
            result = dead.here(
                model_path=copy.name,
                model_name="",
                metrics="",
                tracking_uri=f"{server.url}/api/mlflow",
            )
            assert result.said("failed", "file", "none"), how
            assert result.exit_code == 2, how
            assert f"copy-{how}" in result.errors[0]
        assert server.asked == []


def test_a_local_server_comes_before_the_embedded_store(dead: Runner, tmp_path: Path) -> None:
    with mlflow_server(Path(sys.executable), tmp_path / "mlflow") as url:
        result = dead.brisk({"HOKUSAI_LOCAL_MLFLOW_URI": url})
        client = MlflowClient(url)
        version = client.get_model_version(dead.inputs["model-name"], "1")
    assert result.said("registered-local", "refused", "local")
    assert version.run_id == result.outputs["run-id"]
    assert result.outputs["registered"] == "false"
    assert not (dead.workspace / ".hokusai" / "mlflow.db").exists()
    bundle.open_bundle(bundle_of(dead, result))


@pytest.mark.parametrize("inside", [True, False])
def test_a_tracking_uri_may_ask_for_this_machine(runner: Runner, inside: bool) -> None:
    uri = f"sqlite:///{runner.workspace if inside else runner.home}/mine.db"
    result = runner.action(tracking_uri=uri, api_url="", fallback="", api_key="")
    if not inside:
        assert result.said("failed", "file", "none")
        return
    assert result.said("registered-local", "ok", "local")
    assert (runner.workspace / "mine.db").exists()
    assert bundle.open_bundle(bundle_of(runner, result)).name == runner.inputs["model-name"]


def test_without_a_key_it_is_kept_here_by_consent_and_else_simulated(dead: Runner) -> None:
    result = dead.brisk(api_key="", fallback="mock")
    assert result.said("registered-local", "key-missing", "local")
    assert "::warning" in result.log
    (dead.workspace / "blocked").write_text("")
    result = dead.brisk(api_key="", fallback="mock", local_store="blocked")
    assert result.said("simulated", "disk", "mock")
    assert (result.exit_code, result.outputs["run-id"]) == (0, "")
    assert (result.outputs["model-version"], result.outputs["bundle"]) == ("", "")
    assert dead.brisk(api_key="", fallback="local").said("failed", "key-missing", "none")
    result = dead.brisk(fallback="local", local_store="blocked")
    assert result.said("failed", "disk", "none")
    assert result.exit_code == 1
    result = dead.brisk({"HOKUSAI_OPTIONAL_MLFLOW": "true"}, fallback="")
    assert result.said("registered-local", "refused", "local")


@pytest.mark.parametrize("fallback", ["api", "local", "mock"])
def test_require_registered_beats_every_flag(dead: Runner, fallback: str) -> None:
    environ = {"HOKUSAI_OPTIONAL_MLFLOW": "true"}
    result = dead.brisk(environ, fallback=fallback, require_registered="true")
    assert result.said("failed", "refused", "none")
    assert result.exit_code == 1
    assert not (dead.workspace / ".hokusai").exists()


def test_a_store_that_was_moved_is_no_bug(dead: Runner) -> None:
    assert dead.brisk().exit_code == 0
    moved = dead.home / "elsewhere"
    dead.workspace.rename(moved)
    dead.workspace.symlink_to(moved)
    (moved / "model.bin").write_bytes(b"others")
    (moved / ".hokusai").rename(moved / ".older")
    subprocess.run(["cp", "-a", moved / ".older", moved / ".hokusai"], check=True)
    result = dead.brisk()
    assert result.said("failed", "disk", "none")
    assert "was made elsewhere" in result.errors[0]
    assert "hokusai-register replay" in result.errors[0]


@pytest.mark.slow
@pytest.mark.fault("R14", "SIGKILL while the model is kept", "no half of a bundle")
def test_a_killed_step_leaves_no_half_of_a_bundle(dead: Runner) -> None:
    many = dead.workspace / "model"
    many.mkdir()
    for number in range(150):
        (many / f"{number}.bin").write_bytes(bytes([number]) * 20_000)
    store = dead.workspace / ".hokusai"
    bundles = store / "bundles"
    bundles.mkdir(parents=True)
    killed = 0
    for number, after in enumerate((0.0, 0.01, 0.05, 0.2, 0.4, 0.8)):
        before = len(list(bundles.iterdir()))
        process, output, _ = dead.fork(unpaused, model_path="model", model_name=f"killed-{number}")
        while len(list(bundles.iterdir())) == before:
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(after)
        process.kill()
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            killed += 1
            assert outputs(output)["reason"] in ("interrupted", "refused")
        for path in bundles.glob("hk1-*"):
            bundle.open_bundle(path)
    assert killed > 1
    for left in (*store.glob(".mlflow.db.*"), *bundles.glob(".hk1-*")):
        os.utime(left, (time.time() - OLD,) * 2)
    assert dead.brisk(model_path="model").said("registered-local", "refused", "local")
    assert [path.name for path in bundles.iterdir() if path.name.startswith(".")] == []
    assert [path.name for path in store.iterdir() if path.name.startswith(".")] == []


@pytest.mark.fault("R14", "SIGKILL in a write to the local store", "registered-local/refused 0")
def test_what_a_killed_step_left_unwritten_is_taken_back(dead: Runner) -> None:
    assert dead.brisk().exit_code == 0
    path = dead.workspace / ".hokusai" / "mlflow.db"
    journal = path.with_name("mlflow.db-journal")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        before = list(writer.iterdump())
        writer.execute("PRAGMA cache_size = 1")  # so that pages are written before the end
        writer.execute("BEGIN")
        writer.execute("UPDATE experiments SET artifact_location = 'elsewhere'")
        writer.execute("CREATE TABLE torn AS SELECT hex(randomblob(9000)) AS half")
        left = {of: of.read_bytes() for of in (path, journal)}
        writer.execute("ROLLBACK")
    for of, content in left.items():
        of.write_bytes(content)
    result = dead.brisk(model_name="another")
    assert result.said("registered-local", "refused", "local")
    assert not journal.exists()
    with closing(sqlite3.connect(path)) as reader:
        assert set(before) <= set(reader.iterdump())


def count(place: Sandbox) -> dict[str, int]:
    """Return how many rows each table of a sandbox's database has."""
    (path,) = place.directory.rglob("mlflow*.db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608
            for (name,) in tables
        }


def test_a_dry_run_writes_nothing_and_says_what_it_would_do(
    runner: Runner, sandbox: Sandbox
) -> None:
    before = count(sandbox)
    result = runner.action(dry_run="true")
    assert result.said("skipped", "dry-run", "none")
    assert (result.exit_code, result.outputs["registered"]) == (0, "false")
    assert "would register a new version" in result.summary
    wrong = runner.action(dry_run="true", api_key="hk_live_" + "0" * 32)
    assert wrong.said("failed", "auth-401", "none")
    assert wrong.exit_code == 3
    reader = sandbox.create_key("model:read")
    refused = runner.action(dry_run="true", api_key=reader, fallback="none")
    assert refused.said("failed", "auth-403", "none")
    missing = runner.action(dry_run="true", api_key="")
    assert missing.said("failed", "key-missing", "none")
    assert count(sandbox) == before
    assert runner.action().said("registered", "ok", "mlflow")
    assert "registration is there already" in runner.action(dry_run="true").summary


def event(runner: Runner, head: str) -> dict[str, str]:
    path = runner.temp / "event.json"
    head_repo = {"sha": "a" * 40, "repo": {"full_name": head}}
    path.write_text(json.dumps({"pull_request": {"head": head_repo}}))
    return {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}


@pytest.mark.fault(
    "K07", "a fork's pull request or Dependabot, no secrets", "failed or skipped/key-missing"
)
def test_k07_who_gets_no_secrets_may_be_skipped(runner: Runner) -> None:
    own = event(runner, "octocat/models")
    inputs = {"api_key": "", "on_missing_key": "skip"}
    result = runner.action(own, **inputs)
    assert result.said("failed", "key-missing", "none")
    assert result.exit_code == 3
    fork = event(runner, "stranger/models")
    for environ in (fork, {"GITHUB_ACTOR": "dependabot[bot]"}):
        result = runner.action(environ, **inputs)
        assert result.said("skipped", "key-missing", "none")
        assert result.exit_code == 0
        result = runner.action(environ, api_key="")
        assert result.said("failed", "key-missing", "none")
        assert "GitHub gives no secrets to" in result.errors[0]
