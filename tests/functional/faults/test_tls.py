"""TLS and trust: who is believed, who gets the key, and what is said if nobody can be trusted."""

from __future__ import annotations

import email.utils
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from functional.fault_server import FaultServer, Reply, faulty, on
from functional.runner import Runner
from sandboxes import Sandbox

Serve = Callable[..., FaultServer]


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """A private authority that no machine trusts by itself."""
    return trustme.CA()


@pytest.fixture
def serve(runner: Runner, sandbox: Sandbox, ca: trustme.CA) -> Iterator[Serve]:
    """Put TLS in front of the sandbox, under the name that is given."""
    with ExitStack() as stack:

        def start(name: str = "127.0.0.1", *, old: bool = False) -> FaultServer:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            ca.issue_cert(name).configure_cert(context)
            if old:
                with warnings.catch_warnings(action="ignore"):
                    context.set_ciphers("ALL:@SECLEVEL=0")
                    context.minimum_version = ssl.TLSVersion.TLSv1
                    context.maximum_version = ssl.TLSVersion.TLSv1_1
            server = stack.enter_context(faulty(upstream=sandbox.url, tls=context))
            runner.inputs |= {"tracking-uri": f"{server.url}/api/mlflow", "api-url": server.url}
            return server

        yield start


@pytest.fixture
def bundle(runner: Runner, ca: trustme.CA) -> str:
    """The authority's certificate, as a path for `ca-bundle`."""
    ca.cert_pem.write_to_path(str(runner.workspace / "ca.pem"))
    return "ca.pem"


@pytest.mark.fault("T01", "unknown CA")
@pytest.mark.parametrize("fallback", ["api", "local", "mock"])
def test_t01_an_unknown_authority_ends_it(runner: Runner, serve: Serve, fallback: str) -> None:
    server = serve()
    result = runner.here(fallback=fallback)
    assert result.said("failed", "tls", "none")
    assert result.exit_code == 1
    assert "ca-bundle" in result.errors[0]
    assert server.asked == []
    assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.fault("T02", "wrong host name")
def test_t02_a_certificate_of_somebody_else(runner: Runner, serve: Serve, bundle: str) -> None:
    server = serve("other.example")
    result = runner.here(ca_bundle=bundle, fallback="local")
    assert result.said("failed", "tls", "none")
    assert "127.0.0.1" in result.errors[0]
    assert server.asked == []


@pytest.mark.fault("T05", "TLS 1.1 only")
def test_t05_no_downgrade(runner: Runner, serve: Serve, bundle: str) -> None:
    server = serve(old=True)
    result = runner.here(ca_bundle=bundle, fallback="local")
    assert result.said("failed", "tls", "none")
    assert server.asked == []


@pytest.mark.fault("T06", "private CA, given once")
def test_t06_one_bundle_is_for_both(
    runner: Runner, sandbox: Sandbox, serve: Serve, bundle: str
) -> None:
    serve()
    assert runner.here(ca_bundle=bundle).said("registered", "ok", "mlflow")
    result = runner.here(ca_bundle=bundle, api_key=sandbox.create_key("model:write"), version="v2")
    assert result.said("registered", "ok", "api")


@pytest.mark.fault("T07", "ca-bundle missing, a directory, no PEM")
@pytest.mark.parametrize("given", ["no.pem", ".", "model.bin"])
def test_t07_a_bundle_that_is_none(runner: Runner, serve: Serve, given: str) -> None:
    server = serve()
    result = runner.here(ca_bundle=given)
    assert result.outputs["reason"] in ("input", "file")
    assert result.exit_code == 2
    assert server.connections == 0


@pytest.mark.fault("T08", "verification switched off by a variable")
def test_t08_a_variable_alone_does_not_switch_trust_off(runner: Runner) -> None:
    runner.environ["MLFLOW_TRACKING_INSECURE_TLS"] = "true"
    result = runner.here(tracking_uri="https://registry.invalid/api/mlflow")
    assert result.said("failed", "input", "none")
    assert "insecure-tls" in result.errors[0]


@pytest.mark.fault("T08", "verification switched off on loopback")
def test_t08_who_is_told_not_to_look_says_so(runner: Runner, serve: Serve) -> None:
    serve()
    result = runner.here(insecure_tls="true")
    assert result.said("registered", "ok", "mlflow")
    assert "certificates are not checked" in result.log


@pytest.mark.fault("T09", "redirect names both origins")
@pytest.mark.fault("T11", "https redirects to http")
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


@pytest.mark.fault("T16", "~/.netrc names the registry's host")
def test_t16_netrc_is_not_an_identity(runner: Runner, proxy: FaultServer, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password secret")
    (tmp_path / ".netrc").chmod(0o600)
    result = runner.action(environ={"HOME": str(tmp_path)})
    assert result.said("registered", "ok", "mlflow")
    sent = {asked.headers.get("authorization") for asked in proxy.asked}
    assert sent == {f"Bearer {runner.inputs['api-key']}"}


@pytest.mark.fault("T17", "user and password beside a token and a key")
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


@pytest.mark.fault("T18", "this machine's clock is wrong")
@pytest.mark.parametrize("days", [-1, 1])
def test_t18_a_wrong_clock_is_told(runner: Runner, proxy: FaultServer, days: int) -> None:
    date = email.utils.formatdate(time.time() + days * 86_400, usegmt=True)
    reply = Reply(forward=True, edit=lambda body: body, headers={"Date": date})
    proxy.script = lambda _: reply
    result = runner.here()
    assert result.said("registered", "ok", "mlflow")
    assert "clock" in result.summary
    proxy.script = lambda _: None
    assert "clock" not in runner.here().summary
