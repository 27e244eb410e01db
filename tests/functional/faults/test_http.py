"""Answers that a server or a gateway may give: what each of them leads to."""

from __future__ import annotations

import email.utils
import json
import re
import time

import cmarkgfm
import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply, Script, as_json, on
from functional.fault_table import case
from functional.found import runs, versions
from functional.runner import Result, Runner
from hokusai_register.registrars import readback
from runner_rules import act_commands, runner_commands, runner_records
from sandboxes import Sandbox

PROBE = "experiments/get-by-name"
OURS = {"add-mask", "debug", "notice", "warning", "error", "group", "endgroup"}


def edited(text: str, old: bytes, new: bytes, **headers: str) -> Script:
    """Return a script that changes the real server's answers to requests with `text` in them."""
    reply = Reply(forward=True, edit=lambda body: re.sub(old, lambda _: new, body), headers=headers)
    return lambda asked: reply if text in str(asked) else None


def obeyed(result: Result) -> set[str]:
    """Return the names of all commands that any runner obeys in what a step printed."""
    every = [*runner_commands(result.log), *act_commands(result.log)]
    return {command.name for command in every}


@pytest.mark.fault("H01", "400 with a workflow command in it", "failed/invalid 1")
def test_h01_the_servers_words_are_quoted_and_cut(runner: Runner, proxy: FaultServer) -> None:
    words = "no\n::set-output name=status::registered\n" + "x" * 1000
    body = {"error_code": "INVALID_PARAMETER_VALUE", "message": words}
    proxy.script = on("runs/create", as_json(body, 400))
    result = runner.here(fallback="mock")
    assert result.said("failed", "invalid", "none")
    assert result.exit_code == 1
    assert len(proxy.seen("runs/create")) == 1
    assert proxy.seen("baseline") == []
    assert obeyed(result) <= OURS
    assert "x" * 301 not in result.log


@pytest.mark.parametrize(
    "status",
    [
        case(("H03", "401, with consent to fall back", "failed/auth-401 3"), 401),
        case(("H04", "403, with consent to fall back", "failed/auth-403 3"), 403),
    ],
)
@pytest.mark.parametrize("fallback", ["local", "mock"])
def test_h03_a_refused_key_never_degrades(
    runner: Runner, proxy: FaultServer, status: int, fallback: str
) -> None:
    proxy.script = on("", as_json({"detail": "no"}, status))
    result = runner.here(fallback=fallback)
    assert result.said("failed", f"auth-{status}", "none")
    assert result.exit_code == 3
    assert proxy.url.removeprefix("http://") in result.errors[0]
    assert not (runner.workspace / ".hokusai").exists()


@pytest.mark.fault("H06", "404 in HTML everywhere", "failed/not-found 1")
def test_h06_a_page_that_is_not_there(runner: Runner, proxy: FaultServer) -> None:
    proxy.script = on("", Reply(status=404, headers={"Content-Type": "text/html"}, body=b"<html>"))
    result = runner.here(fallback="local")
    assert result.said("failed", "not-found", "none")
    assert proxy.seen("baseline"), "the API was asked too"
    assert "is this the root of the service" in result.errors[0]
    assert not (runner.workspace / ".hokusai").exists()


