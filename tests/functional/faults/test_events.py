"""An event that is billed and cannot be taken back: what is sent, what is said, what a re-run does.

None of this touches the registration, which was read back before.
"""

from __future__ import annotations

import subprocess

import pytest
from mlflow import MlflowClient

from functional.announced import LOOK, POST, announced
from functional.fault_server import Asked, FaultServer, Reply, Script, as_json, on
from functional.runner import Result, Runner
from hokusai_register.http import client as http_client
from hokusai_register.registrars import events
from sandboxes import Sandbox

NOT_LISTED = Reply(status=405, body=b'{"detail":"Method Not Allowed"}')
LOST = Reply(forward=True, reset=True)
FAILED = as_json({"detail": "Failed to emit model registration event"}, 502)
TAG = "hokusai.event"

pytestmark = pytest.mark.usefixtures("hasty", "impatient")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a claim for an old one after a second, not after a minute and a half."""
    monkeypatch.setattr(events, "PATIENCE", 1.0)
    monkeypatch.setattr(events, "POLL", 0.5)


def todays(reply: Reply) -> Script:
    """Return a script for events at a service that lists none, as today's is."""
    rows = on(LOOK, NOT_LISTED), on(POST, reply)
    return lambda asked: rows[0](asked) or rows[1](asked)


def ended(result: Result, event: str, status: str = "registered") -> bool:
    """Whether the registration stands, the step is green, and the event is what is said."""
    told = (result.exit_code, result.outputs["event"])
    return result.said(status, "ok", "mlflow") and told == (0, event)


def noted(client: MlflowClient, runner: Runner) -> str:
    """Return what the version says of its event."""
    version = client.get_model_version(runner.inputs["model-name"], "1")
    return str(version.tags[TAG]).partition(" ")[0]


@pytest.mark.fault("E01", "answer to an event lost", "registered/ok 0, sent")
@pytest.mark.parametrize("reply", [LOST, Reply(forward=True, status=502, body=b"{}")])
def test_e01_a_service_that_can_be_asked_is_asked(
    tokenized: Runner, proxy: FaultServer, sandbox: Sandbox, client: MlflowClient, reply: Reply
) -> None:
    proxy.script = on(POST, reply)
    assert ended(tokenized.here(), "sent")
    assert (len(proxy.seen(POST)), noted(client, tokenized)) == (1, "sent")
    assert len(announced(sandbox, tokenized.inputs["model-name"])) == 1


@pytest.mark.fault("E02", "event lost, at a service that can be asked", "registered/ok 0, sent")
def test_e02_what_did_not_arrive_is_sent_again(
    tokenized: Runner, proxy: FaultServer, sandbox: Sandbox
) -> None:
    proxy.script = on(POST, Reply(reset=True), 1)
    assert ended(tokenized.here(), "sent")
    keys = {asked.headers["idempotency-key"] for asked in proxy.seen(POST)}
    assert (len(proxy.seen(POST)), len(keys)) == (2, 1)
    assert len(announced(sandbox, tokenized.inputs["model-name"])) == 1


UNKNOWN = {
    "lost": LOST,
    "502": FAILED,
    "503": Reply(status=503),
    "page": Reply(body=b"<html>"),
    "no word": as_json({"status": "ok"}),
    "too late": Reply(forward=True, hang=3.0),
}


@pytest.mark.fault("E03", "outcome of an event unknown", "registered/ok 0, warned")
@pytest.mark.parametrize("how", UNKNOWN)
def test_e03_nothing_is_sent_again_on_suspicion(
    tokenized: Runner, proxy: FaultServer, client: MlflowClient, how: str
) -> None:
    proxy.script = todays(UNKNOWN[how])
    result = tokenized.here()
    assert ended(result, "unknown")
    assert "nobody knows whether the token is announced" in result.log
    assert noted(client, tokenized) == "sending"
    proxy.script = todays(Reply(forward=True))
    again = tokenized.here()
    assert ended(again, "unknown", "already-registered")
    assert "`hokusai.event`" in again.summary
    assert len(proxy.seen(POST)) == 1


