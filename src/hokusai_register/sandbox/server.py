"""Runs the sandbox: MLflow behind the gateway, until somebody stops it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Final

import httpx
import uvicorn

from hokusai_register.sandbox.baselines import Baselines
from hokusai_register.sandbox.child import MLflow
from hokusai_register.sandbox.events import Events
from hokusai_register.sandbox.forward import client
from hokusai_register.sandbox.gateway import Gateway, build
from hokusai_register.sandbox.keys import Keys
from hokusai_register.sandbox.limit import EVENTS, PerMinute
from hokusai_register.sandbox.place import Place

START_LIMIT: Final = 120.0

_POLL = 0.1
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `serve`, which has MLflow to stop, too."""
        yield


async def serve(
    place: Place,
    listener: socket.socket,
    mlflow: MLflow,
    announce: Callable[[], None],
    *,
    limited: bool = False,
) -> int:
    """Serve until SIGINT, SIGTERM or the end of MLflow; return the exit code."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with client(mlflow.url) as upstream:
        if await _answers(mlflow, upstream, stopped):
            limit = PerMinute(EVENTS if limited else math.inf)
            server = _server(place, listener, upstream, limit)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            announce()
            while not (stopped.is_set() or serving.done() or mlflow.exit_code() is not None):
                await _pause(stopped)
            server.should_exit = True
            await serving
    return 0 if stopped.is_set() else _failed(mlflow)


def _server(
    place: Place, listener: socket.socket, upstream: httpx.AsyncClient, limit: PerMinute
) -> uvicorn.Server:
    host = listener.getsockname()[0]
    gateway = Gateway(
        keys=Keys(place.keys),
        baselines=Baselines(place.baselines),
        events=Events(place.events, limit),
        upstream=upstream,
        hosts=_HERE | {host} if ipaddress.ip_address(host).is_loopback else (),
    )
    return _Uvicorn(
        uvicorn.Config(
            build(gateway),
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            # The addresses of the connections are the truth; no proxy stands in front.
            proxy_headers=False,
            # Longer than clients keep idle connections: else one is closed while they write.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=3,
        )
    )


async def _answers(mlflow: MLflow, upstream: httpx.AsyncClient, stopped: asyncio.Event) -> bool:
    clock = asyncio.get_running_loop().time
    deadline = clock() + START_LIMIT
    while not stopped.is_set() and mlflow.exit_code() is None and clock() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if (await upstream.get("/health", timeout=1)).is_success:
                return True
        await _pause(stopped)
    return False


async def _pause(stopped: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopped.wait(), _POLL)


def _failed(mlflow: MLflow) -> int:
    code = mlflow.exit_code()
    what = f"does not answer after {START_LIMIT:.0f} s" if code is None else f"ended with {code}"
    print(f"MLflow {what}; the end of {mlflow.log}:\n{mlflow.log_end()}", file=sys.stderr)
    return 1
