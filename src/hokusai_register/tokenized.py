"""A tokenized registration: the token behind a model, and what became of its announcement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# What the service and its SDK look for on a version; nobody else may write these.
TAGS = (
    "hokusai_token_id",
    "benchmark_metric",
    "benchmark_value",
    "hokusai_status",
    "hokusai_proposal_identifier",
    "mlflow_run_id",
)

# What an event may tell besides: the texts of these names, and the schema of the model's API.
TEXTS = ("eval_spec", "scorer_ref", "primary_metric", "benchmark_spec_id")
SCHEMA = "api_schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as `tokens.token` checked it, and the baseline that its model has to beat."""

    id: str
    metric: str
    baseline: float
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, object]:
        """All of it, without details where there are none: JSON, the same for the same token."""
        told = {"id": self.id, "metric": self.metric, "baseline": self.baseline}
        return {**told, "details": dict(self.details)} if self.details else told

    @property
    def tags(self) -> dict[str, str]:
        """The details that stand on the version, as the service repeats them there."""
        return {
            f"hokusai.{name}": str(self.details[name]) for name in TEXTS if name in self.details
        }


class EventState(StrEnum):
    """What became of the announcement; the output `event`."""

    SENT = "sent"
    FAILED = "failed"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What became of it, why, and what to do next."""

    state: EventState
    why: str = ""
    fix: str = ""