@pytest.mark.fault("E03", "a person finds out what became of it", "registered/ok 0, sent")
@pytest.mark.parametrize(("found", "sends"), [("sent", 0), ("pending", 1)])
def test_e03_what_a_person_writes_counts(
    tokenized: Runner, proxy: FaultServer, client: MlflowClient, found: str, sends: int
) -> None:
    proxy.script = todays(FAILED)
    assert ended(tokenized.here(), "unknown")
    client.set_model_version_tag(tokenized.inputs["model-name"], "1", TAG, found)
    proxy.script = lambda _: None
    proxy.asked.clear()
    assert ended(tokenized.here(), "sent", "already-registered")
    assert len(proxy.seen(POST)) == sends


@pytest.mark.fault("E04", "slow answer to an event", "registered/ok 0, sent")
def test_e04_an_event_has_a_deadline_of_its_own(
    tokenized: Runner, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "CONTROL", 1.0)
    monkeypatch.setattr(http_client, "PHASE", 3.0)
    monkeypatch.setattr(events, "PATIENCE", 30.0)
    proxy.script = on(POST, Reply(body=b'{"event_emitted": true}', hang=4.0))
    assert ended(tokenized.here(), "sent")
    assert len(proxy.seen(POST)) == 1


REFUSED = {
    "401": as_json({"detail": "Invalid or expired API key"}, 401),
    "402": as_json({"error": "usage_debit_rejected", "reason": "Balance too low"}, 402),
    "403": as_json({"detail": "Insufficient permissions for model registration events"}, 403),
    "404": as_json({"detail": "Not Found"}, 404),
    "422": as_json({"detail": [{"loc": ["body", "version"], "msg": "no", "type": "x"}]}, 422),
    "429": as_json({"error": "Rate limit exceeded: 30 per 1 minute"}, 429),
    "redirect": Reply(status=307, headers={"Location": "http://elsewhere.example/"}),
    "not passed on": as_json({"status": "ok", "event_emitted": False, "detail": "later"}),
}
WORDS = {"402": "balance", "403": "permissions", "422": "body.version", "not passed on": "later"}


@pytest.mark.fault("E05", "event refused", "registered/ok 0, told; then sent")
@pytest.mark.parametrize("how", REFUSED)
def test_e05_a_refused_event_is_told_and_sent_by_the_next(
    tokenized: Runner, proxy: FaultServer, client: MlflowClient, how: str
) -> None:
    proxy.script = todays(REFUSED[how])
    result = tokenized.here()
    assert ended(result, "failed")
    assert "::warning title=The model is registered" in result.log
    assert WORDS.get(how, "") in result.log
    assert (len(proxy.seen(POST)), noted(client, tokenized)) == (1, "failed")
    proxy.script = lambda _: None
    assert ended(tokenized.here(), "sent", "already-registered")
    assert (len(proxy.seen(POST)), noted(client, tokenized)) == (2, "sent")


@pytest.mark.fault(
    "E06", "key that may register and not announce", "registered/ok 0, told; then sent"
)
def test_e06_a_key_without_the_scope(tokenized: Runner, sandbox: Sandbox) -> None:
    result = tokenized.here(api_key=sandbox.create_key("registry:admin"))
    assert ended(result, "failed")
    assert "a key that has it" in result.summary
    assert ended(tokenized.here(), "sent", "already-registered")


@pytest.mark.fault("E07", "nobody at the API", "registered/ok 0, told; then sent")
def test_e07_an_api_that_is_not_there(tokenized: Runner, client: MlflowClient) -> None:
    right = tokenized.inputs["api-url"]
    assert ended(tokenized.here(api_url="http://127.0.0.1:9"), "failed")
    assert noted(client, tokenized) == "failed"
    assert ended(tokenized.here(api_url=right), "sent", "already-registered")


