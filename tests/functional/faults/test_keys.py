"""Keys: missing, malformed, wrong; and never shown in any form."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from functional.fault_server import FaultServer, Reply, as_json, faulty
from functional.fault_table import case
from functional.runner import Result, Runner
from hokusai_register.hosts import taken
from hokusai_register.redaction import redact
from sandboxes import Sandbox


@pytest.fixture
def nobody(runner: Runner) -> Iterator[FaultServer]:
    """A server that must not be asked."""
    with faulty(lambda _: Reply(status=500)) as server:
        runner.inputs |= {"tracking-uri": f"{server.url}/api/mlflow", "api-url": server.url}
        yield server
    assert server.asked == []


def everything(runner: Runner, result: Result) -> str:
    """Return all that a step wrote anywhere."""
    store = runner.workspace / ".hokusai"
    kept = [path.read_bytes().decode("latin-1") for path in store.rglob("*") if path.is_file()]
    return "\n".join((result.log, result.summary, *result.outputs.values(), *kept))


@pytest.mark.parametrize(
    "key",
    [
        case(("K01", "a secret that is not defined", "failed/key-missing 3, mock: simulated"), ""),
        case(("K02", "a secret of white space", "failed/key-missing 3, mock: simulated"), " \t\n "),
    ],
)
def test_k01_k02_no_key_is_no_key(runner: Runner, nobody: FaultServer, key: str) -> None:
    result = runner.action(api_key=key)
    assert result.said("failed", "key-missing", "none")
    assert result.exit_code == 3
    assert "secrets.HOKUSAI_API_KEY" in result.errors[0]
    assert nobody.asked == []
    result = runner.action({"HOKUSAI_MOCK_MODE": "true"}, api_key=key, tracking_uri="", api_url="")
    assert result.said("simulated", "ok", "mock")
    assert (result.exit_code, result.outputs["run-id"]) == (0, "")


@pytest.mark.parametrize("shape", ["{}\n", "{}\r\n", " {} ", "\t{}\n\n"])
@pytest.mark.fault("K03", "a key with a line break or blanks around", "registered/ok 0 mlflow")
def test_k03_blanks_around_a_key(runner: Runner, key: str, shape: str) -> None:
    result = runner.here(api_key=shape.format(key))
    assert result.said("registered", "ok", "mlflow")
    assert everything(runner, result).count(key) == result.log.count(f"::add-mask::{key}") == 1


@pytest.mark.fault("K03", "a key that is not only a key", "failed/key-malformed 3")
@pytest.mark.parametrize("shape", ["Bearer {}", '"{}"', "{}\nother", "HOKUSAI_API_KEY={}"])
def test_k03_a_malformed_key(runner: Runner, nobody: FaultServer, key: str, shape: str) -> None:
    result = runner.here(api_key=shape.format(key), fallback="mock")
    assert result.said("failed", "key-malformed", "none")
    assert result.exit_code == 3
    assert nobody.asked == []
    shown = [row for row in result.log.splitlines() if not row.startswith("::add-mask::")]
    assert key not in "\n".join((*shown, result.summary, *result.outputs.values()))


@pytest.mark.fault("K06", "a wrong or expired key", "failed/auth-401 3")
@pytest.mark.parametrize("fallback", ["api", "local", "mock"])
def test_k06_a_wrong_key(runner: Runner, sandbox: Sandbox, fallback: str) -> None:
    expired = sandbox.create_key()
    sandbox.revoke(expired)
    for key in (expired, "hk_live_" + "0" * 32):
        result = runner.here(api_key=key, fallback=fallback)
        assert result.said("failed", "auth-401", "none")
        assert result.exit_code == 3
        assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.fault("K08", "a key that is a common word", "as with any key, and told")
def test_k08_a_short_key(runner: Runner) -> None:
    runner.inputs |= {"tracking-uri": "http://127.0.0.1:1", "api-url": ""}
    result = runner.action(api_key="test", fallback="local")
    assert result.said("registered-local", "refused", "local")
    assert "::add-mask::" not in result.log
    assert "the key is so short" in result.summary


# What the endpoint of the runner's own tokens may do: nobody has any business there.
OIDC = {
    "500": Reply(status=500),
    "silence": Reply(hang=30),
    "redirect": Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "html": Reply(headers={"Content-Type": "text/html"}, body=b"<html>"),
    "a token": as_json({"value": "another identity"}),
}


@pytest.mark.fault("K10", "an OIDC endpoint that is broken", "registered/ok 0 mlflow, not asked")
@pytest.mark.parametrize("reply", OIDC.values(), ids=OIDC)
def test_k10_no_token_is_asked_for(runner: Runner, reply: Reply) -> None:
    token = "eyJ0eXAiOiJKV1QifQ.a-token-of-the-runner"
    with faulty(lambda _: reply) as endpoint:
        environ = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{endpoint.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token,
        }
        result = runner.action(environ)
    assert result.said("registered", "ok", "mlflow")
    assert endpoint.connections == 0
    assert token not in everything(runner, result)
    left = taken(environ)
    assert token in left.values(), "the copy that inputs are read from"
    assert token not in environ.values(), "what libraries see"


@pytest.mark.fault("K11", "the key in another form", "failed/invalid 1, shown in none")
def test_k11_no_form_of_the_key_is_anywhere(runner: Runner, key: str) -> None:
    def echo(_: object) -> Reply:
        user = base64.b64encode(f"{key}:".encode()).decode()
        body = f'{{"detail": "Bearer {key} / {user} / {key.encode().hex()} / {key[:16]}"}}'
        return Reply(status=400, body=body.encode())

    with faulty(echo) as server:
        result = runner.action(tracking_uri=f"{server.url}/api/mlflow", api_url=server.url)
    assert result.exit_code == 1
    found = everything(runner, result).replace(f"::add-mask::{key}", "")
    forms = (
        key,
        key.encode().hex(),
        base64.b64encode(key.encode()).decode().rstrip("="),
        base64.b64encode(f"{key}:".encode()).decode().rstrip("="),
        base64.b64encode(f":{key}".encode()).decode().rstrip("="),
        key[::-1],
    )
    assert [form for form in forms if form in found] == []
    assert redact(found, [key]) == found
