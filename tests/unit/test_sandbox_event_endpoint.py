"""The event endpoint takes, refuses and forgets what the service does, in its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway_bench import BASELINE, SEARCH, Bench, answer
from hokusai_register.sandbox.limit import EVENTS, PerMinute

PATHS = ("/api/models/tokenized-registration-events", "/models/tokenized-registration-events")
BODY: dict[str, Any] = {
    "model_name": "churn",
    "version": "1",
    "token_id": "MSG-AI",
    "proposal_identifier": "MSG-AI",
    "metric_name": "accuracy",
    "baseline_value": 0.8,
    "mlflow_run_id": "r1",
}
FAILED = (502, {"detail": "Failed to emit model registration event"})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def post(bench: Bench, body: object = BODY, path: str = PATHS[0], **headers: str) -> httpx.Response:
    return bench.ask("POST", path, headers=bench.admin | headers, json=body)


def listed(bench: Bench, **filters: str) -> list[dict[str, Any]]:
    shown = bench.ask("GET", PATHS[0], headers=bench.reader, params=filters).json()
    found: list[dict[str, Any]] = shown["events"]
    return found


@pytest.mark.parametrize("path", PATHS)
def test_takes_an_event_and_lists_it(bench: Bench, path: str) -> None:
    expected = {
        "status": "ok",
        "model_id": "churn/1/MSG-AI",
        "model_name": "churn",
        "version": "1",
        "event_emitted": True,
        "detail": None,
    }
    assert answer(post(bench, path=path)) == (200, expected)
    (event,) = listed(bench, model_name="churn")
    assert event.items() >= {**BODY, "current_value": 0.8, "idempotency_key": None}.items()
    assert listed(bench, model_name="other") == []


def test_30_a_minute_pass_and_what_is_wrong_does_not_count(bench: Bench) -> None:
    now = [0.0]
    bench.events.limit = PerMinute(EVENTS, lambda: now[0])
    assert post(bench, {}).status_code == 422
    assert [post(bench).status_code for _ in range(EVENTS + 1)] == [200] * EVENTS + [429]
    refused = post(bench)
    assert answer(refused) == (429, {"error": "Rate limit exceeded: 30 per 1 minute"})
    assert "retry-after" not in refused.headers
    assert post(bench, path=PATHS[1]).status_code == 200
    now[0] = 60.0
    assert post(bench).status_code == 200


def test_each_event_is_paid_for_a_refused_one_too(bench: Bench) -> None:
    poor = {"X-API-Key": bench.keys.create(["admin"], balance=2)}
    assert [post(bench, **poor).status_code, post(bench, {}, **poor).status_code] == [200, 422]
    broke = (402, {"detail": "Insufficient balance"})
    assert answer(post(bench, **poor)) == broke
    assert answer(bench.ask("GET", BASELINE, headers=poor)) == broke
    assert bench.ask("POST", SEARCH, headers=poor).status_code == 200
    assert post(bench).status_code == 200


def test_each_request_is_an_event_but_for_its_key(bench: Bench) -> None:
    for headers in ({}, {}, {"Idempotency-Key": "a"}, {"Idempotency-Key": "a"}):
        last = post(bench, **headers)
    assert len(listed(bench)) == 3
    assert len(listed(bench, idempotency_key="a")) == 1
    assert last.headers["idempotent-replayed"] == "true"
    other = post(bench, {**BODY, "version": "2"}, **{"Idempotency-Key": "a"})
    assert answer(other) == (422, {"detail": "Idempotency-Key was used with another body"})


@pytest.mark.parametrize("scope", ["model:read", "registry:admin"])
def test_wants_a_write_scope_before_it_looks_at_the_fields(bench: Bench, scope: str) -> None:
    headers = {"X-API-Key": bench.keys.create([scope])}
    refused = bench.ask("POST", PATHS[0], headers=headers, json={})
    said = {"detail": "Insufficient permissions for model registration events"}
    assert answer(refused) == (403, said)
    assert bench.ask("POST", PATHS[0], headers=headers, content="{").status_code == 422


@pytest.mark.parametrize(("method", "path"), [(m, p) for m in ("GET", "POST") for p in PATHS])
def test_wants_a_key(bench: Bench, method: str, path: str) -> None:
    assert answer(bench.ask(method, path)) == (401, {"detail": "API key required"})


WRONG: list[tuple[dict[str, Any], list[Any], str]] = [
    *(({name: None}, [name], "value_error") for name in BODY if name != "baseline_value"),
    ({"baseline_value": None}, ["baseline_value"], "float_type"),
    ({"version": 1}, ["version"], "value_error"),
    ({"token_id": "  "}, ["token_id"], "value_error"),
    ({"baseline_value": "high"}, ["baseline_value"], "float_type"),
    ({"eval_spec": ""}, ["eval_spec"], "value_error"),
    ({"eval_spec": "x" * 501}, ["eval_spec"], "string_too_long"),
    ({"model_uri": 1}, ["model_uri"], "value_error"),
    ({"api_schema": []}, ["api_schema"], "dict_type"),
    ({"tags": {"a": 1}}, ["tags", "a"], "string_type"),
]


@pytest.mark.parametrize(("changed", "path", "kind"), WRONG)
def test_says_what_is_wrong_and_repeats_it(
    bench: Bench, changed: dict[str, Any], path: list[Any], kind: str
) -> None:
    status, said = answer(post(bench, {**BODY, **changed}))
    (problem,) = said["detail"]
    assert (status, problem["type"], problem["loc"]) == (422, kind, ["body", *path])
    sent: Any = changed
    for step in path:
        sent = sent[step]
    assert problem["input"] == sent
    assert listed(bench) == []


def test_names_every_field_that_is_missing(bench: Bench) -> None:
    problems = post(bench, {}).json()["detail"]
    assert {problem["loc"][-1] for problem in problems} == set(BODY)
    assert {problem["type"] for problem in problems} == {"missing"}
    assert post(bench, []).json()["detail"][0]["type"] == "model_attributes_type"


def test_breaks_on_what_json_does_not_have(bench: Bench) -> None:
    raw = '{"baseline_value": NaN}'
    assert bench.ask("POST", PATHS[0], headers=bench.admin, content=raw).status_code == 500


@pytest.mark.parametrize(
    ("changed", "taken"),
    [
        ({"baseline_value": "0.8"}, True),
        ({"metric_name": "ACCURACY", "unknown": 1}, True),
        ({"metric_name": "f1_score"}, False),
        ({"baseline_value": 1.5}, False),
        ({"metric_name": "rmse", "current_value": 0.9}, True),
        ({"metric_name": "rmse", "current_value": 0.7}, False),
        ({"current_value": 0.9}, True),
        ({"current_value": 1.1}, False),
    ],
)
def test_passes_on_only_what_the_service_would(
    bench: Bench, changed: dict[str, Any], taken: bool
) -> None:
    response = post(bench, {**BODY, **changed})
    if taken:
        assert response.status_code == 200
    else:
        assert answer(response) == FAILED
    assert len(listed(bench)) == int(taken)


def test_delivers_a_baseline_of_nothing_and_says_that_it_failed(bench: Bench) -> None:
    assert answer(post(bench, {**BODY, "baseline_value": 0})) == FAILED
    assert len(listed(bench)) == 1


@pytest.mark.parametrize(("there", "status"), [(True, 200), (False, 502)])
def test_mirrors_what_else_it_is_told(bench: Bench, there: bool, status: int) -> None:
    asked: list[tuple[str, bytes]] = []

    def mlflow(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path.rpartition("mlflow/")[2], request.content))
        return httpx.Response(200 if there else 404, json={})

    bench.mlflow = mlflow
    assert post(bench, {**BODY, "eval_spec": "spec-1"}).status_code == status
    paths = [path for path, _ in asked]
    assert paths == ["model-versions/set-tag", "runs/set-tag"][: 2 if there else 1]
    assert all(b'"hokusai.eval_spec"' in body and b'"spec-1"' in body for _, body in asked)
    assert len(listed(bench)) == int(there)
