"""A line to a server on which each round trip takes longer, and that counts and times them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from functional.relay import relay

PIECE = 1 << 18  # bytes


@dataclass
class Line:
    """Where it begins, how many requests have gone over it, and how long that took, in seconds.

    `idle` is what passed from each `begin` to the first request, `waited` the time in which any
    request had no answer.
    """

    url: str
    delay: float  # that a round trip takes longer
    requests: int = 0
    idle: list[float] = field(default_factory=list)
    waited: float = 0.0
    _begun: float = 0.0
    _since: float = 0.0
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Take note that a program starts."""
        self._begun = time.perf_counter()

    def ask(self) -> None:
        """Take note of a request."""
        with self._lock:
            now = time.perf_counter()
            if not self._open:
                self._since = now
            if self._begun:
                self.idle.append(now - self._begun)
                self._begun = 0.0
            self._open += 1
            self.requests += 1

    def answer(self) -> None:
        """Take note that one is answered, or will never be."""
        with self._lock:
            self._open -= 1
            if not self._open:
                self.waited += time.perf_counter() - self._since


@contextlib.contextmanager
def line(upstream: str, delay: float = 0.0) -> Iterator[Line]:
    """Open a line to a server for as long as the block lasts."""
    opened = Line("", delay)
    with relay(upstream, lambda near, far: _Connection(opened, near, far).start()) as opened.url:
        yield opened


class _Connection:
    """One connection, on which questions and answers alternate."""

    def __init__(self, opened: Line, near: socket.socket, far: socket.socket) -> None:
        self.line, self.near, self.far = opened, near, far
        self.asking = False
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for carry in (self._ask, self._answer):
            threading.Thread(target=carry, daemon=True).start()

    def _ask(self) -> None:
        time.sleep(self.line.delay)  # opening a connection is a round trip, too
        with contextlib.suppress(OSError):
            while data := self.near.recv(PIECE):
                if not self.asking:
                    self.asking = True
                    self.line.ask()
                    time.sleep(self.line.delay)
                self.far.sendall(data)
        with contextlib.suppress(OSError):
            self.far.shutdown(socket.SHUT_WR)

    def _answer(self) -> None:
        with self.near, self.far:
            with contextlib.suppress(OSError):
                while data := self.far.recv(PIECE):
                    self._end()
                    self.near.sendall(data)
            self._end()
            # Else `_ask` waits for good for somebody who keeps the connection open.
            with contextlib.suppress(OSError):
                self.near.shutdown(socket.SHUT_RDWR)

    def _end(self) -> None:
        if self.asking:
            self.asking = False
            self.line.answer()
