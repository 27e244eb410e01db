"""How far a registration may fall back, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hokusai_register.errors import (
    AuthError,
    KeyMissingError,
    LocalStoreError,
    NotTheServiceError,
    RegisterError,
    UnavailableError,
)
from hokusai_register.model import Backend


class Fallback(StrEnum):
    """The input `fallback`."""

    NONE = "none"
    API = "api"
    LOCAL = "local"
    MOCK = "mock"


@dataclass(frozen=True, slots=True)
class Step:
    """Try `backend`, if every step before it failed in one of the ways of `after`."""

    backend: Backend
    after: tuple[type[RegisterError], ...] = ()


# TrustError, ProxyAuthError, RejectedError, UnconfirmedError and IncompleteError are in no row, on
# purpose: a broken trust ends the walk, a refused model must not slip in by another door, and what
# may be there already must not be made a second time. The API is the real registry as MLflow is;
# what comes behind it is a degradation, which only unavailability excuses.
_MLFLOW = Step(Backend.MLFLOW)
_API = Step(Backend.API, after=(UnavailableError, AuthError, NotTheServiceError))

POLICIES: dict[Fallback, tuple[Step, ...]] = {
    Fallback.NONE: (_MLFLOW,),
    Fallback.API: (_MLFLOW, _API),
    Fallback.LOCAL: (_MLFLOW, _API, Step(Backend.LOCAL, after=(UnavailableError,))),
    Fallback.MOCK: (
        _MLFLOW,
        _API,
        Step(Backend.LOCAL, after=(UnavailableError, KeyMissingError)),
        Step(Backend.MOCK, after=(UnavailableError, KeyMissingError, LocalStoreError)),
    ),
}
ONLY_LOCAL = (Step(Backend.LOCAL),)
ONLY_MOCK = (Step(Backend.MOCK),)
REAL = frozenset({Backend.MLFLOW, Backend.API})


def needs_key(steps: Sequence[Step]) -> bool:
    """Whether a missing key is the end of it: nothing behind the registry may take its place."""
    degraded = [step for step in steps if step.backend not in REAL]
    if len(degraded) == len(steps):
        return False
    return not any(issubclass(KeyMissingError, step.after) for step in degraded)


def cause(errors: Sequence[RegisterError]) -> RegisterError:
    """Return the one error that explains a walk which ended in `errors`.

    It is the last one, unless that only says that nobody was there to ask: then what an earlier
    backend said counts more, a refused login most of all.
    """
    last = errors[-1]
    if isinstance(last, UnavailableError | NotTheServiceError):
        for kind in (AuthError, NotTheServiceError):
            said = [error for error in errors if isinstance(error, kind)]
            if said:
                return said[-1]
    return last
