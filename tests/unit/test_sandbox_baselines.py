"""A baseline is stored once per idempotency key, and a version once per model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hokusai_register.sandbox.baselines import Baselines, VersionExistsError
from hokusai_register.sandbox.database import KeyReusedError

REQUEST: dict[str, Any] = {"model_id": "churn", "model_type": "sklearn"}


@pytest.fixture
def baselines(tmp_path: Path) -> Baselines:
    return Baselines(tmp_path / "baselines.db")


def test_answers_with_everything_it_was_given(baselines: Baselines) -> None:
    given = REQUEST | {
        "version": "v1",
        "metrics": {"accuracy": 0.5},
        "mlflow_run_id": "r",
        "metadata": {"a": [1]},
    }
    recorded = baselines.record(given, "k")
    timestamp = recorded.answer["timestamp"]
    assert timestamp.endswith("Z")
    assert recorded.answer == given | {"timestamp": timestamp, "idempotency_key": "k"}
    assert not recorded.replayed


def test_leaves_out_what_was_not_given_and_makes_an_id(baselines: Baselines) -> None:
    answer = baselines.record({"model_type": "sklearn"}).answer
    assert set(answer) == {"model_id", "model_type", "version", "timestamp", "metadata"}
    assert len(answer["model_id"]) == 32
    assert answer["metadata"] == {}


def test_numbers_versions_by_model_and_passes_over_taken_ones(baselines: Baselines) -> None:
    assert [baselines.record(REQUEST).answer["version"] for _ in range(2)] == ["1", "2"]
    baselines.record(REQUEST | {"version": "4"})
    assert [baselines.record(REQUEST).answer["version"] for _ in range(2)] == ["5", "6"]
    assert baselines.record(REQUEST | {"model_id": "other"}).answer["version"] == "1"


def test_a_repeat_gets_the_stored_answer(baselines: Baselines) -> None:
    first = baselines.record(REQUEST, "k")
    again = baselines.record(dict(reversed(REQUEST.items())), "k")
    assert again.replayed
    assert again.answer == first.answer
    assert len(baselines.find({})) == 1


def test_a_key_is_for_one_body_only(baselines: Baselines) -> None:
    baselines.record(REQUEST, "k")
    with pytest.raises(KeyReusedError):
        baselines.record(REQUEST | {"version": "2"}, "k")
    assert len(baselines.find({})) == 1


@pytest.mark.parametrize("idempotency_key", [None, "other"])
def test_a_version_exists_once(baselines: Baselines, idempotency_key: str | None) -> None:
    given = REQUEST | {"version": "v1"}
    baselines.record(given, "k")
    with pytest.raises(VersionExistsError, match="Version v1 of churn already exists"):
        baselines.record(given, idempotency_key)
    baselines.record(given | {"model_id": "other"}, idempotency_key)


def test_all_filters_must_match(baselines: Baselines) -> None:
    for model, key in (("a", "k1"), ("b", "k2"), ("a", "k3")):
        baselines.record(REQUEST | {"model_id": model}, key)

    def found(**filters: str) -> list[str]:
        return [baseline["idempotency_key"] for baseline in baselines.find(filters)]

    assert found() == ["k3", "k2", "k1"]
    assert found(model_id="a") == ["k3", "k1"]
    assert found(model_id="a", version="2") == ["k3"]
    assert found(idempotency_key="k2") == ["k2"]
    assert found(idempotency_key="k2", model_id="a") == []
    assert found(model_id="' OR TRUE --") == []


def test_lists_the_newest_hundred(baselines: Baselines) -> None:
    for _ in range(101):
        baselines.record(REQUEST)
    versions = [baseline["version"] for baseline in baselines.find({})]
    assert versions == [str(number) for number in range(101, 1, -1)]


def test_concurrent_repeats_store_one(baselines: Baselines) -> None:
    with ThreadPoolExecutor(16) as pool:
        recorded = list(pool.map(lambda _: baselines.record(REQUEST, "k"), range(16)))
    assert sorted(one.replayed for one in recorded) == [False] + [True] * 15
    assert len({one.answer["timestamp"] for one in recorded}) == 1


def test_concurrent_requests_get_versions_without_a_gap(baselines: Baselines) -> None:
    with ThreadPoolExecutor(16) as pool:
        recorded = pool.map(lambda _: baselines.record(REQUEST), range(16))
        versions = {one.answer["version"] for one in recorded}
    assert versions == {str(number) for number in range(1, 17)}
