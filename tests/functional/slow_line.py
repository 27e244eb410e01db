"""A line to a server that gets slow once a connection has carried a given number of bytes."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from contextlib import AbstractContextManager

from functional.relay import relay

FREE = 200_000  # bytes of one connection that pass at once
PIECE = 4096  # bytes


def slow_line(upstream: str) -> AbstractContextManager[str]:
    """Give the origin of a server that reads slowly."""

    def join(near: socket.socket, far: socket.socket) -> None:
        for pair in ((near, far, FREE), (far, near)):
            threading.Thread(target=carry, args=pair, daemon=True).start()

    return relay(upstream, join)


def carry(source: socket.socket, target: socket.socket, free: float = math.inf) -> None:
    """Carry what `source` says to `target`; after `free` bytes, slowly."""
    with contextlib.suppress(OSError), source:
        while data := source.recv(PIECE):
            free -= len(data)
            if free < 0:
                time.sleep(0.2)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
