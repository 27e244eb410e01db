"""A line to a server that gets slow once a connection has carried a given number of bytes."""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

FREE = 200_000  # bytes of one connection that pass at once
PIECE = 4096  # bytes


@contextlib.contextmanager
def slow_line(upstream: str) -> Iterator[str]:
    """Give the origin of a server that reads slowly."""
    target = urlsplit(upstream)
    address = (str(target.hostname), int(target.port or 80))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                far = socket.create_connection(address)
                for pair in ((near, far, FREE), (far, near)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def carry(source: socket.socket, target: socket.socket, free: float = math.inf) -> None:
    """Carry what `source` says to `target`; after `free` bytes, slowly."""
    with contextlib.suppress(OSError), source:
        while data := source.recv(PIECE):
            free -= len(data)
            if free < 0:
                time.sleep(0.2)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
