"""The walk through a policy: which failure goes on to the next backend, and which one ends it."""

from __future__ import annotations

import pytest

from fakes import Clock, Registry, model, receipt, subclasses
from hokusai_register.errors import (
    AuthError,
    NotTheServiceError,
    RegisterError,
    UnavailableError,
    UnreachableError,
)
from hokusai_register.model import Backend, Receipt, Status
from hokusai_register.policy import POLICIES, Fallback
from hokusai_register.register import register

GO_ON = (AuthError, NotTheServiceError, UnavailableError, UnreachableError)
ERRORS = subclasses(RegisterError)
M, A = Backend.MLFLOW, Backend.API
OK_M, OK_A = receipt(), receipt(backend=A)


def error(kind: type[RegisterError]) -> RegisterError:
    return kind("it broke", why="it was old", fix="buy another")


# fallback, how each backend ends, status, tried, exit code
TABLE: list[
    tuple[Fallback, Receipt | type[RegisterError], Receipt | type[RegisterError], Status, str, int]
] = [
    *((fallback, OK_M, OK_A, Status.REGISTERED, "mlflow", 0) for fallback in Fallback),
    *((Fallback.NONE, one, OK_A, Status.FAILED, "mlflow", one.exit_code) for one in ERRORS),
    *((Fallback.API, one, OK_A, Status.REGISTERED, "mlflow api", 0) for one in GO_ON),
    *(
        (Fallback.API, one, OK_A, Status.FAILED, "mlflow", one.exit_code)
        for one in ERRORS
        if one not in GO_ON
    ),
    *(
        (Fallback.API, UnreachableError, one, Status.FAILED, "mlflow api", one.exit_code)
        for one in ERRORS
    ),
    (Fallback.API, receipt(created=False), OK_A, Status.ALREADY_REGISTERED, "mlflow", 0),
]


@pytest.mark.parametrize(("fallback", "mlflow", "api", "status", "tried", "code"), TABLE)
def test_a_walk_ends_as_the_table_says(
    fallback: Fallback,
    mlflow: Receipt | type[RegisterError],
    api: Receipt | type[RegisterError],
    status: Status,
    tried: str,
    code: int,
) -> None:
    ends = [one if isinstance(one, Receipt) else error(one) for one in (mlflow, api)]
    backends = {M: Registry(ends[0]), A: Registry(ends[1])}
    report = register(model(), POLICIES[fallback], backends)
    assert (report.status, report.exit_code) == (status, code)
    assert " ".join(attempt.backend for attempt in report.attempts) == tried
    assert tried == " ".join(name for name, one in backends.items() if one.seen)
    last = report.attempts[-1]
    assert report.error is last.error
    assert report.receipt in (None, *ends)


def test_every_fallback_has_a_policy_that_begins_with_mlflow() -> None:
    assert set(POLICIES) == set(Fallback)
    assert all(steps[0].backend is M for steps in POLICIES.values())
    assert all(steps[-1].go_on == () for steps in POLICIES.values()), "the last step goes nowhere"


def test_time_is_measured_by_the_clock_that_is_given() -> None:
    backends = {M: Registry(error(UnreachableError)), A: Registry(OK_A)}
    report = register(model(), POLICIES[Fallback.API], backends, clock=Clock(tick=2.5))
    assert [attempt.seconds for attempt in report.attempts] == [2.5, 2.5]


def test_a_bug_in_a_backend_is_not_taken_for_its_answer() -> None:
    with pytest.raises(KeyError):
        register(model(), POLICIES[Fallback.API], {})
