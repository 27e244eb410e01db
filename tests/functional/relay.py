"""A place on loopback that leads to a server: what happens on the way is the caller's."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit


@contextlib.contextmanager
def relay(upstream: str, join: Callable[[socket.socket, socket.socket], object]) -> Iterator[str]:
    """Give the origin of the place; `join` gets both ends of each connection, and soon returns."""
    target = urlsplit(upstream)
    address = (str(target.hostname), int(target.port or 80))
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def accept() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                join(near, socket.create_connection(address))

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
