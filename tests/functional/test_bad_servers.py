"""Servers that answer nonsense, point elsewhere, hang or stumble: each has its one cause."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply, as_json, on
from functional.fault_table import case
from functional.found import runs, versions
from functional.runner import Runner, unique

HTML = Reply(headers={"Content-Type": "text/html"}, body=b"<html>Please log in</html>")
# Nobody can wait for the end of it: a server of 600 MB that never sends its last bytes.
ENDLESS = Reply(headers={"Content-Length": "600000000"}, body=b"[" * (2 << 20))
EMPTY = ("H23", "an answer without anything in it", "failed/protocol 1, or registered/ok 0 api")
ODD = ("H22", "an answer of another kind", "failed/protocol 1, or registered/ok 0 api")
HUGE = ("H26", "an answer without end", "failed/protocol 1, or registered/ok 0 api")
# how it is called, what it is, which fault, what is said of it
NONSENSE: list[tuple[str, Reply, tuple[str, str, str], str]] = [
    ("html", HTML, ODD, "26 bytes of text/html"),
    ("{}", as_json({}), EMPTY, "no id"),
    ("empty", Reply(), EMPTY, "an empty body"),
    ("204", Reply(status=204), EMPTY, "an empty body"),
    ("list", as_json([1]), ODD, "where a JSON object belongs"),
    (
        "compressed",
        Reply(headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b"),
        ODD,
        "compressed",
    ),
    ("endless", ENDLESS, HUGE, "larger than 1,048,576 bytes"),
    ("not utf-8", Reply(body=b"\xff\xfe{}"), ODD, "where a JSON object belongs"),
    ("deep", Reply(body=b"[" * 100_000), ODD, "where a JSON object belongs"),
]
nonsense = pytest.mark.parametrize(
    ("reply", "says"),
    [case(fault, reply, says, name=name) for name, reply, fault, says in NONSENSE],
)
PROBE = "experiments/get-by-name"


@nonsense
def test_nonsense_on_the_probe_is_not_the_service(
    runner: Runner, proxy: FaultServer, reply: Reply, says: str
) -> None:
    proxy.script = on("/api/mlflow/", reply)
    result = runner.here(fallback="none")
    assert result.said("failed", "protocol", "none")
    assert says in result.errors[0]
    assert runner.here().said("registered", "ok", "api")


@nonsense
def test_nonsense_of_everybody_is_a_failure(
    runner: Runner, proxy: FaultServer, reply: Reply, says: str
) -> None:
    proxy.script = on("", reply)
    result = runner.here(fallback="mock")
    assert result.said("failed", "protocol", "none")
    assert result.exit_code == 1
    assert proxy.seen("POST") == []
    assert says in result.errors[0] or "baselines is missing" in result.errors[0]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("where", ["runs/create", "model-versions/create"])
@pytest.mark.parametrize(
    "reply", [as_json({}), Reply(), Reply(status=204)], ids=["{}", "empty", "204"]
)
@pytest.mark.parametrize(
    ("done", "left"),
    [
        case(("H23", "nothing in the answer to a write", "registered/ok 0"), True, {"FINISHED"}),
        case(("H23", "nothing done, with 200", "failed/outcome-unknown 1"), False, {"FAILED"}),
    ],
)
def test_nothing_in_the_answer_to_a_write_is_looked_into(
    runner: Runner,
    proxy: FaultServer,
    client: MlflowClient,
    where: str,
    reply: Reply,
    done: bool,
    left: set[str],
) -> None:
    nothing = replace(reply, forward=True, edit=lambda _: reply.body) if done else reply
    client.create_registered_model(runner.inputs["model-name"])  # its lack would be an answer
    proxy.script = on(where, nothing)
    result = runner.here(fallback="mock")
    ended = ("registered", "ok", "mlflow") if done else ("failed", "outcome-unknown", "none")
    assert result.said(*ended)
    assert set(runs(client, runner.inputs["model-name"])) <= left
    assert versions(client, runner.inputs["model-name"]) == ["1"] * done


LISTING = "GET /api/mlflow/api/2.0/mlflow-artifacts"
READS = ("model-versions/search", LISTING, "model-versions/get", "runs/get")


@pytest.mark.parametrize("kind", [HTML, as_json({}), Reply(status=204)], ids=["html", "{}", "204"])
@pytest.mark.parametrize("read", READS)
def test_nonsense_on_a_read_is_never_a_registration(
    runner: Runner, client: MlflowClient, proxy: FaultServer, read: str, kind: Reply
) -> None:
    proxy.script = on(read, kind)
    result = runner.here(fallback="none")
    if read == "model-versions/search" and kind == as_json({}):
        assert result.said("registered", "ok", "mlflow")  # MLflow's way to say: there are none
        return
    assert result.outputs["status"] == "failed"
    assert result.outputs["reason"] in ("protocol", "verify-failed")
    assert "RUNNING" not in runs(client, runner.inputs["model-name"])


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.parametrize("read", READS[1:])
@pytest.mark.parametrize("again", [False, True], ids=["new", "again"])
def test_what_cannot_be_read_back_is_made_nowhere_else(
    runner: Runner, client: MlflowClient, proxy: FaultServer, read: str, status: int, again: bool
) -> None:
    if again:
        assert runner.here().said("registered", "ok", "mlflow")
    proxy.script = on(read, Reply(status=status))
    result = runner.here(fallback="mock")
    assert result.outputs["status"] == "failed", result.ended
    assert result.outputs["reason"] in ("protocol", "auth-403", "server-5xx")
    assert proxy.seen("baseline") == []
    assert len(versions(client, runner.inputs["model-name"])) <= 1
    proxy.script = lambda _: None
    assert runner.here().outputs["backend"] == "mlflow"
    assert versions(client, runner.inputs["model-name"]) == ["1"]


LOCAL = ("T13", "a local artifact root", "failed/protocol 1")
AWAY = ("T15", "an artifact root elsewhere", "failed/protocol 1")
ROOTS = [
    *((LOCAL, uri) for uri in ("/srv/1/x/artifacts", "file:///srv/1/x/artifacts", "")),
    (AWAY, "OTHER/api/2.0/mlflow-artifacts/artifacts/1/x/artifacts"),
    (AWAY, "mlflow-artifacts://OTHER_HOST/1/x/artifacts"),
    *(
        (AWAY, f"{scheme}://bucket/1/x/artifacts")
        for scheme in ("s3", "gs", "wasbs", "dbfs", "ftp", "hdfs", "strange")
    ),
    *((AWAY, f"mlflow-artifacts:/{path}") for path in ("../../etc", "1/%2e%2e/x")),
]


@pytest.mark.parametrize("uri", [case(fault, uri) for fault, uri in ROOTS])
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
    result = runner.here(fallback="mock")
    assert result.said("failed", "protocol", "none")
    assert "let the server serve its artifacts" in result.errors[0]
    assert proxy.seen("PUT") + proxy.seen("baseline") == []
    assert other.connections == 0
    assert runs(client, runner.inputs["model-name"]) == ["FAILED"]


LOOKS = ("T09", "301, 302 or 303 to another host", "failed/redirect 1")
SENDS = ("T10", "307 or 308 to another host", "failed/redirect 1")
REDIRECTS = [
    *((LOOKS, status, PROBE) for status in (301, 302, 303)),
    *((LOOKS, 302, where) for where in ("runs/create", "PUT", "model-versions/create")),
    *((SENDS, status, PROBE) for status in (307, 308)),
    *((SENDS, 307, where) for where in ("runs/create", "PUT", "model-versions/create")),
]


@pytest.mark.parametrize(("status", "where"), [case(*redirect) for redirect in REDIRECTS])
def test_no_redirect_is_followed(
    runner: Runner, proxy: FaultServer, other: FaultServer, status: int, where: str
) -> None:
    proxy.script = on(where, Reply(status=status, headers={"Location": f"{other.url}/elsewhere"}))
    result = runner.here(fallback="mock")
    assert result.said("failed", "redirect", "none")
    assert result.exit_code == 1
    assert other.connections == 0
    assert proxy.seen("baseline") == []
    (error,) = result.errors
    assert other.url in error
    assert proxy.url.removeprefix("http://") in error


@pytest.mark.parametrize(
    "status",
    [
        case(("H02", "401 at M only", "registered/ok 0 api"), 401),
        case(("H04", "403 at M only", "registered/ok 0 api"), 403),
    ],
)
@pytest.mark.parametrize("form", ["json", "html"])
def test_a_refused_login_goes_on_to_the_api(
    runner: Runner, proxy: FaultServer, status: int, form: str
) -> None:
    body = b'{"detail": "no"}' if form == "json" else b"<html>no</html>"
    proxy.script = on("/api/mlflow/", Reply(status=status, body=body))
    result = runner.here()
    assert result.said("registered", "ok", "api")
    assert f"auth-{status}" in result.summary
    (warned,) = [line for line in result.log.splitlines() if line.startswith("::warning")]
    assert "MLflow was passed over" in warned
    assert len(proxy.seen(PROBE)) == 1
    assert runner.here(fallback="none").said("failed", f"auth-{status}", "none")


@pytest.mark.fault("H32", "reads allowed, writes not", "registered/ok 0 api")
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


@pytest.mark.fault("H14", "Retry-After", "registered/ok 0 mlflow")
@pytest.mark.parametrize("step", ["runs/create", "log-batch", "model-versions/create", "runs/get"])
def test_a_server_whose_database_is_busy(
    runner: Runner, proxy: FaultServer, client: MlflowClient, step: str
) -> None:
    """As MLflow is when more than its pool of connections are asked for at the same moment."""
    said = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
    busy = as_json({"error_code": "BAD_REQUEST", "message": said}, 400)
    proxy.script = on(step, busy, times=1)
    assert runner.here(fallback="none").said("registered", "ok", "mlflow")
    name = runner.inputs["model-name"]
    assert (versions(client, name), runs(client, name)) == (["1"], ["FINISHED"])


def test_a_version_whose_run_was_removed_for_good(runner: Runner, proxy: FaultServer) -> None:
    """As `mlflow gc` leaves it: to run the job again is no way out."""
    assert runner.here().said("registered", "ok", "mlflow")
    gone = as_json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such run"}, 404)
    proxy.script = on("runs/get", gone)
    result = runner.here(fallback="local")
    assert result.said("failed", "not-found", "none")
    (error,) = result.errors
    assert "version 1 of" in error
    assert "delete this version, then run the job again" in error


def test_waits_as_long_as_it_is_asked_to(runner: Runner, proxy: FaultServer) -> None:
    proxy.script = on(PROBE, as_json({"detail": "slow down"}, 429, **{"Retry-After": "1"}), 1)
    began = time.monotonic()
    assert runner.here().said("registered", "ok", "mlflow")
    assert time.monotonic() - began >= 1


@pytest.mark.fault("H17", "500 once", "registered/ok 0 mlflow")
@pytest.mark.parametrize("read", [PROBE, *READS])
def test_a_stumble_on_a_read_is_asked_again(runner: Runner, proxy: FaultServer, read: str) -> None:
    proxy.script = on(read, Reply(status=500), 1)
    assert runner.here().said("registered", "ok", "mlflow")


@pytest.mark.usefixtures("hasty")
def test_a_file_that_shows_late_is_waited_for(runner: Runner, proxy: FaultServer) -> None:
    shorter = Reply(forward=True, edit=lambda body: body.replace(b"7000", b"0"))
    proxy.script = on(LISTING, shorter, 2)
    assert runner.here().said("registered", "ok", "mlflow")
    proxy.script = on(LISTING, shorter, 3)
    assert runner.here(model_name=unique("late")).said("failed", "verify-failed", "none")


@pytest.mark.fault("H05", "403 that repeats the key", "failed/auth-403 3")
def test_a_key_in_an_error_body_is_shown_nowhere(runner: Runner, proxy: FaultServer) -> None:
    key = runner.inputs["api-key"]
    proxy.script = on("", as_json({"detail": f"bad key {key}, Bearer {key}"}, 403))
    result = runner.here(result_file="result.json")
    assert result.said("failed", "auth-403", "none")
    written = (runner.workspace / "result.json").read_text() + str(result.outputs) + result.summary
    assert key not in written + result.log.replace(f"::add-mask::{key}", "")
    assert "***" in result.errors[0]


@pytest.mark.fault("N08", "one byte at a time", "failed/timeout 1")
@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_slow_drip_ends_at_the_wall(runner: Runner, proxy: FaultServer, part: str) -> None:
    proxy.script = on("", Reply(body=b"{}" + b" " * 200, drip=part))
    began = time.monotonic()
    assert runner.here(fallback="none").said("failed", "timeout", "none")
    assert time.monotonic() - began < 20


@pytest.mark.fault("N08", "a write is answered one byte at a time", "registered/ok 0 mlflow")
@pytest.mark.usefixtures("hurried", "hasty")
@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_slow_drip_after_a_write_is_looked_into(
    runner: Runner, proxy: FaultServer, client: MlflowClient, part: str
) -> None:
    proxy.script = on("runs/create", Reply(forward=True, body=b"{}" * 100, drip=part), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert runs(client, runner.inputs["model-name"]) == ["FINISHED"]


@pytest.mark.fault("N07", "silence after a write", "registered/ok 0 mlflow")
@pytest.mark.usefixtures("hurried")
def test_silence_on_a_write_is_looked_into(
    runner: Runner, proxy: FaultServer, client: MlflowClient
) -> None:
    proxy.script = on("runs/create", Reply(forward=True, hang=2), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert runs(client, runner.inputs["model-name"]) == ["FINISHED"]
