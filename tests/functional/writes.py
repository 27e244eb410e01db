"""The writes of a registration, counted on their way: what is done to each of them forgets none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from functional.fault_server import Asked, Reply


@dataclass
class Writes:
    """A proxy's script: `fault` answers the write number `at`, and `gone` whatever comes after."""

    at: int = 0  # the first is 1; 0 is none
    fault: Callable[[], Reply] = Reply
    gone: Reply | None = None
    seen: list[str] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Reply | None:
        """Return what the proxy answers; None lets the request pass."""
        with self._counting:
            lost = self.gone if 0 < self.at <= len(self.seen) else None
            # MLflow searches with POST, too.
            if asked.method == "GET" or asked.path.endswith("/search"):
                return lost
            self.seen.append(str(asked))
            hit = len(self.seen) == self.at
        return self.fault() if hit else lost
