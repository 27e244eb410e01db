"""The way to a server: names, refusals, silence, resets."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply, on
from functional.fault_table import case
from functional.found import runs, versions
from functional.runner import Runner
from functional.trees import tree
from hokusai_register.hosts import github
from hokusai_register.http import client as http_client
from sandboxes import Sandbox

PROBE = "experiments/get-by-name"
NAMED = "https://registry.hokus.ai/api/mlflow"
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


BUDGET = 20.0  # seconds after which a dead registry has been reported
DEAD = {
    "refused": "https://127.0.0.1:9/api/mlflow",
    "dns": "https://registry.invalid/api/mlflow",
}


@pytest.mark.parametrize(
    "reason",
    [
        case(("N01", "host name unknown", "failed/dns 1"), "dns"),
        case(("N03", "connection refused", "failed/refused 1"), "refused"),
    ],
)
def test_n01_n03_a_dead_registry_degrades_by_consent_only(runner: Runner, reason: str) -> None:
    url = DEAD[reason]
    runner.inputs |= {"tracking-uri": url, "api-url": url.removesuffix("/api/mlflow")}
    result = runner.action()
    assert result.said("failed", reason, "none")
    assert result.exit_code == 1
    (error,) = result.errors
    assert "cannot reach" in error
    assert "/api/mlflow" not in error, "the host only"
    assert "nothing was changed" in error
    assert result.seconds < BUDGET
    assert [tried["backend"] for tried in result.report["attempts"]] == ["mlflow", "api"]
    result = runner.action(fallback="local")
    assert result.said("registered-local", reason, "local")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        case(("N01", "a silent name server", "failed/dns 1"), NAMED, "dns"),
        case(("N04", "silence instead of a connection", "failed/timeout 1"), NOWHERE, "timeout"),
    ],
)
def test_n04_a_black_hole_ends(cut_off: Runner, url: str, reason: str) -> None:
    cut_off.inputs |= {"tracking-uri": url, "api-url": url.removesuffix("/api/mlflow")}
    result = cut_off.action()
    assert result.said("failed", reason, "none")
    assert result.exit_code == 1
    assert [tried["error"]["reason"] for tried in result.report["attempts"]] == [reason, reason]
    assert cut_off.action(fallback="local").said("registered-local", reason, "local")


@pytest.mark.fault("N02", "name server fails once", "registered/ok 0 mlflow")
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


@pytest.mark.fault("N06", "accepts, and never answers the probe", "registered/ok 0 api")
@pytest.mark.usefixtures("hurried")
def test_n06_silence_on_the_probe(runner: Runner, proxy: FaultServer) -> None:
    proxy.script = on("/api/mlflow/", Reply(hang=5))
    assert runner.here().said("registered", "ok", "api")


@pytest.mark.fault("N07", "silence after a write, then nobody", "failed/outcome-unknown 1")
@pytest.mark.usefixtures("hurried", "hasty")
def test_n07_an_unknown_outcome_stops_everything(runner: Runner, proxy: FaultServer) -> None:
    def script(_: Asked) -> Reply | None:
        return Reply(forward=True, reset=True) if proxy.seen("runs/create") else None

    proxy.script = script
    result = runner.here(fallback="mock")
    assert result.said("failed", "outcome-unknown", "none")
    assert result.exit_code == 1
    assert proxy.seen("baseline") == []


@pytest.mark.fault("N09", "slow upload", "registered/ok 0 mlflow")
def test_n09_a_slow_upload_may_take_its_time(
    runner: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "CONTROL", 1.0)
    monkeypatch.setattr(http_client, "PHASE", 1.0)
    monkeypatch.setattr(github, "EVERY", 1.0)
    (runner.workspace / "model.bin").write_bytes(b"x" * (1 << 24))
    proxy.pace = 0.02
    result = runner.here()
    assert result.said("registered", "ok", "mlflow")
    assert re.search(r" %  \d+\.\d of 16\.8 MB, ", result.log), "how far it is"


@pytest.mark.fault("N09", "an upload that does not move any more", "failed/outcome-unknown 1")
@pytest.mark.usefixtures("hasty")
def test_n09_an_upload_that_stands_still_is_given_up(
    runner: Runner, proxy: FaultServer, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_uploads(asked: Asked) -> None:
        proxy.pace = 5.0 if asked.method == "PUT" else 0.0

    monkeypatch.setattr(http_client, "STALL", 0.5)
    (runner.workspace / "model.bin").write_bytes(b"x" * (1 << 24))
    proxy.early = only_uploads
    assert runner.here(fallback="mock").said("failed", "outcome-unknown", "none")
    assert proxy.seen("baseline") == []
    assert runs(client, runner.inputs["model-name"]) == ["FAILED"]


@pytest.mark.fault("N10", "reset before the request was done", "registered/ok 0 mlflow")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("where", [PROBE, "runs/create", "model-versions/create"])
def test_n10_a_reset_makes_nothing_twice(
    runner: Runner, proxy: FaultServer, client: MlflowClient, where: str
) -> None:
    proxy.script = on(where, Reply(reset=True), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert runs(client, runner.inputs["model-name"]) == ["FINISHED"]
    assert versions(client, runner.inputs["model-name"]) == ["1"]


@pytest.mark.fault("N11", "reset in the middle of an upload", "registered/ok 0 mlflow")
@pytest.mark.usefixtures("hasty")
def test_n11_only_the_broken_file_is_sent_again(
    runner: Runner, proxy: FaultServer, fetch: Callable[[str], Path]
) -> None:
    model = runner.workspace / "model"
    model.mkdir()
    for name in ("a.bin", "b.bin", "c.bin"):
        (model / name).write_bytes(name.encode() * (1 << 18))
    broken = on("b.bin", Reply(reset=True), 1)
    proxy.early = broken
    result = runner.here(model_path="model")
    assert result.said("registered", "ok", "mlflow")
    assert broken(Asked("PUT", "/b.bin", {}, b"")) is None, "it was reset once"
    sent = [asked.path.rpartition("/")[2] for asked in proxy.seen("PUT")]
    assert sorted(sent) == ["MLmodel", "a.bin", "b.bin", "c.bin"]
    kept = tree(fetch(result.outputs["model-uri"]))
    assert {name: kept[name] for name in tree(model)} == tree(model)


@pytest.mark.fault("N16", "answer to a baseline lost", "registered/ok 0 api")
@pytest.mark.parametrize(
    ("reply", "sent"), [(Reply(forward=True, reset=True), 1), (Reply(reset=True), 2)]
)
def test_n16_one_baseline(
    runner: Runner, proxy: FaultServer, sandbox: Sandbox, reply: Reply, sent: int
) -> None:
    proxy.script = on("POST /api/v1/models/baseline", reply, 1)
    runner.inputs["api-key"] = sandbox.create_key("model:write")
    assert runner.here().said("registered", "ok", "api")
    posts = proxy.seen("POST /api/v1")
    assert len(posts) == sent, "a baseline that arrived is found, not sent again"
    assert len({asked.headers["idempotency-key"] for asked in posts}) == 1


@pytest.mark.fault("N19", "a name with a dead address first", "registered/ok 0 mlflow")
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


@pytest.mark.fault("N26", "localhost inside of a container", "failed/refused 1")
def test_n26_localhost_is_explained(runner: Runner) -> None:
    url = "http://localhost:9"
    result = runner.here(tracking_uri=url, api_url=url)
    assert result.said("failed", "refused", "none")
    assert "localhost is the container itself" in result.errors[0]
    assert "the service's name or the host's address" in result.errors[0]
