"""A gateway on a bench: between a caller and a made-up MLflow, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from hokusai_register.sandbox.baselines import Baselines
from hokusai_register.sandbox.events import Events
from hokusai_register.sandbox.gateway import Gateway, build
from hokusai_register.sandbox.keys import Keys

SEARCH = "/api/mlflow/api/2.0/mlflow/experiments/search"
BASELINE = "/api/v1/models/baseline"


def echo(request: httpx.Request) -> httpx.Response:
    """Answer with what arrived at MLflow."""
    return httpx.Response(
        200,
        json={
            "method": request.method,
            "target": request.url.raw_path.decode(),
            "headers": dict(request.headers),
            "body": request.content.decode(),
        },
    )


class Bench:
    """A gateway between a caller and a made-up MLflow."""

    def __init__(self, directory: Path) -> None:
        self.keys = Keys(directory / "keys.db")
        self.baselines = Baselines(directory / "baselines.db")
        self.events = Events(directory / "events.db")
        self.mlflow: Callable[[httpx.Request], httpx.Response] = echo
        self.hosts = frozenset({"here"})
        self.admin = {"X-API-Key": self.keys.create(["registry:admin", "model:write"])}
        self.reader = {"X-API-Key": self.keys.create(["model:read"])}

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request through the gateway."""
        return asyncio.run(self._ask(method, path, options))

    async def _ask(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        def mlflow(request: httpx.Request) -> httpx.Response:
            made = self.mlflow(request)  # its body is read already; over a wire it would not be
            return httpx.Response(made.status_code, headers=made.headers, stream=made.stream)

        transport = httpx.MockTransport(mlflow)
        async with httpx.AsyncClient(transport=transport, base_url="http://mlflow") as upstream:
            gateway = Gateway(
                keys=self.keys,
                baselines=self.baselines,
                events=self.events,
                upstream=upstream,
                hosts=self.hosts,
            )
            door = httpx.ASGITransport(build(gateway))
            async with httpx.AsyncClient(transport=door, base_url="http://here") as caller:
                return await caller.request(method, path, **options)


def answer(response: httpx.Response) -> tuple[int, Any]:
    """Return what is compared most: the status and the JSON."""
    return response.status_code, response.json()
