"""TLS and trust: who is believed, who gets the key, and what is said if nobody can be trusted."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from functional.fault_server import FaultServer, Reply, on
from functional.fault_table import case
from functional.runner import Runner
from hokusai_register.fields import BY_NAME
from sandboxes import Sandbox

Serve = Callable[..., FaultServer]


def date(when: float) -> str:
    return email.utils.formatdate(when, usegmt=True)


@pytest.mark.fault("T01", "unknown CA", "failed/tls 1")
@pytest.mark.parametrize("fallback", ["api", "local", "mock"])
def test_t01_an_unknown_authority_ends_it(runner: Runner, serve: Serve, fallback: str) -> None:
    server = serve()
    result = runner.here(fallback=fallback)
    assert result.said("failed", "tls", "none")
    assert result.exit_code == 1
    assert "ca-bundle" in result.errors[0]
    assert server.asked == []
    assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.fault("T02", "wrong host name", "failed/tls 1, both names")
def test_t02_a_certificate_of_somebody_else(runner: Runner, serve: Serve, bundle: str) -> None:
    server = serve("other.example")
    result = runner.here(ca_bundle=bundle, fallback="local")
    assert result.said("failed", "tls", "none")
    (error,) = result.errors
    assert "certificate is not valid for '127.0.0.1'; it is for other.example" in error
    assert "use a name of the certificate" in error
    assert server.asked == []


@pytest.mark.fault("T05", "TLS 1.1 only", "failed/tls 1")
def test_t05_no_downgrade(runner: Runner, serve: Serve, bundle: str) -> None:
    server = serve(old=True)
    result = runner.here(ca_bundle=bundle, fallback="local")
    assert result.said("failed", "tls", "none")
    assert server.asked == []


@pytest.mark.fault("R27", "HOKUSAI_OPTIONAL_MLFLOW and unknown CA", "failed/tls 1")
def test_r27_a_broken_trust_is_not_optional(runner: Runner, serve: Serve) -> None:
    server = serve()
    result = runner.action({"HOKUSAI_OPTIONAL_MLFLOW": "true"})
    assert result.said("failed", "tls", "none")
    assert server.asked == []
    assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.fault("T06", "private CA, given in one place only", "registered/ok 0, by both clients")
@pytest.mark.parametrize("given", ["", *BY_NAME["ca-bundle"].env])
def test_t06_one_bundle_is_for_both(
    runner: Runner, sandbox: Sandbox, serve: Serve, bundle: str, given: str
) -> None:
    serve()
    if given:
        runner.environ[given] = str(runner.workspace / bundle)
    else:
        runner.inputs["ca-bundle"] = bundle
    assert runner.here().said("registered", "ok", "mlflow")
    result = runner.here(api_key=sandbox.create_key("model:write"), version="v2")
    assert result.said("registered", "ok", "api")


MISSING = ("T07", "ca-bundle that is not there, or a directory", "failed/file 2")
UNUSABLE = ("T07", "ca-bundle that is no PEM, or a variable's", "failed/input 2")


@pytest.mark.parametrize(
    ("variable", "given", "reason"),
    [
        *(case(MISSING, "", given, "file") for given in ("no.pem", ".")),
        case(UNUSABLE, "", "model.bin", "input"),
        *(case(UNUSABLE, "SSL_CERT_FILE", given, "input") for given in ("no.pem", "model.bin")),
    ],
)
def test_t07_a_bundle_that_is_none(
    runner: Runner, serve: Serve, variable: str, given: str, reason: str
) -> None:
    server = serve()
    if variable:
        runner.environ[variable] = str(runner.workspace / given)
    else:
        runner.inputs["ca-bundle"] = given
    result = runner.here(fallback="mock")
    assert result.said("failed", reason, "none")
    assert result.exit_code == 2
    assert "Traceback" not in result.log
    assert server.connections == 0


@pytest.mark.fault("T08", "verification switched off by a variable", "failed/input 2")
def test_t08_a_variable_alone_does_not_switch_trust_off(runner: Runner) -> None:
    runner.environ["MLFLOW_TRACKING_INSECURE_TLS"] = "true"
    result = runner.here(tracking_uri="https://registry.invalid/api/mlflow")
    assert result.said("failed", "input", "none")
    assert "insecure-tls" in result.errors[0]


@pytest.mark.fault("T08", "verification switched off on loopback", "registered/ok 0 mlflow, told")
def test_t08_who_is_told_not_to_look_says_so(runner: Runner, serve: Serve) -> None:
    serve()
    result = runner.here(insecure_tls="true")
    assert result.said("registered", "ok", "mlflow")
    assert "certificates are not checked" in result.log


@pytest.mark.fault("T11", "https redirects to http", "failed/redirect 1")
def test_t11_no_way_back_to_plain_http(
    runner: Runner, serve: Serve, bundle: str, other: FaultServer
) -> None:
    server = serve()
    server.script = on("", Reply(status=301, headers={"Location": f"{other.url}/api"}))
    result = runner.here(ca_bundle=bundle)
    assert result.said("failed", "redirect", "none")
    assert other.connections == 0
    assert other.url in result.errors[0]
    assert server.url.removeprefix("https://") in result.errors[0]


@pytest.mark.fault("T16", "~/.netrc names the registry's host", "registered/ok 0 mlflow")
def test_t16_netrc_is_not_an_identity(runner: Runner, proxy: FaultServer, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password secret")
    (tmp_path / ".netrc").chmod(0o600)
    result = runner.action(environ={"HOME": str(tmp_path)})
    assert result.said("registered", "ok", "mlflow")
    sent = {asked.headers.get("authorization") for asked in proxy.asked}
    assert sent == {f"Bearer {runner.inputs['api-key']}"}


@pytest.mark.fault("T17", "user and password beside a token and a key", "registered/ok 0 mlflow")
def test_t17_the_login_is_named_if_there_are_several(runner: Runner, proxy: FaultServer) -> None:
    environ = {
        "MLFLOW_TRACKING_TOKEN": runner.inputs["api-key"],
        "MLFLOW_TRACKING_USERNAME": "eve",
        "MLFLOW_TRACKING_PASSWORD": "pass-of-eve",
    }
    result = runner.action(environ=environ)
    assert result.said("registered", "ok", "mlflow")
    assert {asked.headers["authorization"][:7] for asked in proxy.asked} == {"Bearer "}
    assert "MLflow is logged in to with `MLFLOW_TRACKING_TOKEN`" in result.summary
    assert "pass-of-eve" not in result.log.replace("::add-mask::pass-of-eve", "")


@pytest.mark.fault("T18", "this machine's clock is wrong", "registered/ok 0 mlflow, and told")
@pytest.mark.parametrize("days", [-1, 1])
def test_t18_a_wrong_clock_is_told(
    runner: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    right = time.time
    proxy.script = lambda _: Reply(forward=True, edit=bytes, headers={"Date": date(right())})
    monkeypatch.setattr(time, "time", lambda: right() + days * 86_400)
    result = runner.here()
    assert result.said("registered", "ok", "mlflow")
    assert "1,440 minutes apart" in result.log
    assert all(0 <= tried["seconds"] < 60 for tried in result.report["attempts"])
    monkeypatch.undo()
    assert "apart" not in runner.here().log


@pytest.mark.fault("T18", "a wrong clock, and a date to come back at", "registered/ok 0 mlflow")
@pytest.mark.parametrize("days", [-1, 1])
def test_t18_a_wrong_clock_does_not_stretch_a_pause(
    runner: Runner,
    proxy: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    waited: list[float],
    days: int,
) -> None:
    now = time.time()
    headers = {"Date": date(now), "Retry-After": date(now + 2)}
    proxy.script = on("get-by-name", Reply(status=503, headers=headers), 1)
    monkeypatch.setattr(time, "time", lambda: now + days * 86_400)
    assert runner.here().said("registered", "ok", "mlflow")
    assert waited == [2.0]
