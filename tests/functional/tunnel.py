"""A proxy that carries TLS as CONNECT asks for: to one server, whatever name it is asked for."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from functional.fault_server import Asked
from functional.slow_line import carry


@dataclass
class Tunnel:
    """Where the proxy is, the server behind it, and what it was asked; `status` may refuse."""

    host: str
    upstream: str
    status: int = 200
    asked: list[Asked] = field(default_factory=list)


@contextlib.contextmanager
def tunnel(upstream: str) -> Iterator[Tunnel]:
    """Run a proxy on a free port for as long as the block lasts."""
    listener: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listener.daemon_threads = True
    listener.tunnel = Tunnel(f"127.0.0.1:{listener.server_port}", upstream)
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield listener.tunnel
    finally:
        listener.shutdown()
        listener.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_CONNECT(self) -> None:  # its name
        opened: Tunnel = self.server.tunnel  # type: ignore[attr-defined]  # see `tunnel`
        headers = {name.lower(): value for name, value in self.headers.items()}
        opened.asked.append(Asked(self.command, self.path, headers, b""))
        self.close_connection = True
        self.send_response(opened.status)
        self.end_headers()
        if opened.status == 200:
            target = urlsplit(opened.upstream)
            far = socket.create_connection((str(target.hostname), int(target.port or 443)))
            threading.Thread(target=carry, args=(far, self.connection), daemon=True).start()
            carry(self.connection, far)
