"""Walk a policy: try one backend after the other, and stop at the first clear answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from hokusai_register.errors import Reason, RegisterError
from hokusai_register.model import (
    UNANNOUNCED,
    Attempt,
    Backend,
    Model,
    Receipt,
    Report,
    Skipped,
)
from hokusai_register.policy import Step, cause


class Watcher(Protocol):
    """Somebody who wants to see how it goes."""

    def step(self, text: str) -> None:
        """Hear what comes next."""
        ...

    def begins(self, total: int) -> None:
        """Hear that `total` bytes are going to be hashed, or sent."""
        ...

    def advances(self, size: int) -> None:
        """Hear that `size` more bytes are done, or that fewer are: from any thread."""
        ...


class Registrar(Protocol):
    """A place that can register a model."""

    def register(self, model: Model, tried: Sequence[Attempt]) -> Receipt:
        """Register `model` and read it back, or raise a `RegisterError`; never anything else."""
        ...

    def check(self, model: Model) -> tuple[str, ...]:
        """Write nothing: say what `register` would do, or raise what it would raise."""
        ...


def register(
    model: Model,
    policy: tuple[Step, ...],
    registrars: Mapping[Backend, Registrar],
    *,
    dry_run: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Try the steps of `policy` in order and report what each of them said."""
    attempts: list[Attempt] = []
    errors: list[RegisterError] = []
    for step in policy:
        if not all(isinstance(error, step.after) for error in errors):
            break
        began = clock()
        receipt: Receipt | None = None
        skipped: Skipped | None = None
        try:
            if dry_run:
                found = registrars[step.backend].check(model)
                skipped = Skipped(Reason.DRY_RUN, (*found, *_unannounced(model, step.backend)))
            else:
                receipt = registrars[step.backend].register(model, tuple(attempts))
        except RegisterError as error:
            errors.append(error)
            attempts.append(Attempt(step.backend, clock() - began, error))
        else:
            attempts.append(Attempt(step.backend, clock() - began))
            return Report(model=model, attempts=tuple(attempts), receipt=receipt, skipped=skipped)
    return Report(model=model, attempts=tuple(attempts), error=cause(errors))


def _unannounced(model: Model, backend: Backend) -> tuple[str, ...]:
    """Say that a tokenized registration would end where none is announced from."""
    if model.token is None or backend is Backend.MLFLOW:
        return ()
    return (f"would not announce the token {model.token.id}: {UNANNOUNCED[backend]}",)
