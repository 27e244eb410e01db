"""How far a long work is: one line drawn anew at a terminal, one line each 30 s elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 30.0  # seconds between two lines of a log
REDRAW = 0.1  # seconds between two drawings at a terminal


class Progress:
    """Counts bytes that are hashed or sent, and says now and then how many there were."""

    def __init__(
        self,
        say: Callable[[str], None],
        every: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._every, self._clock = say, every, clock
        self._total = self._done = 0
        self._began = self._told = clock()

    def start(self, total: int) -> None:
        """Begin with the first of `total` bytes."""
        self._total, self._done = total, 0
        self._began = self._told = self._clock()

    def add(self, size: int) -> None:
        """Count `size` more bytes; fewer than none when some have to be sent again."""
        self._done += size
        now = self._clock()
        if now - self._told >= self._every:
            self._told = now
            self._say(self._line(now))

    def _line(self, now: float) -> str:
        rate = self._done / max(now - self._began, 1e-9)
        share = 100 * self._done // max(self._total, 1)
        amount = f"{self._done / 1e6:,.1f} of {self._total / 1e6:,.1f} MB"
        return f"{share:3d} %  {amount}, {rate / 1e6:,.1f} MB/s"
