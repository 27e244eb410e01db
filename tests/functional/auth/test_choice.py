"""Who we are: one login, of our choice, on every call, and for the configured origin alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from functional.fault_server import FaultServer, as_json, faulty
from functional.runner import Runner
from functional.sinks import leaks
from hokusai_register.access import KEY, PAIR, SIGV4, TOKEN
from sandboxes import Sandbox

USER = {
    "MLFLOW_TRACKING_USERNAME": "me",
    "MLFLOW_TRACKING_PASSWORD": "made-up-Passw0rd-of-mine",
}
AWS = {
    SIGV4: "true",
    "AWS_ACCESS_KEY_ID": "AKIDMADEUPEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "made/up+secret+of+mine",
    "AWS_REGION": "eu-west-1",
}
STRAY = "made-up-Stray-Passw0rd"


def test_the_key_is_in_both_headers_of_every_call(
    runner: Runner, sandbox: Sandbox, proxy: FaultServer, other: FaultServer
) -> None:
    assert runner.action().said("registered", "ok", "mlflow")
    for path in ("runs/create", "PUT ", "model-versions/create", "search"):
        assert proxy.seen(path)
    runner.inputs["api-key"] = sandbox.create_key("model:write")
    seen = len(proxy.asked)
    assert runner.action(version="v2").said("registered", "ok", "api")
    assert proxy.seen("POST /api/v1/models/baseline")
    for asked in proxy.asked[seen:]:
        assert asked.headers["authorization"] == f"Bearer {runner.inputs['api-key']}"
        assert asked.headers["x-api-key"] == runner.inputs["api-key"]
    for asked in proxy.asked[:seen]:
        assert asked.headers["authorization"] == f"Bearer {asked.headers['x-api-key']}"
    assert other.connections == 0


def test_a_token_goes_alone(runner: Runner, sandbox: Sandbox, proxy: FaultServer) -> None:
    token = sandbox.create_key()
    result = runner.action(environ={TOKEN: f" {token}\n"}, api_key="", api_url="")
    assert result.said("registered", "ok", "mlflow")
    sent = {asked.headers["authorization"] for asked in proxy.asked}
    assert sent == {f"Bearer {token}"}
    assert not any("x-api-key" in asked.headers for asked in proxy.asked)
    assert leaks(token, result, sandbox.directory, runner.workspace) == []


def test_a_wrong_token_is_refused(runner: Runner, sandbox: Sandbox) -> None:
    token = "made-up-token-of-nobody"
    result = runner.action(environ={TOKEN: token}, api_key="", api_url="", fallback="mock")
    assert result.said("failed", "auth-401", "none")
    assert result.exit_code == 3
    said = f"Why: HTTP 401: Invalid or expired API key; the login was {TOKEN}. What to do: check"
    assert said in result.errors[0]
    assert leaks(token, result, sandbox.directory, runner.workspace) == []


@pytest.mark.parametrize(
    ("environ", "taken", "prefix", "left"),
    [
        (AWS, SIGV4, "AWS4-HMAC-SHA256 ", KEY),
        (AWS | USER, PAIR, "Basic ", f"{SIGV4} or {KEY}"),
        (AWS | USER | {TOKEN: "made-up-token"}, TOKEN, "Bearer ", f"{PAIR} or {SIGV4} or {KEY}"),
    ],
    ids=[SIGV4, PAIR, TOKEN],
)
def test_of_several_the_first_is_sent_and_named(
    runner: Runner, environ: Mapping[str, str], taken: str, prefix: str, left: str
) -> None:
    with faulty(lambda _: as_json({"detail": "no"}, 401)) as server:
        result = runner.action(environ, tracking_uri=server.url, api_url="", fallback="none")
    assert result.said("failed", "auth-401", "none")
    (asked,) = server.asked
    assert asked.headers["authorization"].startswith(prefix)
    assert runner.inputs["api-key"] not in str(asked.headers)
    notice = f"MLflow is logged in to with `{taken}`, not with"
    assert notice.replace("`", "") in result.summary.replace("`", "")
    assert left in result.summary.replace("`", "")
    assert f"the login was {taken}" in result.errors[0]


@pytest.mark.parametrize("stray", ["netrc", "user alone", "password alone", "AWS alone", "proxy"])
def test_what_lies_around_changes_nothing(
    runner: Runner, proxy: FaultServer, tmp_path: Path, stray: str
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login eve password {STRAY}")
    (tmp_path / "netrc").chmod(0o600)
    lying_around = {
        "netrc": {"NETRC": str(tmp_path / "netrc")},
        "user alone": {"MLFLOW_TRACKING_USERNAME": "eve"},
        "password alone": {"MLFLOW_TRACKING_PASSWORD": STRAY},
        "AWS alone": {**AWS, SIGV4: "false", "AWS_SECRET_ACCESS_KEY": STRAY},
        "proxy": {"HTTP_PROXY": f"http://eve:{STRAY}@127.0.0.1:1"},
    }
    result = runner.action(environ=lying_around[stray])
    assert result.said("registered", "ok", "mlflow")
    sent = {asked.headers["authorization"] for asked in proxy.asked}
    assert sent == {f"Bearer {runner.inputs['api-key']}"}
    assert leaks(STRAY, result) == []


def test_a_proxys_login_is_for_the_proxy(runner: Runner) -> None:
    with faulty(lambda _: as_json({"detail": "no"}, 401)) as server:
        address = server.url.replace("//", f"//eve:{STRAY}@")
        runner.inputs |= {"allow-insecure-http": "true", "api-url": "", "fallback": "none"}
        result = runner.action(
            {"HTTP_PROXY": address, "http_proxy": address}, tracking_uri="http://registry.test/x"
        )
    assert result.said("failed", "auth-401", "none")
    (asked,) = server.asked
    assert asked.path.startswith("http://registry.test/x/api/2.0/mlflow/")
    assert asked.headers["authorization"] == f"Bearer {runner.inputs['api-key']}"
    pair = base64.b64encode(f"eve:{STRAY}".encode()).decode()
    assert asked.headers["proxy-authorization"] == f"Basic {pair}"
    assert leaks(STRAY, result, runner.workspace) + leaks(pair, result) == []
