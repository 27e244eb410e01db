"""The baseline goes out again only while nobody knows whether it arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fakes import SHA, Host, model
from hokusai_register.errors import Reason, UnconfirmedError
from hokusai_register.http import Answer, Effect
from hokusai_register.registrars import late
from hokusai_register.registrars.api import TRIES, HokusaiApi

NOTHING: dict[str, list[object]] = {"baselines": []}
THERE = {"from": "what was sent before"}


class Service:
    """Answers GET from one list and POST from another; the last answer of each stays."""

    host = where = "hokus.ai"

    def __init__(self, shows: list[Any], takes: list[Any]) -> None:
        self.answers = {"GET": shows, "POST": takes}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def request(self, method: str, _: str, effect: Effect, **given: Any) -> Answer:
        self.asked.append((method, given))
        left = self.answers[method]
        body = left.pop(0) if len(left) > 1 else left[0]
        headers = {"idempotent-replayed": "true"} if body == THERE else {}
        return Answer(self.host, effect, 200, headers, json.dumps(body).encode())

    def close(self) -> None:
        """Nothing is open."""

    def posts(self) -> Iterator[dict[str, Any]]:
        return (given for method, given in self.asked if method == "POST")


def kept() -> dict[str, Any]:
    """What a service shows of the baseline that was sent."""
    churn = model()
    facts = {
        "idempotency_key": churn.key(SHA),
        "model_sha256": SHA,
        "metrics_sha256": churn.metrics_digest,
    }
    return {
        "model_id": "churn",
        "model_type": churn.kind,
        "version": "7",
        "metrics": dict(churn.metrics),
        "metadata": {"hokusai": facts},
    }


@pytest.fixture(autouse=True)
def _unpaused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "PAUSES", [0.0] * len(late.PAUSES))


def test_what_is_taken_and_not_shown_is_not_sent_again() -> None:
    service = Service([NOTHING], [{}])
    with pytest.raises(UnconfirmedError) as caught:
        HokusaiApi(service, Host()).register(model(), ())  # type: ignore[arg-type]  # a fake
    assert caught.value.reason is Reason.VERIFY_FAILED
    assert len(list(service.posts())) == 1


def test_what_is_taken_may_show_late() -> None:
    service = Service([*[NOTHING] * len(late.PAUSES), {"baselines": [kept()]}], [{}])
    receipt = HokusaiApi(service, Host()).register(model(), ())  # type: ignore[arg-type]  # a fake
    assert (receipt.created, receipt.model_version) == (True, "7")
    assert len(list(service.posts())) == 1


def test_a_doubt_is_sent_again_under_the_same_key_and_not_for_ever() -> None:
    service = Service([NOTHING], ["senseless"])
    with pytest.raises(UnconfirmedError) as caught:
        HokusaiApi(service, Host()).register(model(), ())  # type: ignore[arg-type]  # a fake
    assert caught.value.reason is Reason.OUTCOME_UNKNOWN
    keys = [given["headers"]["Idempotency-Key"] for given in service.posts()]
    assert keys == [model().key(SHA)] * TRIES


def test_a_doubt_ends_when_the_baseline_is_shown() -> None:
    service = Service([NOTHING, {"baselines": [kept()]}], ["senseless"])
    receipt = HokusaiApi(service, Host()).register(model(), ())  # type: ignore[arg-type]  # a fake
    assert (receipt.created, receipt.model_version) == (True, "7")
    assert len(list(service.posts())) == 1


@pytest.mark.parametrize(
    ("takes", "created"),
    [
        ([{}], True),
        ([THERE], False),
        (["senseless", THERE], True),
        (["senseless", "senseless"], True),
    ],
)
def test_what_another_job_sent_first_is_not_new(takes: list[Any], created: bool) -> None:
    shows = [*[NOTHING] * len(takes), {"baselines": [kept()]}]
    service = Service(shows, list(takes))
    receipt = HokusaiApi(service, Host()).register(model(), ())  # type: ignore[arg-type]  # a fake
    assert receipt.created is created
    assert len(list(service.posts())) == len(takes)


@pytest.mark.parametrize("changed", [{"metrics": {"auc": 0.5}}, {"version": ""}, {"model_id": "x"}])
def test_what_is_shown_has_to_be_what_was_sent(changed: dict[str, Any]) -> None:
    service = Service([{"baselines": [kept() | changed]}], [{}])
    with pytest.raises(UnconfirmedError) as caught:
        HokusaiApi(service, Host()).register(model(), ())  # type: ignore[arg-type]  # a fake
    assert caught.value.reason is Reason.VERIFY_FAILED


def test_metrics_alone_are_a_baseline_that_the_service_may_name() -> None:
    nameless = model(name="", source="")
    facts = {
        "idempotency_key": nameless.key(""),
        "metrics_sha256": nameless.metrics_digest,
    }
    shown = {
        "model_id": "3f",
        "model_type": "custom",
        "version": "1",
        "metrics": dict(nameless.metrics),
        "metadata": {"hokusai": facts},
    }
    service = Service([NOTHING, {"baselines": [shown]}], [{}])
    baseline = HokusaiApi(service, Host()).record(nameless)  # type: ignore[arg-type]  # a fake
    assert (baseline.shown["model_id"], baseline.created) == ("3f", True)
    (sent,) = (given["json"] for given in service.posts())
    assert "model_id" not in sent
    assert "model_sha256" not in sent["metadata"]["hokusai"]
    assert [given["params"] for method, given in service.asked if method == "GET"] == [
        {"idempotency_key": nameless.key("")}
    ] * 2
