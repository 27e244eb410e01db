"""Servers that answer nonsense, point elsewhere, hang or stumble: each has its one cause."""

from __future__ import annotations

import json
import re
import time

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply, as_json, on
from functional.found import runs
from functional.runner import Runner, unique
from hokusai_register.registrars import readback

HTML = Reply(headers={"Content-Type": "text/html"}, body=b"<html>Please log in</html>")
NONSENSE = {
    "html": HTML,
    "{}": as_json({}),
    "empty": Reply(),
    "204": Reply(status=204),
    "list": as_json([1]),
    "compressed": Reply(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b\x08"),
    "huge": Reply(body=b"[" * 20_000_000),
    "not utf-8": Reply(body=b"\xff\xfe{}"),
    "deep": Reply(body=b"[" * 100_000),
}
PROBE = "experiments/get-by-name"


@pytest.mark.fault("H22", "HTML with 200")
@pytest.mark.fault("H23", "empty answers")
@pytest.mark.fault("H26", "an answer without end")
@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_on_the_probe_is_not_the_service(
    runner: Runner, proxy: FaultServer, reply: Reply
) -> None:
    proxy.script = on("/api/mlflow/", reply)
    assert runner.here(fallback="none").said("failed", "protocol", "none")
    assert runner.here().said("registered", "ok", "api")


@pytest.mark.fault("H22", "HTML with 200")
@pytest.mark.fault("H23", "empty answers")
@pytest.mark.fault("H26", "an answer without end")
@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_of_everybody_is_a_failure(
    runner: Runner, proxy: FaultServer, reply: Reply
) -> None:
    proxy.script = on("", reply)
    result = runner.here()
    assert result.said("failed", "protocol", "none")
    assert result.exit_code == 1
    assert proxy.seen("POST") == []


LISTING = "GET /api/mlflow/api/2.0/mlflow-artifacts"
READS = ("model-versions/search", LISTING, "model-versions/get", "runs/get")


@pytest.mark.parametrize("kind", ["html", "{}", "204"])
@pytest.mark.parametrize("read", READS)
def test_nonsense_on_a_read_is_never_a_registration(
    runner: Runner, client: MlflowClient, proxy: FaultServer, read: str, kind: str
) -> None:
    proxy.script = on(read, NONSENSE[kind])
    result = runner.here(fallback="none")
    if read == "model-versions/search" and kind == "{}":
        assert result.said("registered", "ok", "mlflow")  # MLflow's way to say: there are none
        return
    assert result.outputs["status"] == "failed"
    assert result.outputs["reason"] in ("protocol", "verify-failed")
    assert "RUNNING" not in runs(client, runner.inputs["model-name"])


@pytest.mark.fault("T13", "a local artifact root")
@pytest.mark.fault("T15", "an artifact root elsewhere")
@pytest.mark.parametrize(
    "uri",
    [
        "OTHER/api/2.0/mlflow-artifacts/artifacts/1/x/artifacts",
        "mlflow-artifacts://OTHER_HOST/1/x/artifacts",
        "/srv/1/x/artifacts",
        "file:///srv/1/x/artifacts",
        *(
            f"{scheme}://bucket/1/x/artifacts"
            for scheme in ("s3", "gs", "wasbs", "dbfs", "ftp", "hdfs", "strange")
        ),
        "mlflow-artifacts:/../../etc",
        "mlflow-artifacts:/1/%2e%2e/x",
        "",
    ],
)
def test_a_foreign_artifact_store_gets_nothing(
    runner: Runner, client: MlflowClient, proxy: FaultServer, other: FaultServer, uri: str
) -> None:
    uri = uri.replace("OTHER_HOST", other.url.removeprefix("http://")).replace("OTHER", other.url)
    changed = re.compile(rb'"artifact_uri": *"[^"]*"')

    def script(asked: Asked) -> Reply | None:
        replacement = b'"artifact_uri": ' + json.dumps(uri).encode()
        edit = lambda body: changed.sub(replacement, body)  # noqa: E731
        return Reply(forward=True, edit=edit) if "/runs/" in asked.path else None

    proxy.script = script
    result = runner.here()
    assert result.said("failed", "protocol", "none")
    assert proxy.seen("PUT") + proxy.seen("baseline") == []
    assert other.connections == 0
    assert runs(client, runner.inputs["model-name"]) == ["FAILED"]


@pytest.mark.fault("T09", "redirect, 301 to 303")
@pytest.mark.fault("T10", "redirect, 307 and 308")
@pytest.mark.parametrize(
    ("status", "where"),
    [
        *((status, PROBE) for status in (301, 302, 303, 307, 308)),
        *((307, where) for where in ("runs/create", "PUT", "model-versions/create")),
        *((302, where) for where in ("runs/create", "PUT", "model-versions/create")),
    ],
)
def test_no_redirect_is_followed(
    runner: Runner, proxy: FaultServer, other: FaultServer, status: int, where: str
) -> None:
    proxy.script = on(where, Reply(status=status, headers={"Location": f"{other.url}/elsewhere"}))
    result = runner.here()
    assert result.said("failed", "redirect", "none")
    assert other.connections == 0
    assert proxy.seen("baseline") == []


@pytest.mark.fault("H02", "401 at M, not at A")
@pytest.mark.fault("H04", "403 at M, not at A")
@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("form", ["json", "html"])
def test_a_refused_login_goes_on_to_the_api(
    runner: Runner, proxy: FaultServer, status: int, form: str
) -> None:
    body = b'{"detail": "no"}' if form == "json" else b"<html>no</html>"
    proxy.script = on("/api/mlflow/", Reply(status=status, body=body))
    result = runner.here()
    assert result.said("registered", "ok", "api")
    assert f"auth-{status}" in result.summary
    assert runner.here(fallback="none").said("failed", f"auth-{status}", "none")


@pytest.mark.fault("H32", "reads allowed, writes not")
def test_a_first_write_that_is_refused_goes_on_to_the_api(
    runner: Runner, proxy: FaultServer, client: MlflowClient
) -> None:
    proxy.script = on("runs/create", as_json({"detail": "read only"}, 403))
    assert runner.here().said("registered", "ok", "api")
    assert runs(client, runner.inputs["model-name"]) == []


def test_a_later_write_that_is_refused_ends_it(
    runner: Runner, proxy: FaultServer, client: MlflowClient
) -> None:
    proxy.script = on("model-versions/create", as_json({"detail": "read only"}, 403))
    assert runner.here().said("failed", "auth-403", "none")
    assert proxy.seen("baseline") == []
    assert runs(client, runner.inputs["model-name"]) == ["FAILED"]
    proxy.script = lambda _: None
    assert runner.here().said("registered", "ok", "mlflow")  # with the same run
    assert runs(client, runner.inputs["model-name"]) == ["FINISHED"]


@pytest.mark.fault("H14", "Retry-After")
def test_waits_as_long_as_it_is_asked_to(runner: Runner, proxy: FaultServer) -> None:
    proxy.script = on(PROBE, as_json({"detail": "slow down"}, 429, **{"Retry-After": "1"}), 1)
    began = time.monotonic()
    assert runner.here().said("registered", "ok", "mlflow")
    assert time.monotonic() - began >= 1


@pytest.mark.fault("H17", "500 once")
@pytest.mark.parametrize("read", [PROBE, *READS])
def test_a_stumble_on_a_read_is_asked_again(runner: Runner, proxy: FaultServer, read: str) -> None:
    proxy.script = on(read, Reply(status=500), 1)
    assert runner.here().said("registered", "ok", "mlflow")


def test_a_file_that_shows_late_is_waited_for(
    runner: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readback, "PAUSES", (0.0,) * 3)
    shorter = Reply(forward=True, edit=lambda body: body.replace(b"7000", b"0"))
    proxy.script = on(LISTING, shorter, 2)
    assert runner.here().said("registered", "ok", "mlflow")
    proxy.script = on(LISTING, shorter, 3)
    assert runner.here(model_name=unique("late")).said("failed", "verify-failed", "none")


@pytest.mark.fault("H05", "403 that repeats the key")
def test_a_key_in_an_error_body_is_shown_nowhere(runner: Runner, proxy: FaultServer) -> None:
    key = runner.inputs["api-key"]
    proxy.script = on("", as_json({"detail": f"bad key {key}, Bearer {key}"}, 403))
    result = runner.here(result_file="result.json")
    assert result.said("failed", "auth-403", "none")
    written = (runner.workspace / "result.json").read_text() + str(result.outputs) + result.summary
    assert key not in written + result.log.replace(f"::add-mask::{key}", "")
    assert "***" in result.errors[0]


@pytest.mark.fault("N08", "one byte at a time")
@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_slow_drip_ends_at_the_wall(runner: Runner, proxy: FaultServer, part: str) -> None:
    proxy.script = on("", Reply(body=b"{}" + b" " * 200, drip=part))
    began = time.monotonic()
    assert runner.here(fallback="none").said("failed", "timeout", "none")
    assert time.monotonic() - began < 20


@pytest.mark.fault("N07", "silence after a write")
@pytest.mark.usefixtures("hurried")
def test_silence_on_a_write_is_looked_into(
    runner: Runner, proxy: FaultServer, client: MlflowClient
) -> None:
    proxy.script = on("runs/create", Reply(forward=True, hang=2), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert runs(client, runner.inputs["model-name"]) == ["FINISHED"]


@pytest.mark.fault("N01", "host name unknown")
@pytest.mark.fault("N03", "connection refused")
@pytest.mark.parametrize(
    ("url", "reason"),
    [("http://127.0.0.1:9", "refused"), ("https://registry.invalid/api/mlflow", "dns")],
)
def test_a_dead_host_is_told_quickly(runner: Runner, url: str, reason: str) -> None:
    began = time.monotonic()
    result = runner.action(tracking_uri=url, api_url=url.removesuffix("/api/mlflow"))
    assert result.said("failed", reason, "none")
    assert time.monotonic() - began < 20
    assert "nothing was changed" in result.log
