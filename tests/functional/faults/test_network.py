"""The way to a server: names, refusals, silence, resets, proxies."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply, on
from functional.found import runs, versions
from functional.runner import Runner
from hokusai_register.http import client as http_client
from sandboxes import Sandbox

PROBE = "experiments/get-by-name"
NOWHERE = "https://10.9.9.9/api/mlflow"
# A host of our own that swallows what is sent to it; it is gone with the process.
SILENT = (
    "ip link set lo up && ip addr add 10.9.9.9/32 dev lo && iptables -A INPUT -d 10.9.9.9 -j DROP"
)


@pytest.fixture
def cut_off(runner: Runner, tmp_path: Path) -> Runner:
    """A job in a network where 10.9.9.9 is silent, name server and all."""
    (tmp_path / "resolv.conf").write_text("nameserver 10.9.9.9\n")
    bind = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf"
    enter = (
        "unshare",
        "--net",
        "--mount",
        "bash",
        "-c",
        f'{SILENT} && {bind} && exec "$@"',
        "bash",
    )
    found = all(map(shutil.which, ("unshare", "ip", "iptables")))
    if not found or subprocess.run([*enter, "true"], check=False, capture_output=True).returncode:
        why = "a network of its own needs root, iproute2, iptables and a kernel that allows it"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    runner.prefix = enter
    return runner


DEAD = {
    "refused": ("https://127.0.0.1:9/api/mlflow", "refused"),
    "name unknown": ("https://registry.invalid/api/mlflow", "dns"),
}


@pytest.mark.fault("N01", "a dead registry, with consent")
@pytest.mark.fault("N03", "a dead registry, with consent")
@pytest.mark.parametrize("dead", DEAD)
def test_n01_n03_a_dead_registry_degrades_by_consent_only(runner: Runner, dead: str) -> None:
    url, reason = DEAD[dead]
    runner.inputs |= {"tracking-uri": url, "api-url": url.removesuffix("/api/mlflow")}
    assert runner.action().said("failed", reason, "none")
    assert runner.action(fallback="local").said("registered-local", reason, "local")


@pytest.mark.fault("N04", "silence instead of a connection")
@pytest.mark.fault("N01", "silent name server")
@pytest.mark.parametrize(
    ("url", "reason"), [(NOWHERE, "timeout"), ("https://registry.hokus.ai/api/mlflow", "dns")]
)
def test_n04_a_black_hole_ends(cut_off: Runner, url: str, reason: str) -> None:
    cut_off.inputs |= {"tracking-uri": url, "api-url": url.removesuffix("/api/mlflow")}
    assert cut_off.action().said("failed", reason, "none")
    assert cut_off.action(fallback="local").said("registered-local", reason, "local")


@pytest.mark.fault("N02", "name server fails once")
def test_n02_a_name_is_asked_again(
    runner: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = socket.getaddrinfo, [1]

    def once(*given: Any, **named: Any) -> Any:
        if left:
            left.pop()
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return real(*given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    assert runner.here().said("registered", "ok", "mlflow")
    assert (left, proxy.seen("baseline")) == ([], [])


@pytest.mark.fault("N06", "accepts, and never answers the probe")
@pytest.mark.usefixtures("hurried")
def test_n06_silence_on_the_probe(runner: Runner, proxy: FaultServer) -> None:
    proxy.script = on("/api/mlflow/", Reply(hang=5))
    assert runner.here().said("registered", "ok", "api")


@pytest.mark.fault("N07", "silence after a write, then nobody")
@pytest.mark.usefixtures("hurried", "hasty")
def test_n07_an_unknown_outcome_stops_everything(runner: Runner, proxy: FaultServer) -> None:
    def script(_: Asked) -> Reply | None:
        return Reply(forward=True, reset=True) if proxy.seen("runs/create") else None

    proxy.script = script
    result = runner.here(fallback="mock")
    assert result.said("failed", "outcome-unknown", "none")
    assert result.exit_code == 1
    assert proxy.seen("baseline") == []


@pytest.mark.fault("N09", "slow upload")
def test_n09_a_slow_upload_may_take_its_time(
    runner: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "CONTROL", 1.0)
    monkeypatch.setattr(http_client, "PHASE", 1.0)
    (runner.workspace / "model.bin").write_bytes(b"x" * (1 << 22))
    proxy.pace = 0.05
    assert runner.here().said("registered", "ok", "mlflow")


@pytest.mark.fault("N10", "reset before the request was done")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("where", [PROBE, "runs/create", "model-versions/create"])
def test_n10_a_reset_makes_nothing_twice(
    runner: Runner, proxy: FaultServer, client: MlflowClient, where: str
) -> None:
    proxy.script = on(where, Reply(reset=True), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert runs(client, runner.inputs["model-name"]) == ["FINISHED"]
    assert versions(client, runner.inputs["model-name"]) == ["1"]


@pytest.mark.fault("N11", "reset in the middle of an upload")
@pytest.mark.usefixtures("hasty")
def test_n11_a_file_is_sent_again(runner: Runner, proxy: FaultServer) -> None:
    (runner.workspace / "model.bin").write_bytes(b"x" * (1 << 22))
    proxy.early = on("PUT", Reply(reset=True), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert len([asked for asked in proxy.seen("PUT") if "model.bin" in asked.path]) == 1


@pytest.mark.fault("N16", "answer to a baseline lost")
@pytest.mark.parametrize("reply", [Reply(forward=True, reset=True), Reply(reset=True)])
def test_n16_one_baseline(
    runner: Runner, proxy: FaultServer, sandbox: Sandbox, reply: Reply
) -> None:
    proxy.script = on("POST /api/v1/models/baseline", reply, 1)
    runner.inputs["api-key"] = sandbox.create_key("model:write")
    assert runner.here().said("registered", "ok", "api")
    keys = {asked.headers["idempotency-key"] for asked in proxy.seen("POST /api/v1")}
    assert len(keys) == 1


@pytest.mark.fault("N19", "a name with a dead address first")
def test_n19_the_next_address_is_tried(
    runner: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., Any] = socket.getaddrinfo

    def both(host: Any, port: Any, *given: Any, **named: Any) -> Any:
        found = real(host, port, *given, **named)
        if host != "localhost":
            return found
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)), *found]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    url = f"{proxy.url.replace('127.0.0.1', 'localhost')}/api/mlflow"
    assert runner.here(tracking_uri=url).said("registered", "ok", "mlflow")


@pytest.mark.fault("N26", "localhost inside of a container")
def test_n26_localhost_is_explained(runner: Runner) -> None:
    url = "http://localhost:9"
    result = runner.here(tracking_uri=url, api_url=url)
    assert result.said("failed", "refused", "none")
    assert "localhost is the container itself" in result.errors[0]


@pytest.mark.fault("N21", "HTTP_PROXY works")
def test_n21_a_proxy_is_used_and_named(runner: Runner, proxy: FaultServer) -> None:
    """The scripted server stands for the proxy: it is asked with whole addresses."""
    host = proxy.url.removeprefix("http://")
    runner.inputs |= {"tracking-uri": "http://r.example/api/mlflow", "api-url": "http://r.example"}
    environ = {"HTTP_PROXY": f"http://user:pass-word@{host}"}
    refused = runner.action(environ)
    assert refused.said("failed", "input", "none")
    assert proxy.asked == []
    result = runner.action(environ, allow_insecure_http="true")
    assert {asked.path.partition("/api")[0] for asked in proxy.asked} == {"http://r.example"}
    assert f"via proxy {host}" in result.log
    assert "pass-word" not in result.log + result.summary


@pytest.mark.fault("N21", "HTTP_PROXY and loopback")
def test_n21_no_proxy_gets_the_key_of_loopback(runner: Runner, other: FaultServer) -> None:
    result = runner.action({"HTTP_PROXY": other.url, "ALL_PROXY": other.url})
    assert result.said("registered", "ok", "mlflow")
    assert other.connections == 0


@pytest.mark.fault("N22", "proxy down")
def test_n22_the_proxy_is_blamed(runner: Runner) -> None:
    url = "https://r.example/api/mlflow"
    result = runner.action({"HTTPS_PROXY": "http://127.0.0.1:9"}, tracking_uri=url, api_url="")
    assert result.said("failed", "refused", "none")
    assert "through the proxy 127.0.0.1:9" in result.errors[0]


@pytest.mark.fault("N23", "proxy wants a login")
def test_n23_a_proxy_that_wants_a_login(runner: Runner, proxy: FaultServer) -> None:
    proxy.script = on("", Reply(status=407))
    given = {"HTTP_PROXY": proxy.url.replace("://", "://user:pass-word@")}
    url = "http://r.example/api/mlflow"
    result = runner.action(given, tracking_uri=url, allow_insecure_http="true", fallback="mock")
    assert result.said("failed", "proxy-auth", "none")
    assert result.exit_code == 3
    assert "pass-word" not in result.log + result.summary


@pytest.mark.fault("N25", "ALL_PROXY=socks5://")
@pytest.mark.parametrize("proxy", ["socks5://p:1080", " socks5h://u:pass-word@p:1080 "])
def test_n25_socks_is_an_input_error(runner: Runner, proxy: str) -> None:
    result = runner.action({"ALL_PROXY": proxy}, tracking_uri="https://r.example/api/mlflow")
    assert result.said("failed", "input", "none")
    assert result.exit_code == 2
    assert "SOCKS is not supported" in result.errors[0]
    assert "pass-word" not in result.log
