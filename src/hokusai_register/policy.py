"""How far a registration may fall back, as one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hokusai_register.errors import AuthError, NotTheServiceError, RegisterError, UnavailableError
from hokusai_register.model import Backend


class Fallback(StrEnum):
    """The input `fallback`."""

    NONE = "none"
    API = "api"


@dataclass(frozen=True, slots=True)
class Step:
    """Try `backend`; go on to the next step only for the errors in `go_on`."""

    backend: Backend
    go_on: tuple[type[RegisterError], ...] = ()


# TrustError, ProxyAuthError, RejectedError, UnconfirmedError and IncompleteError are in no row, on
# purpose: a broken trust ends the walk, a refused model must not slip in by another door, and what
# may be there already must not be made a second time.
_MLFLOW = Step(Backend.MLFLOW, (UnavailableError, AuthError, NotTheServiceError))

POLICIES: dict[Fallback, tuple[Step, ...]] = {
    Fallback.NONE: (Step(Backend.MLFLOW),),
    Fallback.API: (_MLFLOW, Step(Backend.API)),
}
