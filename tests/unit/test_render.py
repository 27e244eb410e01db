"""Outputs, notes and JSON of a report: all there, on one line each, and no more than is known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import KEY, SHA, TOKEN, model, receipt, subclasses
from hokusai_register import render
from hokusai_register.errors import (
    AuthError,
    CancelledError,
    IncompleteError,
    InputError,
    InternalError,
    Reason,
    RegisterError,
    UnconfirmedError,
)
from hokusai_register.model import Attempt, Backend, Report
from hokusai_register.redaction import MASK, redact
from hokusai_register.render import Level
from hokusai_register.summary import summary
from hokusai_register.text import line
from hokusai_register.tokenized import Announcement, EventState
from hostile import texts

IDS = ("run-id", "model-version", "model-uri", "run-url")
DENIED = AuthError("a.example says no", why="HTTP 403", fix="ask", reason=Reason.AUTH_403)
DONE = Report(model=model(), attempts=(Attempt(Backend.MLFLOW, 1.5),), receipt=receipt())
BY_API = Report(
    model=model(),
    attempts=(Attempt(Backend.MLFLOW, 0.25, DENIED), Attempt(Backend.API, 1)),
    receipt=receipt(
        backend=Backend.API, run_id="", run_url="", model_uri="", remarks=("no files",)
    ),
    remarks=("left out: .env",),
)
FAILED = Report(
    model=model(source="runs:/a/b"),
    attempts=(Attempt(Backend.MLFLOW, 1, DENIED), Attempt(Backend.API, 1, DENIED)),
    error=DENIED,
)
REPORTS = [Report(), DONE, BY_API, FAILED, Report(error=InputError("a", why="b", fix="c"))]


@pytest.mark.parametrize("report", REPORTS)
def test_every_output_is_always_there_on_one_line(report: Report) -> None:
    outputs = render.outputs(report)
    assert list(outputs) == list(render.OUTPUTS) == list(render.interrupted())
    assert all(line(value, 1 << 20) == value for value in outputs.values())
    assert json.loads(outputs["result"])["schema"] == 1


def test_a_registered_model_has_all_its_ids() -> None:
    outputs = render.outputs(DONE)
    assert outputs.pop("result")
    assert outputs == {
        "status": "registered",
        "registered": "true",
        "created": "true",
        "backend": "mlflow",
        "reason": "ok",
        "run-id": "9c1e",
        "model-name": "churn",
        "model-version": "3",
        "model-uri": "models:/churn/3",
        "run-url": "https://registry.hokus.ai/mlflow/#/experiments/1/runs/9c1e",
        "model-digest": SHA,
        "bundle": "",
        "event": "",
    }


def test_what_stood_there_already_is_registered_and_not_created() -> None:
    outputs = render.outputs(replace(DONE, receipt=receipt(created=False)))
    told = (outputs["status"], outputs["registered"], outputs["created"])
    assert told == ("already-registered", "true", "false")


@pytest.mark.parametrize("report", [Report(), FAILED])
def test_a_failure_has_no_ids(report: Report) -> None:
    outputs = render.outputs(report)
    assert [outputs[name] for name in IDS] == [""] * 4
    told = (outputs["status"], outputs["registered"], outputs["created"], outputs["backend"])
    assert told == ("failed", "false", "false", "none")


def test_a_step_that_never_ends_has_failed_by_interruption() -> None:
    outputs = render.interrupted()
    assert (outputs["status"], outputs["reason"]) == ("failed", "interrupted")
    assert json.loads(outputs["result"])["reason"] == "interrupted"


def test_the_json_tells_all_of_it() -> None:
    assert json.loads(render.as_json(BY_API)) == {
        "schema": 1,
        "status": "registered",
        "backend": "api",
        "reason": "ok",
        "exit_code": 0,
        "created": True,
        "bundle": "",
        "found": [],
        "run_id": "",
        "run_url": "",
        "event": None,
        "model": {
            "name": "churn",
            "type": "custom",
            "label": "",
            "version": "3",
            "uri": "",
            "sha256": SHA,
            "token": None,
            "metrics": {"auc": 0.91},
        },
        "attempts": [
            {
                "backend": "mlflow",
                "seconds": 0.25,
                "error": {
                    "reason": "auth-403",
                    "what": "a.example says no",
                    "why": "HTTP 403",
                    "fix": "ask",
                },
            },
            {"backend": "api", "seconds": 1, "error": None},
        ],
        "error": None,
        "remarks": ["left out: .env", "no files"],
    }


@given(name=texts(), why=texts(), metric=texts())
def test_json_keeps_hostile_text_exactly_and_no_runner_sees_a_command(
    name: str, why: str, metric: str
) -> None:
    report = Report(
        model=model(name=name, metrics={metric: 1.0}), error=RegisterError("a", why=why, fix="c")
    )
    text = render.as_json(report)
    assert line(text, len(text)) == text
    told = json.loads(text)
    assert told["model"]["name"] == name
    assert told["model"]["metrics"] == {metric: 1.0}
    assert told["error"]["why"] == why


def test_a_result_that_is_too_long_for_an_output_leaves_the_metrics_out() -> None:
    metrics = {f"metric number {number}": 0.5 for number in range(60_000)}
    report = replace(DONE, model=model(metrics=metrics))
    result = json.loads(render.outputs(report)["result"])
    assert result["model"]["metrics"] == {}
    assert "too many" in result["remarks"][-1]
    assert len(json.loads(render.as_json(report))["model"]["metrics"]) == 60_000


def notes(report: Report) -> list[tuple[Level, str]]:
    return [(note.level, note.text) for note in render.notes(report)]


def test_a_registration_is_a_notice() -> None:
    said = "Registered churn version 3 in MLflow at registry.hokus.ai."
    assert notes(DONE) == [(Level.NOTICE, said)]
    again = replace(DONE, receipt=receipt(created=False))
    assert notes(again) == [(Level.NOTICE, f"Already registered:{said.removeprefix('Registered')}")]


def test_a_backend_that_was_passed_over_is_one_warning() -> None:
    assert notes(BY_API) == [
        (
            Level.NOTICE,
            "Registered churn version 3 in the Hokusai API at registry.hokus.ai.",
        ),
        (
            Level.WARNING,
            "MLflow was passed over: a.example says no (auth-403); left out: .env; no files",
        ),
    ]


def test_a_failure_is_one_error_that_says_what_and_why_and_what_to_do() -> None:
    assert notes(FAILED) == [
        (Level.ERROR, "a.example says no. Why: HTTP 403. What to do: ask."),
    ]


@pytest.mark.parametrize("kind", subclasses(RegisterError))
def test_a_title_says_no_more_than_is_known(kind: type[RegisterError]) -> None:
    (note,) = render.notes(Report(error=kind("a", why="b", fix="c")))
    special: dict[Any, str] = {
        UnconfirmedError: "It is not confirmed that the model is registered",
        InternalError: "It is not confirmed that the model is registered",
        IncompleteError: "The model is registered only in part",
    }
    assert note.title == special.get(kind, "The model is not registered")
    assert len(note.title) <= 60


def test_nothing_is_noted_of_nothing() -> None:
    assert render.notes(Report()) == []


def test_every_text_of_a_report_can_be_cleaned() -> None:
    def clean(text: str) -> str:
        return redact(text, [KEY])

    late = CancelledError(f"what {KEY}", why=f"why {KEY}", fix=f"fix {KEY}")
    late.exit_code, late.bundle = 143, f"kept/{KEY}"
    held = model(
        name=f"name {KEY}",
        source=f"runs:/{KEY}/x",
        metrics={KEY: 1.0},
        version=KEY,
        tags={KEY: KEY},
        metadata={"a": [{"b": (KEY, 1, None)}]},
    )
    report = Report(
        model=held,
        attempts=(Attempt(Backend.MLFLOW, 1, late),),
        receipt=receipt(run_id=KEY, run_url=f"https://x/{KEY}", remarks=(KEY,)),
        error=late,
        remarks=(KEY,),
    )
    clear = render.cleaned(report, clean)
    assert KEY not in repr(clear)
    assert clear.model
    assert (clear.model.metrics, clear.bundle) == ({MASK: 1.0}, f"kept/{MASK}")
    assert clear.error
    assert (type(clear.error), clear.error.fix, clear.exit_code, clear.reason) == (
        CancelledError,
        f"fix {MASK}",
        143,
        Reason.CANCELLED,
    )
    assert render.cleaned(DONE, clean) == DONE


@given(st.sampled_from(REPORTS))
def test_a_digest_is_of_what_was_read_back_or_else_of_the_files(report: Report) -> None:
    there = report in (DONE, BY_API)
    assert render.digest(report) == (SHA if there else "")
    assert render.digest(Report(model=model())) == SHA


@pytest.mark.parametrize("state", EventState)
def test_a_token_shows_what_became_of_its_announcement(state: EventState) -> None:
    said = Announcement(state, "" if state is EventState.SENT else "it was lost", "ask for it")
    report = replace(DONE, model=model(token=TOKEN), receipt=receipt(event=said))
    outputs = render.outputs(report)
    assert (outputs["event"], outputs["status"]) == (state, "registered")
    told = json.loads(outputs["result"])
    assert told["event"] == {"state": state, "why": said.why, "fix": said.fix}
    assert told["model"]["token"] == {"id": "MSG-AI", "metric": "auc", "baseline": 0.8}
    warnings = [note.text for note in render.notes(report) if note.level is Level.WARNING]
    assert bool(warnings) == (state is not EventState.SENT)
    assert all("it was lost; ask for it" in text for text in warnings)
    assert f"| Token | `MSG-AI` (`auc`, baseline `0.8`): `{state}` |" in summary(report)
