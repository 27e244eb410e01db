"""Looks again at what a registry may show late: its store, or a replica of its database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from hokusai_register.errors import Reason, RejectedError, UnconfirmedError

T = TypeVar("T")

PAUSES = (0.0, 1.0, 2.0)  # seconds before each look
PATIENCE = 30.0  # seconds after which nothing is looked at again


def patiently(look: Callable[[], T], *unseen: Reason) -> T:
    """Return what `look` does, in the end; it needs, or looks at, what was made a moment ago.

    `unseen` is what is said of that as long as it does not show.
    """
    for _ in looks():
        try:
            return look()
        except (RejectedError, UnconfirmedError) as error:
            if error.reason not in unseen:
                raise
            late = error
    raise late


def looks() -> Iterator[None]:
    """Yield once for each look, after its pause; whoever sees what is right stops asking."""
    began = time.monotonic()
    for pause in PAUSES:
        time.sleep(pause)
        if time.monotonic() - began > PATIENCE:
            return
        yield
