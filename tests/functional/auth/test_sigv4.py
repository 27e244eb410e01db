"""AWS Signature Version 4: every request is signed, and AWS's own library checks each of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from aws import complaint
from functional.fault_server import Asked, FaultServer, Reply, as_json, faulty
from functional.found import versions
from functional.runner import Runner
from functional.sinks import leaks
from hokusai_register.access import SIGV4, TOKEN
from sandboxes import Sandbox

KEY_ID, SECRET = "AKIDMADEUPEXAMPLE", "made/up+Secret+0f+4n+AWS+us3r/9f3K2mQ7"
SESSION = "FwoGZXIvYXdzEMadeUpSessionToken//////////9f3K2mQ7=="
AWS = {
    SIGV4: "true",
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": SESSION,
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def gate(runner: Runner, sandbox: Sandbox) -> Iterator[FaultServer]:
    """An API gateway in front of an MLflow server: it lets in what is signed rightly."""

    def check(asked: Asked) -> Reply | None:
        url = f"{server.url}{asked.path}"
        if asked.headers.get("x-amz-security-token") != SESSION or "+" in asked.path:
            return as_json({"message": "The security token is invalid."}, 403)
        wrong = complaint({KEY_ID: SECRET}, asked.method, url, asked.headers, asked.body)
        return as_json({"message": wrong}, 403) if wrong else None

    with faulty(check, sandbox.mlflow_url) as server:
        runner.inputs |= {"tracking-uri": server.url, "api-key": "", "api-url": ""}
        runner.environ |= AWS
        yield server


@pytest.fixture
def plain(sandbox: Sandbox) -> MlflowClient:
    """The server behind the gateway."""
    return MlflowClient(sandbox.mlflow_url)


def test_registers(
    runner: Runner, gate: FaultServer, plain: MlflowClient, sandbox: Sandbox
) -> None:
    runner.inputs |= {"model-path": "model", "experiment": f"{runner.inputs['model-name']} a+b ü"}
    for name in ("a b.bin", "c+d&e=f.bin", "ü~(1).bin", "100%.bin", "deep/er/empty"):
        file = runner.workspace / "model" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"" if name.endswith("empty") else name.encode() * 100)
    result = runner.action()
    assert result.said("registered", "ok", "mlflow")
    assert gate.asked
    assert {asked.headers["authorization"].split("/")[2] for asked in gate.asked} == {"eu-west-1"}
    assert not any("x-api-key" in asked.headers for asked in gate.asked)
    for put in gate.seen("PUT"):
        sent = put.headers["x-amz-content-sha256"]
        assert sent == hashlib.sha256(put.body).hexdigest()
    (found,) = versions(plain, runner.inputs["model-name"])
    assert found == result.outputs["model-version"]
    for secret in (SECRET, SESSION):
        assert leaks(secret, result, sandbox.directory, runner.workspace) == []
    assert runner.here().said("already-registered", "ok", "mlflow")


def test_what_is_sent_again_is_signed_again(runner: Runner, gate: FaultServer) -> None:
    check = gate.script
    refused: list[str] = []

    def busy_at_first(asked: Asked) -> Reply | None:
        if not refused:
            refused.append(asked.headers["x-amz-date"])
            return Reply(status=503, headers={"Retry-After": "1"})
        return check(asked)

    gate.script = busy_at_first
    assert runner.action().said("registered", "ok", "mlflow")
    first, second = gate.asked[:2]
    assert first.path == second.path
    assert first.headers["authorization"] != second.headers["authorization"]


@pytest.mark.parametrize(
    ("environ", "how", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": SECRET[::-1]}, SIGV4, "The request signature we calculated"),
        (
            {"AWS_ACCESS_KEY_ID": "AKIDOFNOBODY"},
            SIGV4,
            "The security token included in the request",
        ),
        ({"AWS_SESSION_TOKEN": ""}, SIGV4, "The security token is invalid."),
        ({SIGV4: "false", TOKEN: "made-up-token"}, TOKEN, "The security token is invalid."),
    ],
    ids=["another secret", "another id", "no session", "no signature"],
)
def test_refused(
    runner: Runner,
    gate: FaultServer,
    sandbox: Sandbox,
    environ: dict[str, str],
    how: str,
    said: str,
) -> None:
    result = runner.action(environ=environ)
    assert result.said("failed", "auth-403", "none")
    assert result.exit_code == 3
    assert f"HTTP 403: {said}" in result.errors[0]
    assert f"the login was {how}" in result.errors[0]
    assert len(gate.asked) == 1
    assert leaks(SECRET, result, sandbox.directory, runner.workspace) == []


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_without_credentials_nobody_is_asked(
    runner: Runner, gate: FaultServer, missing: str
) -> None:
    result = runner.action(environ={missing: ""})
    assert result.said("failed", "input", "none")
    assert result.exit_code == 2
    assert f"it needs {missing}: run aws-actions/configure-aws-credentials" in result.errors[0]
    assert gate.connections == 0
