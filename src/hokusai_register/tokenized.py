"""A tokenized registration: the token behind a model, and what became of its announcement."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as `tokens.token` checked it, and the baseline that its model has to beat."""

    id: str
    metric: str
    baseline: float


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
