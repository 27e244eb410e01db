"""The plugin under three MLflow clients: what docs/mlflow.md says of each call, it does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compat.calls import CALLS
from compat.pythons import PYTHONS, ROOT
from functional.fault_server import Asked, Reply, faulty
from functional.runner import kept, unique
from sandboxes import Sandbox, running

SCRIPT = ROOT / "tests/compat/calls.py"
COLUMNS = ("call", *PYTHONS, "direct address", "today's service")
FIRST_DELETE = "`delete_registered_model_alias`"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("plugin") / "place") as started:
        yield started


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package alone, as pip installs it, to be found beside any client."""
    target = tmp_path_factory.mktemp("site")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--target", str(target))
    command = (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *options)
    subprocess.run([*command, str(ROOT)], check=True)
    return target


@pytest.fixture
def ask(plugin: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a client's Python with the package beside it."""

    def run(version: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        if not PYTHONS[version].exists():
            pytest.skip("the client is not installed: make compat")
        environ = {"PYTHONPATH": str(plugin), "MLFLOW_DISABLE_TELEMETRY": "true", **variables}
        return subprocess.run(
            [str(PYTHONS[version]), "-W", "ignore", *arguments],
            env={**kept(), "TMPDIR": str(tmp_path), **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def calls(
    ask: Callable[..., subprocess.CompletedProcess[str]], sandbox: Sandbox, tmp_path: Path
) -> Callable[..., dict[str, str]]:
    """Make all the calls; return what became of each."""
    state, key = tmp_path / "state.json", sandbox.create_key()
    state.write_text(json.dumps({"name": unique("plugin")}))

    def run(version: str, address: str, *until: str) -> dict[str, str]:
        variables = {"MLFLOW_TRACKING_URI": f"hokusai+{address}", "HOKUSAI_API_KEY": key}
        done = ask(version, str(SCRIPT), str(state), *until, **variables)
        print(done.stderr)
        assert done.returncode == 0
        assert key not in done.stdout + done.stderr
        told: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return told

    return run


def answered(found: dict[str, str]) -> dict[str, str]:
    """Return the same in the table's words."""
    return {name: "yes" if word == "yes" else "refused" for name, word in found.items()}


def documented(column: str) -> dict[str, str]:
    """Return one column of the table in docs/mlflow.md, by call."""
    text = (ROOT / "docs/mlflow.md").read_text(encoding="utf-8")
    table = text.partition("<!-- calls -->\n")[2].partition("<!-- /calls -->")[0].splitlines()
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    assert tuple(rows[0]) == COLUMNS
    return {row[0]: row[COLUMNS.index(column)] for row in rows[2:]}


@pytest.mark.parametrize("version", PYTHONS)
def test_every_call(version: str, calls: Callable[..., dict[str, str]], sandbox: Sandbox) -> None:
    assert calls(version, sandbox.tracking_uri) == documented(version)


def test_the_direct_address_is_for_reading(
    calls: Callable[..., dict[str, str]], sandbox: Sandbox
) -> None:
    calls("newest", sandbox.tracking_uri, FIRST_DELETE)
    found = calls("newest", f"{sandbox.url}/mlflow")
    assert answered(found) == documented("direct address")
    assert found["`register_model`"] == "auth-403"


def test_a_proxy_that_drops_what_is_in_a_delete(
    calls: Callable[..., dict[str, str]], sandbox: Sandbox
) -> None:
    """As the service's own proxy does today."""

    def drop(asked: Asked) -> Reply | None:
        if asked.method != "DELETE":
            return None
        headers = {name: value for name, value in asked.headers.items() if name != "content-length"}
        return server.forward(replace(asked, headers=headers, body=b""))

    with faulty(drop, sandbox.url) as server:
        found = calls("newest", f"{server.url}/api/mlflow")
    assert answered(found) == documented("today's service")
    assert found[FIRST_DELETE] == "invalid"


def test_the_table_has_every_call() -> None:
    assert list(documented("newest")) == list(CALLS)


@pytest.mark.parametrize("version", PYTHONS)
def test_pip_finds_nothing_wrong(
    version: str, ask: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """The package's own pins allow this client beside it."""
    done = ask(version, "-m", "pip", "check")
    assert "hokusai-register-model" not in done.stdout
    listed = ask(version, "-m", "pip", "show", "hokusai-register-model")
    assert "mlflow-skinny" in listed.stdout


@pytest.mark.parametrize("version", PYTHONS)
def test_the_command_registers_with_this_client(
    version: str,
    ask: Callable[..., subprocess.CompletedProcess[str]],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    given = ("--model-path", "model.bin", "--model-name", unique("client"), "--metrics", "auc: 0.5")
    command = ("-m", "hokusai_register", "register", *given, "--alias", "champion")
    key = {"HOKUSAI_API_KEY": sandbox.create_key()}
    for uri, status in (
        (f"{sandbox.url}/api/mlflow", "registered"),
        (f"{sandbox.url}/api/mlflow", "already-registered"),
        ("sqlite:///store.db", "registered-local"),
        ("sqlite:///store.db", "registered-local"),
    ):
        done = ask(version, *command, "--tracking-uri", uri, **key)
        assert f"status={status}\n" in done.stdout, done.stderr
