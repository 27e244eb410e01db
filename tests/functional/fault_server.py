"""A server that misbehaves by a script, or a proxy that does so in front of a real one."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

DRIP = 0.2  # seconds between two bytes
PIECE = 1 << 16
_OWN = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered. `forward`: only after the real server has done its part."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    forward: bool = False
    edit: Callable[[bytes], bytes] | None = None  # of the real server's answer
    reset: bool = False  # instead of an answer
    hang: float = 0.0  # seconds before the answer
    cut: int | None = None  # bytes of the body after which it hangs up
    drip: str = ""  # "headers" or "body", one byte at a time


def as_json(value: object, status: int = 200, **headers: str) -> Reply:
    """Return a reply in JSON."""
    return Reply(status=status, headers=headers, body=json.dumps(value).encode())


Script = Callable[[Asked], Reply | None]
FORWARD = Reply(forward=True)


def on(text: str, reply: Reply, times: int = 10**6) -> Script:
    """Return a script that answers the first requests which `text` is part of."""
    left = [times]

    def script(asked: Asked) -> Reply | None:
        if text not in str(asked) or not left[0]:
            return None
        left[0] -= 1
        return reply

    return script


@dataclass
class FaultServer:
    """What it was asked, and the script that it answers by; without a word of it: 404, or pass."""

    url: str
    upstream: str = ""
    script: Script = lambda _: None
    early: Script = lambda _: None  # the answer to a request of which half the body has come
    pace: float = 0.0  # seconds for each 64 KiB of a body
    as_asked: bool = False  # the real server hears the host that we were asked as: it was signed
    hidden: frozenset[str] = frozenset()  # headers in lower case that the real server never gets
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def reply(self, asked: Asked) -> Reply:
        """Return what the script says."""
        self.asked.append(asked)
        return self.script(asked) or (FORWARD if self.upstream else Reply(status=404))

    def seen(self, text: str) -> list[Asked]:
        """Return the requests that `text` is part of, such as `PUT` or `runs/create`."""
        return [asked for asked in self.asked if text in str(asked)]

    def forward(self, asked: Asked) -> Reply:
        """Return the real server's answer."""
        target = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(target.netloc, timeout=60)
        with contextlib.closing(connection):
            hidden = {"connection", *self.hidden, *([] if self.as_asked else ["host"])}
            kept = {n: v for n, v in asked.headers.items() if n not in hidden}
            path = re.sub("^http://[^/]*", "", asked.path)  # a proxy is asked with the host
            connection.request(asked.method, path, asked.body, kept)
            answer = connection.getresponse()
            told = {n: v for n, v in answer.getheaders() if n.lower() not in _OWN}
            return Reply(status=answer.status, headers=told, body=answer.read())


@contextlib.contextmanager
def faulty(
    script: Script | None = None, upstream: str = "", tls: ssl.SSLContext | None = None
) -> Iterator[FaultServer]:
    """Run a server on a free port for as long as the block lasts."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    listener.daemon_threads = True
    if tls:  # shaken hands with in the thread of the connection
        listener.socket = tls.wrap_socket(
            listener.socket, server_side=True, do_handshake_on_connect=False
        )
    scheme = "https" if tls else "http"
    started: Any = FaultServer(f"{scheme}://127.0.0.1:{listener.server_port}", upstream)
    started.script = script or started.script
    listener.faults = started  # type: ignore[attr-defined]  # how a handler finds it
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield started
    finally:
        listener.shutdown()
        listener.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.faults.connections += 1

    @property
    def faults(self) -> FaultServer:
        found: FaultServer = self.server.faults  # type: ignore[attr-defined]  # see `faulty`
        return found

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def handle_one_request(self) -> None:
        with contextlib.suppress(OSError):  # the other end gave up on us, rightly
            super().handle_one_request()
            return
        self.close_connection = True

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if early := self.faults.early(Asked(self.command, self.path, headers, b"")):
            self.rfile.read(length // 2)
            self.close_connection = True
            self._write(early)
            return
        asked = Asked(self.command, self.path, headers, self._body(length))
        reply = self.faults.reply(asked)
        if reply.forward:
            real = self.faults.forward(asked)
            if reply == FORWARD:
                reply = real
            elif reply.edit:
                kept = {**real.headers, **reply.headers}
                reply = Reply(status=real.status, headers=kept, body=reply.edit(real.body))
        time.sleep(reply.hang)
        self._write(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815  # their names

    def _body(self, length: int) -> bytes:
        if not self.faults.pace:
            return self.rfile.read(length)
        taken = bytearray()
        while piece := self.rfile.read(min(PIECE, length - len(taken))):
            taken += piece
            time.sleep(self.faults.pace)
        return bytes(taken)

    def _write(self, reply: Reply) -> None:
        whole = reply.cut is None and not reply.reset and not reply.drip
        self.close_connection = not whole
        if reply.reset:
            # No lingering: what is closed now is reset, not ended.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        length = {"Content-Length": str(len(reply.body))} if reply.status != 204 else {}
        head = {"Content-Type": "application/json", **length, **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{n}: {v}" for n, v in head.items())]
        start = "\r\n".join([*lines, "", ""]).encode()
        self._send(start, drip=reply.drip == "headers")
        self._send(reply.body[: reply.cut], drip=reply.drip == "body")

    def _send(self, data: bytes, *, drip: bool) -> None:
        for piece in [data[n : n + 1] for n in range(len(data))] if drip else [data]:
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(DRIP if drip else 0)
