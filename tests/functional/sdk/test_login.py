"""Who the SDK says it is: every way to log in, which one comes first, and that none is shown."""

from __future__ import annotations

import base64
import os
import traceback
from collections.abc import Iterator
from typing import Any

import mlflow
import pytest

import hokusai
from functional.fault_server import Asked, FaultServer, Reply, as_json, faulty
from functional.servers import closed
from hokusai import (
    ConfigurationError,
    MLflowAuthenticationError,
    MLflowConnectionError,
    ModelRegistry,
    get_mlflow_auth_status,
    setup,
    setup_mlflow_auth,
)
from hokusai.config import MLflowAuthConfig, reset_mlflow_auth
from sandboxes import Sandbox

KEY = "hk_live_0123456789abcdef"
BASIC = "Basic " + base64.b64encode(b"your_username:your_password").decode()
USER = {"MLFLOW_TRACKING_USERNAME": "your_username", "MLFLOW_TRACKING_PASSWORD": "your_password"}
TOKEN = {"MLFLOW_TRACKING_TOKEN": "your_bearer_token"}
AWS = {
    "MLFLOW_TRACKING_AWS_SIGV4": "true",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "made-up-for-this-test",
    "AWS_REGION": "us-east-1",
}
MINE = {"HOKUSAI_API_KEY": KEY}


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[FaultServer]:
    """An MLflow server that lets everybody in and remembers who came."""
    with faulty(upstream=sandbox.mlflow_url) as started:
        yield started


# the variables, the arguments, the header that arrives, the status
WAYS: list[tuple[dict[str, str], dict[str, str], str, str]] = [
    (USER, {}, BASIC, "basic"),
    ({}, {"username": "your_username", "password": "your_password"}, BASIC, "basic"),
    (TOKEN, {}, "Bearer your_bearer_token", "token"),
    ({}, {"token": "your_bearer_token"}, "Bearer your_bearer_token", "token"),
    (MINE, {}, f"Bearer {KEY}", "token"),
    ({}, {}, "", "none"),
    (USER | TOKEN | MINE, {}, "Bearer your_bearer_token", "token"),
    (USER | MINE, {}, BASIC, "basic"),
    (TOKEN, {"username": "your_username", "password": "your_password"}, BASIC, "basic"),
    (USER, {"token": "another_token"}, "Bearer another_token", "token"),
    (AWS, {}, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", "aws_sigv4"),
]


@pytest.mark.upstream(43, "a stale user name in the environment beats a good token")
@pytest.mark.parametrize(("environ", "given", "header", "kind"), WAYS, ids=range(len(WAYS)))
def test_each_way_to_log_in_arrives(
    environ: dict[str, str],
    given: dict[str, str],
    header: str,
    kind: str,
    server: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    arguments: dict[str, Any] = given
    config = setup_mlflow_auth(tracking_uri=server.url, validate=True, **arguments)
    assert ModelRegistry().backend == "mlflow"
    mlflow.search_experiments()
    for asked in server.asked:
        sent = asked.headers.get("authorization", "")
        assert (sent.startswith(header), bool(sent)) == (True, bool(header)), asked
    assert len(server.asked) >= 3
    status = get_mlflow_auth_status()
    assert (status["tracking_uri"], status["auth_type"]) == (server.url, kind)
    assert (status["is_remote"], status["is_configured"]) == (True, kind != "none")
    assert os.environ["MLFLOW_TRACKING_URI"] == f"hokusai+{server.url}"
    for secret in ("your_password", "your_bearer_token", "another_token"):
        assert secret not in repr(config)
        assert secret not in (os.environ.get(name) for name in os.environ.keys() - environ.keys())
    reset_mlflow_auth()
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_the_key_alone_opens_everything(sandbox: Sandbox, key: str) -> None:
    setup(api_key=key, api_endpoint=sandbox.api_url)
    assert ModelRegistry().backend == "mlflow"
    assert get_mlflow_auth_status()["method"] == "the Hokusai key"
    assert hokusai.setup_mlflow()
    assert mlflow.search_experiments()
    assert key not in os.environ.values()


def test_an_argument_beats_setup_and_setup_beats_the_environment(
    sandbox: Sandbox, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOKUSAI_API_KEY", "hk_test_unknown")
    monkeypatch.setenv("HOKUSAI_API_ENDPOINT", sandbox.api_url)
    with pytest.raises(MLflowAuthenticationError):
        ModelRegistry()
    setup(api_key=key)
    assert ModelRegistry().backend == "mlflow"
    with pytest.raises(MLflowAuthenticationError):
        ModelRegistry(api_key="hk_test_unknown_too")


REFUSALS = {401: "Invalid credentials", 403: "Access forbidden"}


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_has_the_words_of_the_guide(server: FaultServer, status: int) -> None:
    server.script = lambda _: as_json({"detail": "no"}, status)
    with pytest.raises(MLflowAuthenticationError) as caught:
        setup_mlflow_auth(tracking_uri=server.url, token="your_bearer_token", validate=True)
    words = f"MLflow authentication error (HTTP {status}): {REFUSALS[status]}"
    assert str(caught.value).startswith(words)
    assert "MLFLOW_TRACKING_URI" not in os.environ, "nothing is changed by what failed"
    assert get_mlflow_auth_status()["auth_type"] == "none"


def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(MLflowConnectionError, match="cannot reach") as caught:
        setup_mlflow_auth(tracking_uri=closed(), validate=True)
    assert caught.value.reason == "refused"
    setup_mlflow_auth(tracking_uri=closed(), validate=False)


def test_a_simulation_needs_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOKUSAI_MOCK_MODE", "true")
    setup_mlflow_auth(tracking_uri=closed(), token="your_bearer_token", validate=True)
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_login_can_be_tried_without_using_it(server: FaultServer) -> None:
    MLflowAuthConfig(tracking_uri=server.url, token="your_bearer_token").validate()
    (asked,) = server.asked
    assert asked.headers["authorization"] == "Bearer your_bearer_token"
    assert "MLFLOW_TRACKING_URI" not in os.environ


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("http://mlflow.example.com", "in the clear"),
        ("https://user:password@mlflow.example.com", "as secrets"),
        ("mlflow.example.com", "not an http or https URL"),
    ],
)
def test_an_address_that_shows_the_key_is_refused(uri: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        setup_mlflow_auth(tracking_uri=uri, token="your_bearer_token", validate=False)


def test_the_key_is_in_nothing_that_is_shown(
    behind_proxy: FaultServer, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(asked: Asked) -> Reply:
        return as_json({"detail": f"who is {asked.headers['x-api-key']}?"}, 403)

    caplog.set_level("DEBUG")
    registry = ModelRegistry()
    behind_proxy.script = echo
    with pytest.raises(MLflowAuthenticationError) as caught:
        registry.list_models_by_type("churn")
    shown = [repr(registry), str(vars(registry)), *traceback.format_exception(caught.value)]
    assert key not in "".join([*shown, caplog.text, repr(caught.value), str(vars(caught.value))])