STUMBLES = {
    408: ("H08", "408 once", "registered/ok 0 mlflow"),
    500: ("H18", "500 once, on a write that was not done", "registered/ok 0 mlflow"),
    502: ("H18", "502 once, on a write that was not done", "registered/ok 0 mlflow"),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("where", "status"),
    [
        case(fault, where, status)
        for where in (PROBE, "runs/create", "model-versions/create")
        for status, fault in STUMBLES.items()
    ],
)
def test_h08_h18_a_stumble_is_looked_into(
    runner: Runner, proxy: FaultServer, client: MlflowClient, where: str, status: int
) -> None:
    proxy.script = on(where, Reply(status=status), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert runs(client, runner.inputs["model-name"]) == ["FINISHED"]
    assert versions(client, runner.inputs["model-name"]) == ["1"]


@pytest.mark.fault("H09", "409 at the API, same digests", "already-registered/ok 0 api")
def test_h09_the_same_baseline_of_another_job_is_enough(runner: Runner, sandbox: Sandbox) -> None:
    runner.inputs |= {"api-key": sandbox.create_key("model:write"), "version": "v1"}
    assert runner.here().said("registered", "ok", "api")
    runner.run_id = "4711"
    result = runner.here()
    assert result.said("already-registered", "ok", "api")
    assert (result.exit_code, result.outputs["created"]) == (0, "false")


@pytest.mark.fault("H09", "409 at the API, other digests", "failed/conflict 1")
def test_h09_another_baseline_is_a_conflict(runner: Runner, sandbox: Sandbox) -> None:
    runner.inputs |= {"api-key": sandbox.create_key("model:write"), "version": "v1"}
    assert runner.here().said("registered", "ok", "api")
    (runner.workspace / "model.bin").write_bytes(b"other weights")
    result = runner.here(fallback="mock")
    assert result.said("failed", "conflict", "none")
    assert result.exit_code == 1


@pytest.mark.fault("H11", "413 before the body was read", "failed/too-large 1")
def test_h11_a_refused_size_is_told_with_the_size(runner: Runner, proxy: FaultServer) -> None:
    (runner.workspace / "model.bin").write_bytes(b"x" * 20_000_000)
    proxy.early = on("model.bin", Reply(status=413, body=b'{"detail": "limit is 1 MB"}'), 1)
    result = runner.here()
    assert result.said("failed", "too-large", "none")
    assert "20,000,000 bytes" in result.errors[0]
    assert "limit is 1 MB" in result.errors[0]


@pytest.mark.fault("H12", "422 with a list of problems", "failed/invalid 1")
def test_h12_each_problem_is_named(runner: Runner, proxy: FaultServer, sandbox: Sandbox) -> None:
    problems = [{"loc": ["body", "metrics", 0], "msg": "not a\n::error::number", "type": "x"}]
    proxy.script = on("POST /api/v1/models/baseline", as_json({"detail": problems}, 422))
    result = runner.here(api_key=sandbox.create_key("model:write"))
    assert result.said("failed", "invalid", "none")
    assert "body.metrics.0: not a" in result.errors[0]
    assert len(result.errors) == 1
    assert len(proxy.seen("POST /api/v1")) == 1


LIMITED = ("H13", "429 always", "failed/rate-limited 1")
BROKEN = ("H19", "502, 503, 504 always", "failed/server-5xx 1")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "status", [case(LIMITED, 429), *(case(BROKEN, status) for status in (502, 503, 504))]
)
def test_h13_h19_who_never_answers_is_passed_over(
    runner: Runner, proxy: FaultServer, status: int
) -> None:
    reason = "rate-limited" if status == 429 else "server-5xx"
    proxy.script = on("/api/mlflow/", Reply(status=status))
    result = runner.here()
    assert result.said("registered", "ok", "api")
    assert reason in result.summary
    assert len(proxy.seen(PROBE)) == 4
    proxy.script = on("", Reply(status=status))
    assert runner.here().said("failed", reason, "none")
    assert runner.action(fallback="local").said("registered-local", reason, "local")


