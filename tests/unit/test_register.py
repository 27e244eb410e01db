"""The walk through a policy: which failure lets which backend be tried, and which one ends it."""

from __future__ import annotations

import pytest

from fakes import Clock, Registry, model, receipt, subclasses
from hokusai_register.errors import (
    AuthError,
    KeyMissingError,
    LocalStoreError,
    NotTheServiceError,
    RegisterError,
    RejectedError,
    TrustError,
    UnavailableError,
    UnconfirmedError,
    UnreachableError,
)
from hokusai_register.model import Backend, Receipt, Status
from hokusai_register.policy import POLICIES, Fallback, cause
from hokusai_register.register import register

GO_ON = (AuthError, KeyMissingError, NotTheServiceError, UnavailableError, UnreachableError)
ERRORS = subclasses(RegisterError)
ALL = tuple(Fallback)
End = Receipt | type[RegisterError]
M, A, L, K = Backend.MLFLOW, Backend.API, Backend.LOCAL, Backend.MOCK
OK_M, OK_A, OK_L, OK_K = (receipt(backend=backend) for backend in (M, A, L, K))
DOWN, NO_KEY, DISK = UnreachableError, KeyMissingError, LocalStoreError
DEGRADED = (Fallback.LOCAL, Fallback.MOCK)


def error(kind: type[RegisterError]) -> RegisterError:
    return kind("it broke", why="it was old", fix="buy another")


# how MLflow, the API and this machine end; the fallbacks; status, tried, exit code
TABLE: list[tuple[End, End, End, tuple[Fallback, ...], Status, str, int]] = [
    (OK_M, OK_A, OK_L, ALL, Status.REGISTERED, "mlflow", 0),
    (receipt(created=False), OK_A, OK_L, ALL, Status.ALREADY_REGISTERED, "mlflow", 0),
    *((e, OK_A, OK_L, (Fallback.NONE,), Status.FAILED, "mlflow", e.exit_code) for e in ERRORS),
    *((e, OK_A, OK_L, ALL[1:], Status.REGISTERED, "mlflow api", 0) for e in GO_ON),
    *((e, OK_A, OK_L, ALL, Status.FAILED, "mlflow", e.exit_code) for e in ERRORS if e not in GO_ON),
    (DOWN, DOWN, OK_L, (Fallback.API,), Status.FAILED, "mlflow api", 1),
    (DOWN, DOWN, OK_L, DEGRADED, Status.REGISTERED_LOCAL, "mlflow api local", 0),
    (UnavailableError, DOWN, OK_L, DEGRADED, Status.REGISTERED_LOCAL, "mlflow api local", 0),
    # Only unavailability degrades: whatever else was said on the way, nobody is asked after it.
    *(
        (first, second, OK_L, DEGRADED, Status.FAILED, "mlflow api", code)
        for first, second, code in (
            (AuthError, DOWN, 3),
            (DOWN, AuthError, 3),
            (AuthError, AuthError, 3),
            (NotTheServiceError, DOWN, 1),
            (AuthError, NotTheServiceError, 3),
            (DOWN, RejectedError, 1),
            (DOWN, TrustError, 1),
            (DOWN, UnconfirmedError, 1),
        )
    ),
    (NO_KEY, NO_KEY, OK_L, (Fallback.API, Fallback.LOCAL), Status.FAILED, "mlflow api", 3),
    (NO_KEY, NO_KEY, OK_L, (Fallback.MOCK,), Status.REGISTERED_LOCAL, "mlflow api local", 0),
    (DOWN, DOWN, DISK, (Fallback.LOCAL,), Status.FAILED, "mlflow api local", 1),
    (DOWN, DOWN, DISK, (Fallback.MOCK,), Status.SIMULATED, "mlflow api local mock", 0),
    (DOWN, DOWN, RejectedError, (Fallback.MOCK,), Status.FAILED, "mlflow api local", 1),
]


@pytest.mark.parametrize(
    ("mlflow", "api", "local", "fallback", "status", "tried", "code"),
    [(*row[:3], fallback, *row[4:]) for row in TABLE for fallback in row[3]],
)
def test_a_walk_ends_as_the_table_says(
    mlflow: End,
    api: End,
    local: End,
    fallback: Fallback,
    status: Status,
    tried: str,
    code: int,
) -> None:
    ends = [one if isinstance(one, Receipt) else error(one) for one in (mlflow, api, local)]
    backends = {M: Registry(ends[0]), A: Registry(ends[1]), L: Registry(ends[2]), K: Registry(OK_K)}
    report = register(model(), POLICIES[fallback], backends)
    assert (report.status, report.exit_code) == (status, code)
    assert " ".join(attempt.backend for attempt in report.attempts) == tried
    assert tried == " ".join(name for name, one in backends.items() if one.seen)
    assert report.receipt in (None, *ends, OK_K)


@pytest.mark.parametrize(
    ("said", "index"),
    [
        ((DOWN, DOWN), 1),
        ((AuthError, DOWN), 0),
        ((AuthError, NotTheServiceError), 0),
        ((DOWN, NotTheServiceError), 1),
        ((NotTheServiceError, DOWN), 0),
        ((NotTheServiceError, AuthError), 1),
        ((AuthError, UnconfirmedError), 1),
        ((AuthError, TrustError), 1),
        ((DOWN, DOWN, DISK), 2),
    ],
)
def test_the_cause_is_what_was_said_not_who_was_silent(
    said: tuple[type[RegisterError], ...], index: int
) -> None:
    errors = [error(kind) for kind in said]
    assert cause(errors) is errors[index]


def test_a_degraded_success_names_why_it_is_one() -> None:
    backends = {M: Registry(error(DOWN)), A: Registry(error(DOWN)), L: Registry(OK_L)}
    report = register(model(), POLICIES[Fallback.LOCAL], backends)
    assert report.reason == DOWN("x", why="y", fix="z").reason


def test_a_dry_run_registers_nothing_anywhere() -> None:
    backends = {M: Registry(error(DOWN)), A: Registry(OK_A)}
    report = register(model(), POLICIES[Fallback.API], backends, dry_run=True)
    assert report.status is Status.SKIPPED
    assert report.receipt is None
    assert not any(backend.seen for backend in backends.values())


def test_a_dry_run_that_finds_something_wrong_fails() -> None:
    report = register(
        model(), POLICIES[Fallback.API], {M: Registry(error(TrustError))}, dry_run=True
    )
    assert (report.status, report.exit_code) == (Status.FAILED, 1)


def test_every_fallback_has_a_policy_that_begins_with_mlflow() -> None:
    assert set(POLICIES) == set(Fallback)
    assert all(steps[0].backend is M for steps in POLICIES.values())
    assert all(step.after for steps in POLICIES.values() for step in steps[1:])


def test_time_is_measured_by_the_clock_that_is_given() -> None:
    backends = {M: Registry(error(UnreachableError)), A: Registry(OK_A)}
    report = register(model(), POLICIES[Fallback.API], backends, clock=Clock(tick=2.5))
    assert [attempt.seconds for attempt in report.attempts] == [2.5, 2.5]


def test_a_bug_in_a_backend_is_not_taken_for_its_answer() -> None:
    with pytest.raises(KeyError):
        register(model(), POLICIES[Fallback.API], {})
