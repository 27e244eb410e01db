"""How many events the service takes in a minute."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

MINUTE: Final = 60.0
EVENTS: Final = 30  # for all keys of one address together


class PerMinute:
    """Lets `most` of each kind through in the minute that the first of them begins."""

    def __init__(self, most: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def passes(self, address: str, path: str) -> bool:
        """Count one more request; whether it is among those that may pass."""
        now = self._clock()
        began, count = self._seen.get((address, path), (-math.inf, 0))
        if now - began >= MINUTE:
            began, count = now, 0
        self._seen[address, path] = began, count + 1
        return count < self._most
