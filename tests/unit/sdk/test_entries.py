"""What is shown of a version, whoever wrote its tags, and of a baseline, whoever answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hokusai.core import entries
from hokusai.exceptions import RegistryException
from hokusai_register.model import Backend, Status
from hokusai_register.registrars.catalog import Version

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def version(**tags: str) -> Version:
    return Version(name="churn", number="7", tags=tags, run_id="9c1e", created=NOON)


@pytest.mark.upstream(45, "timestamps without a zone; `Z` cannot be read")
@pytest.mark.parametrize(
    "text", ["2026-01-02T12:00:00Z", "2026-01-02T12:00:00", "2026-01-02T14:00:00+02:00"]
)
def test_a_moment_is_in_utc(text: str) -> None:
    entry = entries.of_baseline({"timestamp": text}, Status.REGISTERED)
    assert entry.timestamp == NOON
    assert entry.timestamp.utcoffset() is not None


def test_a_moment_that_cannot_be_read_is_now() -> None:
    entry = entries.of_baseline({"timestamp": "yesterday"}, Status.REGISTERED)
    assert (datetime.now(UTC) - entry.timestamp).total_seconds() < 60


def test_a_version_of_the_action_is_an_entry_too() -> None:
    entry = entries.of_version(version(**{"hokusai.model_type": "sklearn"}), Backend.MLFLOW)
    assert (entry.model_id, entry.model_type, entry.mlflow_version) == ("churn/7", "sklearn", "7")
    assert (entry.registered, entry.is_baseline, entry.metrics) == (True, False, {})


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ('{"auc": 0.5, "n": 3}', {"auc": 0.5, "n": 3.0}),
        ('{"auc": true, "name": "x", "list": [1]}', {}),
        ("[1]", {}),
        ("no JSON", {}),
        ("[" * 100_000, {}),
        ("", {}),
    ],
    ids=range(6),
)
def test_a_tag_that_anybody_wrote_breaks_nothing(text: str, metrics: dict[str, float]) -> None:
    entry = entries.of_version(version(metrics=text, delta_metrics=text), Backend.MLFLOW)
    assert (entry.metrics, entry.delta_metrics) == (metrics, metrics)


@pytest.mark.parametrize(
    ("backend", "status", "registered"),
    [
        (Backend.MLFLOW, "registered", True),
        (Backend.LOCAL, "registered-local", False),
        (Backend.MOCK, "simulated", False),
    ],
)
def test_only_the_real_registry_registers(backend: Backend, status: str, registered: bool) -> None:
    entry = entries.of_version(version(), backend)
    assert (entry.status, entry.registered) == (status, registered)


def test_a_version_that_says_something_else_of_itself_is_another() -> None:
    entries.same(version(model_id="one", team="vision"), {"model_id": "one"})
    for asked in ({"model_id": "two"}, {"model_id": "one", "baseline_id": "zero"}, {}):
        with pytest.raises(RegistryException):
            entries.same(version(model_id="one"), asked)