@pytest.mark.fault("H16", "Retry-After: a past date, garbage", "registered/ok 0 mlflow")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("after", ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-1", "1.5", "\xff"])
def test_h16_a_strange_retry_after_is_none(runner: Runner, proxy: FaultServer, after: str) -> None:
    proxy.script = on(PROBE, Reply(status=503, headers={"Retry-After": after}), 1)
    assert runner.here().said("registered", "ok", "mlflow")


@pytest.mark.fault("H16", "Retry-After: a date", "registered/ok 0 mlflow")
def test_h16_a_date_is_waited_for(runner: Runner, proxy: FaultServer, waited: list[float]) -> None:
    now = time.time()
    dates = {"Date": now, "Retry-After": now + 2}
    headers = {name: email.utils.formatdate(when, usegmt=True) for name, when in dates.items()}
    proxy.script = on(PROBE, Reply(status=503, headers=headers), 1)
    assert runner.here().said("registered", "ok", "mlflow")
    assert waited == [2.0]


@pytest.mark.fault("H16", "Retry-After: too long to wait", "registered/ok 0 api")
def test_h16_an_hour_is_not_waited(runner: Runner, proxy: FaultServer) -> None:
    later = email.utils.formatdate(time.time() + 3600, usegmt=True)
    proxy.script = on("/api/mlflow/", Reply(status=503, headers={"Retry-After": later}))
    assert runner.here().said("registered", "ok", "api")
    assert len(proxy.seen(PROBE)) == 1


@pytest.mark.fault("H25", "JSON with a wrong content type", "registered/ok 0 mlflow")
def test_h25_the_content_type_is_not_asked(runner: Runner, proxy: FaultServer) -> None:
    reply = Reply(forward=True, edit=lambda body: body, headers={"Content-Type": "text/plain"})
    proxy.script = lambda _: reply
    assert runner.here().said("registered", "ok", "mlflow")


@pytest.mark.fault("H30", "PENDING, then READY", "registered/ok 0 mlflow")
def test_h30_a_pending_version_is_waited_for(runner: Runner, proxy: FaultServer) -> None:
    pending = edited("model-versions/get", rb'"READY"', b'"PENDING_REGISTRATION"')
    left = [pending, pending]

    def script(asked: Asked) -> Reply | None:
        return left.pop()(asked) if left and "model-versions/get" in str(asked) else None

    proxy.script = script
    assert runner.here().said("registered", "ok", "mlflow")
    assert left == []


@pytest.mark.fault("H30", "PENDING, then FAILED, or for ever", "failed/verify-failed 1")
@pytest.mark.parametrize("status", ["FAILED_REGISTRATION", "PENDING_REGISTRATION"])
def test_h30_a_version_that_failed_is_not_registered(
    runner: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(readback, "PROCESSING", 1.0)
    proxy.script = edited("model-versions/get", rb'"READY"', json.dumps(status).encode())
    result = runner.here(fallback="mock")
    assert result.said("failed", "verify-failed", "none")
    assert result.outputs["registered"] == "false"
    assert status in result.errors[0]


HOSTILE = (
    "\n::set-output name=status::registered\n##[set-output name=registered;]true\r\n%0A::error::x"
    "\x1b[31m\u202e| a |\n\n# b <img src=x> `c` [d](http://e.example)\x00\x85::stop-commands::t"
)
QUOTED = json.dumps(HOSTILE).encode()
PLACES: dict[str, Script] = {
    "message": on(PROBE, as_json({"message": HOSTILE}, 400)),
    "error code": on("runs/create", as_json({"error_code": HOSTILE, "message": "x"}, 400)),
    "content type": on(PROBE, Reply(headers={"Content-Type": repr(HOSTILE)}, body=b"x")),
    "location": on(PROBE, Reply(status=302, headers={"Location": "http://::set-output]|`x`/"})),
    "run id": edited("runs/", rb'"run_id": *"[^"]*"', b'"run_id": ' + QUOTED),
    "artifact uri": edited("runs/", rb'"artifact_uri": *"[^"]*"', b'"artifact_uri": ' + QUOTED),
    "experiment": edited(
        "experiments/", rb'"experiment_id": *"[^"]*"', b'"experiment_id":' + QUOTED
    ),
    "version": edited("model-versions/", rb'"version": *"[^"]*"', b'"version": ' + QUOTED),
    "status": edited("model-versions/get", rb'"READY"', QUOTED),
    "run status": edited("runs/get", rb'"FINISHED"', QUOTED),
    "source": edited("model-versions/", rb'"source": *"[^"]*"', b'"source": ' + QUOTED),
    "tags": edited("model-versions/get", rb'"value": *"hk1[^"]*"', b'"value": ' + QUOTED),
    "files": edited(
        "GET /api/mlflow/api/2.0/mlflow-artifacts", rb'"path": *"[^"]*"', b'"path":' + QUOTED
    ),
    "sizes": edited(
        "GET /api/mlflow/api/2.0/mlflow-art", rb'"file_size": *[0-9]+', b'"file_size":' + QUOTED
    ),
    "metrics": edited("runs/get", rb'"value": *0.875', b'"value": "NaN"'),
}


@pytest.mark.fault("H31", "hostile text from the server", "as without it, and inert")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("place", PLACES)
def test_h31_no_text_of_a_server_is_obeyed(
    runner: Runner, proxy: FaultServer, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readback, "PROCESSING", 1.0)
    proxy.script = PLACES[place]
    result = runner.here(fallback="none")
    assert result.outputs["reason"] != "internal", result.log
    assert obeyed(result) <= OURS
    read, stopped = runner_records((runner.temp / "output-1").read_bytes())
    assert not stopped
    assert read["registered"] == ("true" if read["status"] == "registered" else "false")
    assert not set("\x1b\u202e\x00\x85") & set(result.log + result.summary + str(read))
    page = cmarkgfm.github_flavored_markdown_to_html(result.summary)
    assert not [tag for tag in ("<img", "<h1", 'href="http://e.') if tag in page]
