"""Whoever writes an input, a file name, a branch, a pull request or an answer writes only text."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import pytest

from actions_runner import ActionsRunner
from functional.fault_server import Asked, Reply, as_json, faulty
from hostile import many
from runner_step import Expect
from sandboxes import Sandbox

pytestmark = pytest.mark.slow

BAD = (
    "x \r::set-output name=status::registered\n::stop-commands::t\n\u2028::error file=a.py::b "
    "\x85##[set-output name=run-id]of another \x1b[31m\u202e\u2066`|``</td><script>alert(1);"
    "<!-- [a](https://evil.example) ![b](https://evil.example/i.png) @octocat #1 %0A::warning::c\n"
    "\n| a | b |\n| - | - |\n```\n~~~\n# heading\nstatus=registered\nrun-id<<E\n${{ github.token }}"
)
WORD = "a\u202e`|<b>&lt;##[error]b"  # what has neither a colon nor a line break
SOME = list(many(300))


def test_what_is_taken_as_it_is(
    runner: ActionsRunner, given: dict[str, str], inert: Expect
) -> None:
    texts = {f"t{number}": text.replace("\0", "") for number, text in enumerate([BAD, *SOME])}
    some = {name: texts[name].encode("utf-8", "replace").decode() for name in list(texts)[:90]}
    told = {"description": BAD, "experiment": f"e{os.urandom(4).hex()}"}
    told |= {name: json.dumps(some) for name in ("tags", "params", "metadata")}
    inert(runner.step({**given, **told}), "registered/ok 0 mlflow")


@pytest.mark.parametrize(
    "name",
    [
        "model-name",
        "model-path",
        "metrics",
        "version",
        "alias",
        "run-id",
        "tracking-uri",
        "timeout",
    ],
)
def test_what_is_refused(
    runner: ActionsRunner, given: dict[str, str], inert: Expect, name: str
) -> None:
    reason = "file" if name == "model-path" else "input"
    inert(runner.step({**given, name: BAD}), f"failed/{reason} 2")


def test_names_of_files_and_metrics(
    runner: ActionsRunner, given: dict[str, str], inert: Expect
) -> None:
    def write(name: str, text: str) -> None:
        (runner.workspace / name).write_text(text, encoding="utf-8")
        runner.give_away()

    for name in ("::error::a", "\u202ec", "`|<b>", "é\u2066"):
        write(f"model/{name}", "weights")
        write(f"model/.env.{name}", "left out, and told of")
    inert(runner.step(given), "registered/ok 0 mlflow")
    write("model/##[error]b", "weights")
    inert(runner.step(given), "failed/invalid 1")
    write("metrics.json", json.dumps({BAD: 1, WORD: 1}))
    inert(runner.step(given), "failed/input 2")
    write(f"model/{BAD[:40]}", "weights")
    inert(runner.step({**given, "metrics-file": "", "metrics": "a=1"}), "failed/file 2")


@pytest.mark.parametrize("key", ["a key", "none"])
def test_who_made_a_pull_request_chose_its_words(
    runner: ActionsRunner, given: dict[str, str], inert: Expect, key: str
) -> None:
    repository = {"full_name": f"mallory/{BAD}"}
    pull = {"title": BAD, "body": BAD, "user": {"login": BAD}}
    head = {"sha": BAD, "ref": BAD, "label": BAD, "repo": repository}
    runner.event.write_text(json.dumps({"pull_request": {**pull, "head": head}}), encoding="utf-8")
    theirs = (
        "ACTOR",
        "REF",
        "HEAD_REF",
        "BASE_REF",
        "REF_NAME",
        "SHA",
        "WORKFLOW",
        "JOB",
        "ACTION",
    )
    environ = {f"GITHUB_{name}": BAD for name in (*theirs, "REPOSITORY", "RUN_ID", "RUN_ATTEMPT")}
    environ["GITHUB_EVENT_NAME"] = "pull_request"
    if key == "none":
        given = {**given, "api-key": "", "on-missing-key": "skip"}
        inert(runner.step(given, **environ), "skipped/key-missing 0")
    else:
        inert(runner.step(given, **environ), "registered/ok 0 mlflow")


REFUSALS: Mapping[str, tuple[Reply, str]] = {
    "a message": (as_json({"error_code": BAD, "message": BAD}, 400), "failed/invalid 1"),
    "a detail": (as_json({"detail": BAD}, 401), "failed/auth-401 3"),
    "a list": (as_json({"detail": [{"loc": [BAD, 1], "msg": BAD}]}, 422), "failed/invalid 1"),
    "a page": (Reply(status=403, body=f"<html>{BAD}".encode()), "failed/auth-403 3"),
    "a kind": (Reply(headers={"Content-Type": f"text/{WORD}"}, body=b"x"), "failed/protocol 1"),
    "a redirect": (
        Reply(status=302, headers={"Location": f"https://{WORD}.example/{WORD}"}),
        "failed/redirect 1",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_server_refuses_in_its_words(
    runner: ActionsRunner, given: dict[str, str], inert: Expect, name: str
) -> None:
    reply, how = REFUSALS[name]
    with faulty(lambda _: reply) as server:
        here = {"tracking-uri": f"{server.url}/api/mlflow", "api-url": server.url}
        inert(runner.step({**given, **here}), how)


ANSWERS = (
    ("experiments/create", "experiment_id", "failed/invalid 1"),
    ("runs/create", "run.info.run_id", "failed/invalid 1"),
    ("runs/create", "run.info.artifact_uri", "failed/protocol 1"),
    ("model-versions/create", "model_version.version", "already-registered/ok 0 mlflow"),
    ("model-versions/get", "model_version.version", "failed/verify-failed 1"),
)


@pytest.mark.parametrize(("endpoint", "field", "how"), ANSWERS, ids=[row[1] for row in ANSWERS])
def test_a_server_answers_in_its_words(
    runner: ActionsRunner,
    given: dict[str, str],
    inert: Expect,
    sandbox: Sandbox,
    endpoint: str,
    field: str,
    how: str,
) -> None:
    *parents, name = field.split(".")

    def edit(body: bytes) -> bytes:
        whole = json.loads(body)
        if not whole.keys() >= {*parents[:1]}:  # it says no, as of a model that is not there yet
            return body
        part = whole
        for parent in parents:
            part = part[parent]
        part[name] = BAD
        return json.dumps(whole).encode()

    def script(asked: Asked) -> Reply | None:
        return Reply(forward=True, edit=edit) if endpoint in asked.path else None

    with faulty(script, sandbox.url) as server:
        ended = runner.step({**given, "tracking-uri": f"{server.url}/api/mlflow"})
    inert(ended, how)