@pytest.mark.fault("E08", "MLflow fails before the event", "registered/ok 0, told; then sent")
def test_e08_what_cannot_be_noted_is_not_sent(
    tokenized: Runner, proxy: FaultServer, sandbox: Sandbox
) -> None:
    proxy.script = on("model-versions/set-tag", as_json({"message": "no"}, 400))
    assert ended(tokenized.here(), "failed")
    assert proxy.seen(POST) == []
    proxy.script = lambda _: None
    assert ended(tokenized.here(), "sent", "already-registered")
    assert len(announced(sandbox, tokenized.inputs["model-name"])) == 1


@pytest.mark.fault("E09", "MLflow fails after the event", "registered/ok 0, sent once")
def test_e09_what_was_sent_is_not_sent_again(tokenized: Runner, proxy: FaultServer) -> None:
    def script(asked: Asked) -> Reply | None:
        after = proxy.seen(POST) and "model-versions/set-tag" in str(asked)
        return as_json({"message": "no"}, 400) if after else None

    proxy.script = script
    result = tokenized.here()
    assert ended(result, "sent")
    assert "could not be written down" in result.summary
    proxy.script = lambda _: None
    assert ended(tokenized.here(), "sent", "already-registered")
    assert len(proxy.seen(POST)) == 1


@pytest.mark.fault("E10", "SIGKILL at the event", "sent once")
@pytest.mark.parametrize("arrives", [False, True])
def test_e10_a_step_that_is_killed_while_it_sends(
    tokenized: Runner, proxy: FaultServer, sandbox: Sandbox, arrives: bool
) -> None:
    running: list[subprocess.Popen[str]] = []

    def kill(body: bytes = b"") -> bytes:
        running[-1].kill()
        return body

    def script(asked: Asked) -> Reply | None:
        if POST not in str(asked) or len(proxy.seen(POST)) > 1:
            return None
        if arrives:
            return Reply(forward=True, edit=kill)
        kill()
        return Reply(reset=True)

    proxy.script = script
    process, _, _ = tokenized.start()
    running.append(process)
    process.communicate(timeout=60)
    assert process.returncode == -9
    assert ended(tokenized.here(), "sent", "already-registered")
    assert len(proxy.seen(POST)) == (1 if arrives else 2)
    assert len(announced(sandbox, tokenized.inputs["model-name"])) == 1


@pytest.mark.fault("E11", "the answer to an event repeats the key", "registered/ok 0, and ***")
def test_e11_no_answer_shows_the_key(tokenized: Runner, proxy: FaultServer) -> None:
    key = tokenized.inputs["api-key"]
    proxy.script = todays(as_json({"detail": f"no: Bearer {key}"}, 422))
    result = tokenized.here()
    assert ended(result, "failed")
    assert key not in result.log.replace(f"::add-mask::{key}", "") + result.summary
    assert key not in str(result.outputs)


@pytest.mark.fault("E12", "baseline of 0: delivered, then 502", "registered/ok 0, sent once")
@pytest.mark.parametrize(("listed", "event"), [(True, "sent"), (False, "unknown")])
def test_e12_a_baseline_of_nothing(
    tokenized: Runner, proxy: FaultServer, sandbox: Sandbox, listed: bool, event: str
) -> None:
    proxy.script = (lambda _: None) if listed else on(LOOK, NOT_LISTED)
    result = tokenized.here(baseline_value="0")
    assert ended(result, event)
    assert "a baseline of 0" in result.summary
    assert len(proxy.seen(POST)) == 1
    assert len(announced(sandbox, tokenized.inputs["model-name"])) == 1


@pytest.mark.fault("E13", "tags of a token changed after the fact", "failed/verify-failed 1")
def test_e13_another_token_on_the_version_is_noticed(
    tokenized: Runner, client: MlflowClient
) -> None:
    assert ended(tokenized.here(), "sent")
    client.set_model_version_tag(tokenized.inputs["model-name"], "1", "hokusai_token_id", "EVE")
    result = tokenized.here()
    assert result.said("failed", "verify-failed", "none")
    assert "EVE" in result.errors[0]
