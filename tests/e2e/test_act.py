"""The example workflows, word for word, under act: what the steps behind the action get to see."""

from __future__ import annotations

import base64
import shutil
import ssl
import uuid
from pathlib import Path
from typing import Any

import pytest
import trustme
from mlflow import MlflowClient

from act_runner import Act
from functional.fault_server import faulty
from hokusai_register.sandbox.child import free_port
from sandboxes import Sandbox, running

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DOWN = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9/api/mlflow"}  # nobody listens there
TAG = {"GITHUB_REF": "refs/tags/v1.0.0"}
AGAIN = {"GITHUB_RUN_ATTEMPT": "2"}


@pytest.fixture
def act(jobs: Act) -> Act:
    """The repository of somebody who has copied the examples."""
    shutil.copytree(ROOT / "examples/workflows", jobs.repository / ".github/workflows")
    (jobs.repository / "examples").mkdir()
    shutil.copy(ROOT / "examples/train.py", jobs.repository / "examples")
    return jobs


def workflow(name: str) -> str:
    return f".github/workflows/{name}.yml"


def pull_request(owner: str) -> dict[str, Any]:
    """Return the event of a pull request from a repository of `owner`."""
    head = {"sha": "a" * 40, "repo": {"full_name": f"{owner}/model", "fork": owner != "octo"}}
    return {"pull_request": {"head": head}}


def replace(act: Act, name: str, old: str, new: str) -> None:
    """Change one thing in a workflow."""
    path = act.repository / workflow(name)
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def up(sandbox: Sandbox) -> dict[str, str]:
    """The variables of a job whose registry answers."""
    return {"MLFLOW_TRACKING_URI": sandbox.tracking_uri, "GITHUB_RUN_ID": str(uuid.uuid4().int)}


@pytest.fixture
def secrets(sandbox: Sandbox) -> dict[str, str]:
    """The secrets of a repository that may register."""
    return {"HOKUSAI_API_KEY": sandbox.create_key()}


def test_a_push_registers_once(act: Act, up: dict[str, str], secrets: dict[str, str]) -> None:
    first = act.run(workflow("register"), up, secrets)
    assert first.code == 0, first.printed
    assert (first.outputs["status"], first.outputs["backend"]) == ("registered", "mlflow")
    version = first.outputs["model-version"]
    assert f"breast-cancer is version {version}" in first.printed
    assert f"Registered `breast-cancer` version `{version}` in MLflow" in first.summary

    again = act.run(workflow("register"), up | AGAIN, secrets)
    assert again.code == 0, again.printed
    assert (again.outputs["status"], again.outputs["created"]) == ("already-registered", "false")
    assert f"breast-cancer is version {version}" in again.printed


def test_a_repository_can_use_the_action_in_it(
    act: Act, up: dict[str, str], secrets: dict[str, str], ours: Path
) -> None:
    shutil.copytree(ours, act.repository, dirs_exist_ok=True)
    replace(act, "register", "hokusai/register-model@v1", "./")
    ran = act.run(workflow("register"), up, secrets)
    assert ran.code == 0, ran.printed
    assert f"breast-cancer is version {ran.outputs['model-version']}" in ran.printed


def test_a_release_has_a_registered_model(
    act: Act, up: dict[str, str], secrets: dict[str, str]
) -> None:
    first = act.run(workflow("release"), up | TAG, secrets)
    assert first.code == 0, first.printed
    assert first.jobs == dict.fromkeys(("register", "release", "announce"), "success")
    model = f"models:/breast-cancer/{first.outputs['model-version']}"
    asked = f"gh release create v1.0.0 --verify-tag --notes The model is {model}. in octo/model"
    assert asked in first.printed
    assert f"{model} is new" in first.printed

    again = act.run(workflow("release"), up | TAG | AGAIN, secrets)
    assert again.jobs == dict.fromkeys(("register", "release"), "success")
    assert asked in again.printed


@pytest.mark.parametrize(
    ("instead", "environ", "registers", "status"),
    [
        ("require-registered: true", {"HOKUSAI_OPTIONAL_MLFLOW": "true"}, "failure", "failed"),
        ("fallback: local", {}, "success", "registered-local"),
        ("fallback: mock", {"HOKUSAI_MOCK_MODE": "true"}, "success", "simulated"),
    ],
)
def test_nothing_is_released_while_the_registry_is_down(
    act: Act, instead: str, environ: dict[str, str], registers: str, status: str
) -> None:
    replace(act, "release", "require-registered: true", instead)
    ran = act.run(workflow("release"), DOWN | TAG | environ, {"HOKUSAI_API_KEY": "hk_live_1"})
    assert ran.jobs == {"register": registers}
    assert ran.outputs["status"] == status
    assert not [row for row in ran.printed if row.startswith("gh ")]


