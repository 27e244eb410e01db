"""Walk a policy: try one backend after the other, and stop at the first clear answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from hokusai_register.errors import RegisterError
from hokusai_register.model import Attempt, Backend, Model, Receipt, Report
from hokusai_register.policy import Step


class Watcher(Protocol):
    """Somebody who wants to see how it goes."""

    def step(self, text: str) -> None:
        """Hear what comes next."""
        ...

    def sending(self, total: int) -> None:
        """Hear that an upload of `total` bytes begins."""
        ...

    def sent(self, size: int) -> None:
        """Hear that `size` more bytes left this machine."""
        ...


class Registrar(Protocol):
    """A place that can register a model."""

    def register(self, model: Model) -> Receipt:
        """Register `model` and read it back, or raise a `RegisterError`; never anything else."""
        ...


def register(
    model: Model,
    policy: tuple[Step, ...],
    registrars: Mapping[Backend, Registrar],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Try the steps of `policy` in order and report what each of them said."""
    attempts: list[Attempt] = []
    stopped_by: RegisterError | None = None
    for step in policy:
        began = clock()
        try:
            receipt = registrars[step.backend].register(model)
        except RegisterError as error:
            attempts.append(Attempt(step.backend, clock() - began, error))
            stopped_by = error
            if not isinstance(error, step.go_on):
                break
        else:
            attempts.append(Attempt(step.backend, clock() - began))
            return Report(model=model, attempts=tuple(attempts), receipt=receipt)
    return Report(model=model, attempts=tuple(attempts), error=stopped_by)
