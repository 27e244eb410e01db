"""A secret never shows, a key means the same registration, a report cannot contradict itself."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass, fields, replace

import pytest

from fakes import FILES, KEY, SHA, TOKEN, model, receipt
from hokusai_register.errors import AuthError, Reason, RegisterError
from hokusai_register.model import Backend, Provenance, Report, Secret, Status
from hokusai_register.tokenized import Announcement, EventState

HERE = Provenance(repository_id="1", run_id="2", job="train", action="register", attempt="1")


@dataclass(frozen=True)
class Holder:
    key: Secret


def raised_with(secret: Secret) -> str:
    error = ValueError(secret, f"{secret}")
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(KEY)),
        str(Secret(KEY)),
        f"{Secret(KEY)}{Secret(KEY)!r}{Secret(KEY)!s}{Secret(KEY)!a}",
        "{}".format(Secret(KEY)),  # noqa: UP032  # the old ways are what is tested
        "%s %r" % (Secret(KEY), Secret(KEY)),  # noqa: UP031  # the old ways are what is tested
        repr(Holder(Secret(KEY))),
        repr([{Secret(KEY): (Secret(KEY),)}]),
        raised_with(Secret(KEY)),
    ],
)
def test_a_secret_shows_as_three_stars(shown: str) -> None:
    assert "***" in shown
    assert KEY not in shown


def test_a_secret_has_nothing_to_look_into() -> None:
    assert not hasattr(Secret(KEY), "__dict__")
    with pytest.raises(TypeError):
        json.dumps(Secret(KEY))
    with pytest.raises(TypeError):
        format(Secret(KEY), ">40")


def test_a_secret_gives_its_value_when_asked_by_name() -> None:
    assert Secret(KEY).reveal() == KEY
    assert Secret(KEY) == Secret(KEY) != Secret("another")
    assert Secret(KEY) != KEY
    assert len({Secret(KEY), Secret(KEY)}) == 1
    assert (bool(Secret("")), bool(Secret(" "))) == (False, True)


def test_a_key_is_the_same_for_every_attempt() -> None:
    again = replace(HERE, attempt="2", actor="somebody else", run_url="elsewhere")
    first = model(provenance=HERE).key(SHA)
    assert first == model(provenance=again, tags={"a": "b"}, description="new").key(SHA)
    assert first.startswith("hk1-")
    assert len(first) == 4 + 64


def test_a_key_differs_for_everything_that_makes_it_another_registration() -> None:
    others = [
        model(provenance=HERE, name="other"),
        model(provenance=HERE, version="v1"),
        model(provenance=HERE, origin="https://other.example"),
        model(provenance=HERE, metrics={"auc": 0.92}),
        model(provenance=HERE, metrics={"auc": 0.91, "f1": 0.91}),
        model(provenance=HERE, token=TOKEN),
        model(provenance=HERE, token=replace(TOKEN, id="B")),
        model(provenance=HERE, token=replace(TOKEN, metric="f1")),
        model(provenance=HERE, token=replace(TOKEN, baseline=0.7)),
        *(
            model(provenance=replace(HERE, **{name: "9"}))
            for name in ("repository_id", "run_id", "job", "action")
        ),
    ]
    keys = {model(provenance=HERE).key(SHA), model(provenance=HERE).key("0" * 64)}
    keys |= {other.key(SHA) for other in others}
    assert len(keys) == 2 + len(others)


def test_metrics_have_one_digest_whatever_their_order() -> None:
    one = model(metrics={"a": 0.1, "b": 2.0}).metrics_digest
    assert one == model(metrics={"b": 2.0, "a": 0.1}).metrics_digest
    assert one != model(metrics={"a": 2.0, "b": 0.1}).metrics_digest


@pytest.mark.parametrize(
    ("report", "status", "backend", "reason", "code"),
    [
        (Report(), Status.FAILED, Backend.NONE, Reason.OK, 0),
        (Report(receipt=receipt()), Status.REGISTERED, Backend.MLFLOW, Reason.OK, 0),
        (
            Report(receipt=receipt(created=False, backend=Backend.API)),
            Status.ALREADY_REGISTERED,
            Backend.API,
            Reason.OK,
            0,
        ),
        (
            Report(model=model(), error=AuthError("a", why="b", fix="c")),
            Status.FAILED,
            Backend.NONE,
            Reason.AUTH_401,
            3,
        ),
    ],
)
def test_a_report_is_what_its_receipt_and_its_error_say(
    report: Report, status: Status, backend: Backend, reason: Reason, code: int
) -> None:
    told = (report.status, report.backend, report.reason, report.exit_code)
    assert told == (status, backend, reason, code)


def test_a_report_keeps_no_status_of_its_own() -> None:
    assert {"status", "backend", "reason"}.isdisjoint(field.name for field in fields(Report))


def test_an_error_tells_what_and_why_and_what_to_do() -> None:
    error = RegisterError("it broke", why="it was old", fix="buy another")
    assert str(error) == "it broke\nwhy: it was old\nfix: buy another"


def test_the_size_of_a_model_is_that_of_its_files() -> None:
    assert FILES.size == 1_234_567
    assert not FILES.is_mlmodel
    assert replace(FILES, files=(replace(FILES.files[0], path="MLmodel"),)).is_mlmodel


@pytest.mark.parametrize("backend", Backend)
def test_without_a_token_nothing_is_announced(backend: Backend) -> None:
    assert Report(model=model(), receipt=receipt(backend=backend)).event is None


@pytest.mark.parametrize("backend", [one for one in Backend if one is not Backend.NONE])
def test_a_token_that_nobody_announced_says_why(backend: Backend) -> None:
    event = Report(model=model(token=TOKEN), receipt=receipt(backend=backend)).event
    assert event
    assert event.state is EventState.NOT_SENT
    assert event.why


def test_what_a_receipt_says_of_the_event_counts() -> None:
    said = Announcement(EventState.UNKNOWN, "lost", "ask")
    assert Report(model=model(token=TOKEN), receipt=receipt(event=said)).event == said
    failed = Report(model=model(token=TOKEN), error=AuthError("a", why="b", fix="c")).event
    assert failed
    assert failed.state is EventState.NOT_SENT
