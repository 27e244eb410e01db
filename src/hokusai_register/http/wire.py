"""Below HTTP: wall-clock deadlines on every socket operation, and which proxy.

A socket timeout starts anew with every byte, so a server that drips one byte at a time never trips
it; a deadline does.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import httpcore

from hokusai_register.access import Tls
from hokusai_register.checks import is_loopback
from hokusai_register.errors import InputError
from hokusai_register.http.tls import is_misnamed, names


def proxy_for(origin: str) -> str | None:
    """Return the proxy that the environment names for `origin`, by `urllib.request`'s rules."""
    target = urlsplit(origin)
    # A proxy would look for loopback on its own machine, and plain http shows it the key.
    if is_loopback(origin) or proxy_bypass(target.netloc.rpartition("@")[2]):
        return None
    proxies = getproxies()
    proxy = (proxies.get(target.scheme) or proxies.get("all") or "").strip()
    if not proxy:
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # not shown: it may hold a password
        raise InputError(
            "the proxy cannot be used",
            why=f"what the environment names as proxy for {target.netloc} is no http or https URL; "
            "SOCKS is not supported",
            fix="name an http proxy in HTTPS_PROXY, or put the host into NO_PROXY",
        )
    return proxy


class Wall(threading.local):
    """Until when the exchange of this thread may go on, in seconds of the monotonic clock."""

    until = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound everything that this thread sends and receives inside the block."""
        before, self.until = self.until, min(self.until, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.until = before

    def cap(self, timeout: float | None) -> float:
        """Return the seconds that one operation may take; never 0, which means: do not wait."""
        left = max(self.until - time.monotonic(), 0.001)
        return left if timeout is None else min(timeout, left)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections whose every operation ends at the wall.

    `tls` is for looking again at a certificate that has another name; not to be had behind a proxy.
    """

    def __init__(self, wall: Wall, tls: Tls | None = None) -> None:
        self.wall, self.tls = wall, tls
        self.stopped = threading.Event()
        self._backend = httpcore.SyncBackend()
        self._open: WeakSet[_DeadlineStream] = WeakSet()
        self._opening = threading.Lock()

    def stop(self) -> None:
        """Break off what any thread sends or receives, and open nothing any more."""
        with self._opening:
            self.stopped.set()
            for stream in self._open:
                stream.break_off()

    def opened(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Return a new connection, bounded."""
        bounded = _DeadlineStream(stream, self)
        with self._opening:
            self._open.add(bounded)
            if self.stopped.is_set():
                bounded.break_off()
        return bounded

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to `host`: each of its addresses gets a share of the time."""
        until = time.monotonic() + self.wall.cap(timeout)
        addresses = _resolved(host, port, until)
        for left in range(len(addresses), 0, -1):
            share = max((until - time.monotonic()) / left, 0.001)
            try:
                stream = self._backend.connect_tcp(
                    addresses[-left], port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
                continue
            return self.opened(stream)
        raise httpcore.ConnectError(f"{host} has no address")


def _resolved(host: str, port: int, until: float) -> list[str]:
    """Return the addresses of `host`; a name server that says nothing cannot stop us."""
    found: list[str] = []
    failed: list[OSError] = [socket.gaierror(socket.EAI_AGAIN, "the name server said nothing")]

    def resolve() -> None:
        try:
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append(str(address[0]))
        except OSError as error:
            failed.append(error)
        except UnicodeError as error:  # no name that DNS could have
            failed.append(socket.gaierror(socket.EAI_NONAME, str(error)))

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(max(until - time.monotonic(), 0))
    addresses = list(dict.fromkeys(found))
    if addresses:
        return addresses
    try:  # the pool cuts off causes, and leaves contexts
        raise failed[-1]
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._stream, self._backend = stream, backend
        self._wall, self._tls = backend.wall, backend.tls

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._wall.until <= time.monotonic():
            raise httpcore.ReadTimeout("the deadline has passed")
        return self._stream.read(max_bytes, self._wall.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._wall.until <= time.monotonic():
            raise httpcore.WriteTimeout("the deadline has passed")
        # What is left of a view after each partial write is a view again, and no copy.
        self._stream.write(cast("bytes", memoryview(buffer)), self._wall.cap(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        address = self._stream.get_extra_info("server_addr")
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, self._wall.cap(timeout))
        except httpcore.ConnectError as error:
            if self._tls and is_misnamed(error.__cause__):
                seconds = self._wall.cap(timeout)
                error.__cause__.add_note(names(self._tls, address, server_hostname, seconds))
            raise
        return self._backend.opened(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def break_off(self) -> None:
        """End what another thread waits for here: closing a socket would not wake it up."""
        line = self.get_extra_info("socket")
        with suppress(OSError):  # it is closed already
            socket.socket.shutdown(line, socket.SHUT_RDWR)  # not the one of TLS, which says goodbye
