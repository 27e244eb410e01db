"""What the SDK shows of a model: one entry for each version, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hokusai.exceptions import RegistryException
from hokusai_register.errors import Reason
from hokusai_register.model import Backend, Status
from hokusai_register.registrars.catalog import Version

MODEL_ID = "model_id"
BASELINE = "is_baseline"
BASELINE_ID = "baseline_id"
METRICS = "metrics"
DELTAS = "delta_metrics"
CONTRIBUTOR = "contributor_address"
METADATA = "metadata"
OURS = (MODEL_ID, BASELINE, BASELINE_ID, METRICS, DELTAS, CONTRIBUTOR, METADATA)

_REGISTERED = (Status.REGISTERED, Status.ALREADY_REGISTERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistryEntry:
    """One version of a model. `version` is the user's label, `mlflow_version` the registry's.

    `status` and `backend` say what is where, in the words of the action's outputs; blank fields are
    things that the registry does not know. `timestamp` is in UTC.
    """

    model_id: str
    model_type: str
    version: str
    model_name: str = ""
    is_baseline: bool = False
    baseline_id: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    delta_metrics: Mapping[str, float] = field(default_factory=dict)
    contributor_address: str | None = None
    timestamp: datetime
    mlflow_version: str = ""
    mlflow_run_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str = str(Status.REGISTERED)
    backend: str = str(Backend.MLFLOW)
    bundle: str = ""

    @property
    def registered(self) -> bool:
        """Whether the real registry has it; a local or simulated registration is none."""
        return self.status in _REGISTERED


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLineage:
    """A model and the baselines that it goes back to, the oldest first.

    `total_improvement` is, by metric, the sum of all deltas on the way.
    """

    model_id: str
    entries: tuple[ModelRegistryEntry, ...]
    total_improvement: Mapping[str, float]


def of_version(version: Version, backend: Backend) -> ModelRegistryEntry:
    """Return the entry of a version, whoever registered it."""
    tags = version.tags
    return ModelRegistryEntry(
        model_id=tags.get(MODEL_ID) or f"{version.name}/{version.number}",
        model_type=tags.get("hokusai.model_type") or tags.get("model_type") or version.name,
        version=tags.get("hokusai.version") or tags.get("version", ""),
        model_name=version.name,
        is_baseline=tags.get(BASELINE) == "true",
        baseline_id=tags.get(BASELINE_ID),
        metrics=_numbers(tags.get(METRICS, "")),
        delta_metrics=_numbers(tags.get(DELTAS, "")),
        contributor_address=tags.get(CONTRIBUTOR),
        timestamp=version.created,
        mlflow_version=version.number,
        mlflow_run_id=version.run_id,
        tags=tags,
        status=str(_STATUS.get(backend, Status.REGISTERED)),
        backend=str(backend),
    )


def same(version: Version, asked: Mapping[str, str]) -> None:
    """Raise RegistryException if a version of the same content says something else of itself."""
    for name in OURS:
        there, wanted = version.tags.get(name, ""), asked.get(name, "")
        if there != wanted:
            raise RegistryException(
                f"the same model is registered already, as version {version.number}",
                why=f"its files, metrics and label are the same, and its {name} is {there!a}, "
                f"not {wanted!a}",
                fix="give another `version`, if it is another model",
                reason=Reason.CONFLICT,
            )


def of_baseline(shown: Mapping[str, Any], status: Status) -> ModelRegistryEntry:
    """Return the entry of a baseline as the Hokusai API shows it."""
    return ModelRegistryEntry(
        model_id=_text(shown, "model_id"),
        model_type=_text(shown, "model_type"),
        version=_text(shown, "version"),
        model_name=_text(shown, "model_id"),
        is_baseline=True,
        metrics=dict(shown.get("metrics") or {}),
        timestamp=_moment(_text(shown, "timestamp")),
        mlflow_version=_text(shown, "mlflow_version"),
        mlflow_run_id=_text(shown, "mlflow_run_id"),
        status=str(status),
        backend=str(Backend.API if status in _REGISTERED else Backend.MOCK),
    )


_STATUS = {Backend.LOCAL: Status.REGISTERED_LOCAL, Backend.MOCK: Status.SIMULATED}


def _text(shown: Mapping[str, Any], name: str) -> str:
    value = shown.get(name)
    return "" if value is None else str(value)


def _moment(text: str) -> datetime:
    """Return a moment of the service's, in UTC; now, if it names none that can be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _numbers(text: str) -> dict[str, float]:
    """Return the numbers of a tag that holds them as JSON; anybody may have written it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {
        name: float(value)
        for name, value in items
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
