"""A job that is cancelled gets five seconds: close what is open, say so, and be gone.

GitHub sends SIGINT, SIGTERM 7.5 s later, and then forgets the container: what still runs there runs
on. A container's first process ignores signals that it has no handler for.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from hokusai_register.deadline import Deadline
from hokusai_register.errors import CancelledError

GRACE = 3.0  # seconds to close what is open
LIMIT = 4.5  # seconds after which nothing is waited for any more, threads and libraries included
SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_held: list[int] = []


def hold() -> None:
    """Remember a signal that comes before anybody listens: a `Cancellation` answers it at once."""
    for number in SIGNALS:
        signal.signal(number, lambda came, _: _held.append(came))


class Cancelled(BaseException):
    """Raised where the program is when the signal comes; no `except Exception` may stop it."""

    def __init__(self, error: CancelledError) -> None:
        super().__init__(error.what)
        self.error = error


class Cancellation:
    """Listens for signals while its `with` block runs; afterwards they change nothing any more."""

    def __init__(self, publish: Callable[[CancelledError], object]) -> None:
        self.deadline = Deadline()
        self._publish = publish
        self._listening = False
        self._heard: CancelledError | None = None
        self._said = threading.Lock()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on) for number in SIGNALS}
        self._listening = True
        if _held:
            self._on(_held[0], None)
        return self

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> None:
        self._listening = False
        # Some modules make an ImportError of whatever comes while they are imported.
        if failure and self._heard and not isinstance(failure, Cancelled):
            raise Cancelled(self._heard) from failure

    def release(self) -> None:
        """Put back what listened to the signals before; nothing that would end us is left."""
        self._said.acquire(blocking=False)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def last_word(self) -> bool:
        """Whether the caller may publish: only one report is the last one."""
        return self._said.acquire(blocking=False)

    def _on(self, number: int, _: FrameType | None) -> None:
        if not self._listening:
            return  # we are leaving already
        self._listening = False
        self._heard = error = _cancelled(number)
        self.deadline.at_most(GRACE)
        timer = threading.Timer(LIMIT, self._leave, (error,))
        timer.daemon = True
        timer.start()
        raise Cancelled(error)

    def _leave(self, error: CancelledError) -> None:
        if self.last_word():
            try:
                self._publish(error)
            finally:
                os._exit(error.exit_code)


def _cancelled(number: int) -> CancelledError:
    error = CancelledError(
        "the step was cancelled",
        why=f"it was sent {signal.Signals(number).name}",
        fix="run the job again: it looks first for what this one may have made",
    )
    error.exit_code = 128 + number
    return error