def test_a_pull_request_of_a_fork_ends_green(act: Act) -> None:
    ran = act.run(
        workflow("pull-request"), {}, {}, event="pull_request", payload=pull_request("guest")
    )
    assert ran.code == 0, ran.printed
    assert ran.outputs["status"] == "skipped"
    digest = ran.outputs["model-digest"]
    assert len(digest) == 64
    assert f"not registered (key-missing), SHA-256 {digest}" in ran.printed


def test_a_pull_request_of_our_own_is_checked(
    act: Act, up: dict[str, str], secrets: dict[str, str]
) -> None:
    ran = act.run(
        workflow("pull-request"), up, secrets, event="pull_request", payload=pull_request("octo")
    )
    assert ran.code == 0, ran.printed
    assert f"not registered (dry-run), SHA-256 {ran.outputs['model-digest']}" in ran.printed


def test_a_matrix_sums_up_what_it_registered(
    act: Act, up: dict[str, str], secrets: dict[str, str]
) -> None:
    ran = act.run(workflow("matrix"), up, secrets)
    assert ran.code == 0, ran.printed
    rows = [f"| result-{kind} | 1 | registered |" for kind in ("forest", "logistic", "neighbors")]
    assert "\n".join(rows) in ran.summary


def test_what_an_outage_kept_is_registered_later(act: Act, tmp_path: Path) -> None:
    port = str(free_port())
    with running(tmp_path / "sandbox", "--port", port) as service:
        secrets = {"HOKUSAI_API_KEY": service.create_key()}
    environ = {"MLFLOW_TRACKING_URI": service.tracking_uri}
    kept = act.run(workflow("fallback"), environ | {"GITHUB_RUN_ID": "79"}, secrets)
    assert kept.code == 0, kept.printed
    assert (kept.outputs["status"], kept.outputs["registered"]) == ("registered-local", "false")
    notices = [row["arg"] for row in kept.rows if row.get("command") == "notice"]
    assert notices == ["When the registry is back, gh workflow run replay.yml -f run-id=79"]

    event = {"inputs": {"run-id": "79"}}
    with running(service.directory, "--port", port) as back:
        first, again = (
            act.run(workflow("replay"), environ, secrets, event="workflow_dispatch", payload=event)
            for _ in range(2)
        )
        version = MlflowClient(back.mlflow_url).get_model_version("breast-cancer", "1")
    assert (first.code, first.outputs["status"]) == (0, "registered"), first.printed
    assert "models:/breast-cancer/1 is registered" in first.printed
    assert (again.code, again.outputs["status"]) == (0, "already-registered"), again.printed
    assert version.tags["hokusai.idempotency_key"] == Path(kept.outputs["bundle"]).name


def test_a_server_of_our_own_gets_its_login(act: Act, sandbox: Sandbox) -> None:
    ca = trustme.CA()
    client = ca.issue_cert("ci@octo.example")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.verify_mode = ssl.CERT_REQUIRED
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    ca.configure_trust(tls)
    secrets = {
        "MLFLOW_CA": ca.cert_pem.bytes().decode(),
        "MLFLOW_CLIENT_CERT": client.cert_chain_pems[0].bytes().decode(),
        "MLFLOW_CLIENT_KEY": client.private_key_pem.bytes().decode(),
        "MLFLOW_USERNAME": "ci-of-octo",
        "MLFLOW_PASSWORD": "correct-horse-battery",
    }
    with faulty(upstream=sandbox.mlflow_url, tls=tls) as server:
        variables = {"MLFLOW_TRACKING_URI": server.url}
        ran = act.run(workflow("own-mlflow"), {}, secrets, variables=variables)
    assert (ran.code, ran.outputs["status"]) == (0, "registered"), ran.printed
    assert f"see {ran.outputs['run-url']}" in ran.printed
    login = base64.b64encode(b"ci-of-octo:correct-horse-battery").decode()
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Basic {login}"}


def test_where_no_linux_container_runs(
    act: Act, up: dict[str, str], secrets: dict[str, str]
) -> None:
    """As far as this machine can tell: act has no other system than Linux."""
    replace(act, "macos-windows", "os: [macos-latest, windows-latest]", "os: [windows-latest]")
    ran = act.run(workflow("macos-windows"), up, secrets)
    assert ran.code == 0, ran.printed
    assert (ran.outputs["status"], ran.outputs["backend"]) == ("registered", "mlflow")
    assert f"version {ran.outputs['model-version']}" in ran.printed
