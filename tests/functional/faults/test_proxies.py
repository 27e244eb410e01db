"""Proxies: both clients use one, it is named, it sees no key, and what it does wrong is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from functional.fault_server import FaultServer, Reply, on
from functional.runner import Runner
from functional.tunnel import Tunnel, tunnel
from sandboxes import Sandbox

ABROAD = {"tracking-uri": "https://r.example/api/mlflow", "api-url": "https://r.example"}
TIERS = pytest.mark.parametrize(
    ("scopes", "backend"), [((), "mlflow"), (("model:write",), "api")], ids=["mlflow", "api"]
)


@pytest.fixture
def behind(runner: Runner, serve: Callable[..., FaultServer], bundle: str) -> Iterator[Tunnel]:
    """A proxy, and behind it the registry `r.example`, which no name server knows."""
    with tunnel(serve("r.example").url) as proxy:
        runner.inputs |= {**ABROAD, "ca-bundle": bundle}
        yield proxy


@pytest.mark.fault("N21", "HTTPS_PROXY works", "registered/ok 0, by both clients")
@TIERS
def test_n21_https_goes_through_the_proxy(
    runner: Runner, sandbox: Sandbox, behind: Tunnel, scopes: tuple[str, ...], backend: str
) -> None:
    key = sandbox.create_key(*scopes)
    given = {"HTTPS_PROXY": f" user:pass-word@{behind.host}\n"}  # trimmed; no scheme: http
    result = runner.action(given, api_key=key)
    assert result.said("registered", "ok", backend)
    assert {asked.path for asked in behind.asked} == {"r.example:443"}
    assert all("proxy-authorization" in asked.headers for asked in behind.asked)
    assert key not in str(behind.asked)
    assert f"asking r.example via proxy {behind.host}" in result.log
    assert f"`r.example via proxy {behind.host}`" in result.summary
    assert "pass-word" not in result.shown


@pytest.mark.fault("N21", "HTTPS_PROXY and NO_PROXY", "failed/dns 1, past the proxy")
def test_n21_no_proxy_is_honoured(runner: Runner, behind: Tunnel) -> None:
    for free in ("r.example", ".example", "*"):
        result = runner.action({"HTTPS_PROXY": f"http://{behind.host}", "NO_PROXY": free})
        assert result.said("failed", "dns", "none")
        assert "proxy" not in result.errors[0]
    assert behind.asked == []


@pytest.mark.fault("N21", "HTTP_PROXY", "failed/input 2, or registered/ok 0 if allowed")
@TIERS
def test_n21_plain_http_shows_a_proxy_the_key_only_if_allowed(
    runner: Runner, sandbox: Sandbox, proxy: FaultServer, scopes: tuple[str, ...], backend: str
) -> None:
    """The scripted server stands for the proxy: it is asked with whole addresses."""
    host = proxy.url.removeprefix("http://")
    url = "http://r.example"
    runner.inputs |= {"tracking-uri": f"{url}/api/mlflow", "api-url": url}
    runner.inputs["api-key"] = sandbox.create_key(*scopes)
    given = {"HTTP_PROXY": f"http://user:pass-word@{host}"}
    refused = runner.action(given)
    assert refused.said("failed", "input", "none")
    assert refused.exit_code == 2
    assert proxy.connections == 0
    result = runner.action(given, allow_insecure_http="true")
    assert result.said("registered", "ok", backend)
    assert all(asked.path.startswith(f"{url}/") for asked in proxy.asked)
    assert f"via proxy {host}" in result.log
    assert f"via proxy {host}" in result.summary
    assert "pass-word" not in result.shown


@pytest.mark.fault("N21", "HTTP_PROXY and loopback", "registered/ok 0, past the proxy")
@TIERS
def test_n21_no_proxy_gets_the_key_of_loopback(
    runner: Runner, sandbox: Sandbox, other: FaultServer, scopes: tuple[str, ...], backend: str
) -> None:
    given = {"HTTP_PROXY": other.url, "ALL_PROXY": other.url, "NO_PROXY": "elsewhere.example"}
    result = runner.action(given, api_key=sandbox.create_key(*scopes))
    assert result.said("registered", "ok", backend)
    assert "via proxy" not in result.log + result.summary
    assert other.connections == 0


@pytest.mark.fault("N22", "proxy down", "failed/refused 1, of the proxy")
def test_n22_the_proxy_is_blamed(runner: Runner) -> None:
    runner.inputs |= ABROAD
    given = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    result = runner.action(given)
    assert result.said("failed", "refused", "none")
    assert "through the proxy 127.0.0.1:9" in result.errors[0]
    assert "check the proxy" in result.errors[0]
    assert runner.action(given, fallback="local").said("registered-local", "refused", "local")


@pytest.mark.fault("N23", "HTTP_PROXY wants a login", "failed/proxy-auth 3")
def test_n23_a_proxy_that_wants_a_login(runner: Runner, proxy: FaultServer) -> None:
    proxy.script = on("", Reply(status=407))
    given = {"HTTP_PROXY": proxy.url.replace("://", "://user:pass-word@")}
    url = "http://r.example/api/mlflow"
    result = runner.action(given, tracking_uri=url, allow_insecure_http="true", fallback="mock")
    assert result.said("failed", "proxy-auth", "none")
    assert result.exit_code == 3
    assert len(proxy.asked) == 1
    assert "pass-word" not in result.shown


@pytest.mark.fault("N23", "HTTPS_PROXY wants a login", "failed/proxy-auth 3")
def test_n23_a_tunnel_that_wants_a_login(runner: Runner, behind: Tunnel) -> None:
    behind.status = 407
    given = {"HTTPS_PROXY": f"http://user:pass-word@{behind.host}"}
    result = runner.action(given, fallback="mock")
    assert result.said("failed", "proxy-auth", "none")
    assert result.exit_code == 3
    assert "pass-word" not in result.shown


@pytest.mark.fault("N25", "ALL_PROXY=socks5://", "failed/input 2")
@pytest.mark.parametrize("proxy", ["socks5://p:1080", " socks5h://u:pass-word@p:1080 "])
def test_n25_socks_is_an_input_error(runner: Runner, proxy: str) -> None:
    result = runner.action({"ALL_PROXY": proxy}, tracking_uri="https://r.example/api/mlflow")
    assert result.said("failed", "input", "none")
    assert result.exit_code == 2
    assert "SOCKS is not supported" in result.errors[0]
    assert "pass-word" not in result.shown
