"""When a step must be over; a cancelled one is over sooner."""

from __future__ import annotations

import math
import time


class Deadline:
    """A point on the monotonic clock that can be drawn nearer; without `seconds` it never comes."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left; negative once it has passed."""
        return self._until - time.monotonic()

    def at_most(self, seconds: float) -> None:
        """Leave no more than `seconds` from now."""
        self._until = min(self._until, time.monotonic() + seconds)
