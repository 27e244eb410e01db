"""The baseline endpoint stores once, says what is wrong, and lists."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from gateway_bench import BASELINE, Bench, answer
from hokusai_register.sandbox.gateway import MAX_BODY


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_stores_and_lists_a_baseline(bench: Bench) -> None:
    body = {"model_id": "m", "model_type": "t", "metadata": {"a": "ü"}}
    status, stored = answer(bench.ask("POST", BASELINE, headers=bench.admin, json=body))
    assert (status, stored["version"], stored["metadata"]) == (201, "1", {"a": "ü"})
    listed = bench.ask("GET", BASELINE, headers=bench.reader, params={"model_id": "m"})
    assert answer(listed) == (200, {"baselines": [stored]})
    missed = bench.ask("GET", BASELINE, headers=bench.reader, params={"model_id": "n"})
    assert answer(missed) == (200, {"baselines": []})


def test_replays_an_idempotent_request_and_refuses_another(bench: Bench) -> None:
    def post(key: str, **body: str) -> httpx.Response:
        headers = bench.admin | {"Idempotency-Key": key}
        return bench.ask("POST", BASELINE, headers=headers, json={"model_type": "t", **body})

    first = post("k", model_id="m", version="v1")
    again = post("k", model_id="m", version="v1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["idempotency_key"] == "k"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert answer(post("k", model_id="other")) == (
        422,
        {"detail": "Idempotency-Key was used with another body"},
    )
    assert answer(post("k2", model_id="m", version="v1")) == (
        409,
        {"detail": "Version v1 of m already exists"},
    )


def test_a_baseline_needs_a_write_scope(bench: Bench) -> None:
    admin = {"X-API-Key": bench.keys.create(["registry:admin"])}
    for headers in (bench.reader, admin):
        response = bench.ask("POST", BASELINE, headers=headers, json={"model_type": "t"})
        expected = {"detail": "Insufficient permissions for this operation"}
        assert answer(response) == (403, expected)


def test_says_what_is_wrong_with_a_baseline(bench: Bench) -> None:
    raw = '{"model_type": "t", "metrics": {"\\ud800": NaN}}'
    response = bench.ask("POST", BASELINE, headers=bench.admin, content=raw)
    problem = {"msg": "Input should be a finite number", "type": "finite_number"}
    assert response.status_code == 422
    assert json.loads(response.text)["detail"] == [
        {"loc": ["body", "metrics", "\ud800"], **problem}
    ]


def test_a_baseline_has_a_size_limit(bench: Bench) -> None:
    def post(size: int) -> httpx.Response:
        frame = '{"model_type": "t", "metadata": {"a": "%s"}}'
        body = frame % ("a" * (size - len(frame) + 2))
        return bench.ask("POST", BASELINE, headers=bench.admin, content=body)

    assert post(MAX_BODY).status_code == 201
    assert answer(post(MAX_BODY + 1)) == (413, {"detail": "Request body too large"})
