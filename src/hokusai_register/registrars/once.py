"""Each thing is made once: after a doubtful answer it is looked for before it is made again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from hokusai_register.errors import (
    Reason,
    RegisterError,
    RejectedError,
    UnavailableError,
    UnconfirmedError,
)
from hokusai_register.registrars.calls import causes, quiet

T = TypeVar("T")

# What a server says to whoever comes second: there is such a thing; or, where its database was the
# first to notice, that this cannot be; or that what was to be removed is not there.
TAKEN = frozenset({Reason.CONFLICT})
RACED = frozenset({Reason.CONFLICT, Reason.INVALID, Reason.NOT_FOUND})

TRIES = 3
SETTLE = 1.0  # seconds that a doubtful write gets to appear before it is looked for


class Once:
    """Makes things at `host`, each of them once."""

    def __init__(self, host: str, sleep: Callable[[float], None]) -> None:
        self._host = host
        self._sleep = sleep

    def __call__(
        self,
        make: Callable[[], T],
        find: Callable[[], T | None],
        raced: Collection[Reason] = TAKEN,
        name_of: Callable[[T], str] | None = None,
    ) -> T:
        """Do one thing. A doubt is settled by looking, and only a clear 'no' does it again.

        `raced` are the refusals that may only mean that another job was faster; `name_of` tells
        what was made, which a senseless answer leaves blank.
        """
        for attempt in range(1, TRIES + 1):
            try:
                with causes(), quiet():
                    made = make()
                if name_of is None or name_of(made):
                    return made
                raise _nameless(self._host)
            except RejectedError as error:
                if error.reason not in raced:
                    raise
                doubt: RegisterError = error
            except UnconfirmedError as error:
                doubt = error
                self._sleep(SETTLE * attempt)
            found = self._found(find, doubt)
            if found is not None:
                return found
            if doubt.reason is Reason.CONFLICT and attempt < TRIES:
                self._sleep(SETTLE * attempt)  # it is there, and shows late
        raise doubt

    def _found(self, find: Callable[[], T | None], doubt: RegisterError) -> T | None:
        """Look; who cannot be asked any more leaves the doubt as it was."""
        try:
            with causes():
                return find()
        except UnavailableError:
            if isinstance(doubt, UnconfirmedError):
                raise doubt from None
            raise


def _nameless(host: str) -> UnconfirmedError:
    # MLflow's client takes an answer of `{}` for a thing whose fields are all blank.
    return UnconfirmedError(
        f"{host} took the request, and its answer makes no sense",
        why="what it says that it made has no id",
        fix="run the job again: it looks first for what this run may have made",
    )
