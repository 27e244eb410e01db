"""The sandbox's front door: keys, error bodies and paths as the Hokusai service has them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final, cast

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from hokusai_register.sandbox import body, event_body
from hokusai_register.sandbox.baselines import Baselines, VersionExistsError
from hokusai_register.sandbox.database import KeyReusedError
from hokusai_register.sandbox.direct import is_read
from hokusai_register.sandbox.events import Events
from hokusai_register.sandbox.forward import mirror, relay, send
from hokusai_register.sandbox.keys import Key, Keys
from hokusai_register.sandbox.limit import EVENTS

MAX_BODY: Final = 1024 * 1024

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_THROUGH_THE_SERVICE = ("api/", "ajax-api/")
_NOT_ADMIN = {
    "detail": "Admin access required for the model registry",
    "error": "REGISTRY_ADMIN_REQUIRED",
}
_TOO_MANY = {"error": f"Rate limit exceeded: {EVENTS} per 1 minute"}
_NOT_EMITTED = "Failed to emit model registration event"
_OTHER_BODY = "Idempotency-Key was used with another body"
_NO_SUCH_PAGE = """<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server.</p>
"""


class Json(JSONResponse):
    """JSON in ASCII: half a surrogate pair that a client sent must not break the answer."""

    def render(self, content: Any) -> bytes:
        """Return `content` in bytes."""
        return json.dumps(content, separators=(",", ":")).encode()


class Gateway:
    """The endpoints, over the stores and a client of MLflow."""

    def __init__(
        self,
        *,
        keys: Keys,
        baselines: Baselines,
        events: Events,
        upstream: httpx.AsyncClient,
        hosts: Collection[str] = (),
    ) -> None:
        self._keys, self._baselines, self._events = keys, baselines, events
        self._upstream, self._hosts = upstream, hosts

    async def registry(self, request: Request) -> Response:
        """Let a registry admin through to MLflow."""
        key = await self._authenticate(request)
        if not key.opens_registry:
            return Json(_NOT_ADMIN, 403)
        path = request.path_params["rest"].lstrip("/")
        if path == "version" or path.startswith(_THROUGH_THE_SERVICE):
            answer = await send(request, self._upstream, "/api/mlflow/")
            if not _is_html_404(answer):
                return relay(answer)
            await answer.aclose()
        message = f"The requested resource was not found: {path}"
        return Json({"error_code": "RESOURCE_NOT_FOUND", "message": message}, 404)

    async def direct(self, request: Request) -> Response:
        """Let anybody read MLflow, and see its page."""
        if self._hosts and request.url.hostname not in self._hosts:
            # A web page whose name was pointed at this machine must not read without a key.
            raise HTTPException(403, "Invalid Host header")
        path = request.path_params["rest"].lstrip("/")
        if path.startswith("api/"):
            return HTMLResponse(_NO_SUCH_PAGE, 404)
        if not is_read(request.method, path):
            raise HTTPException(403, "This path only reads; write through /api/mlflow with a key")
        return relay(await send(request, self._upstream, "/mlflow/"))

    async def record(self, request: Request) -> Response:
        """Store a baseline."""
        key = await self._paying(request)
        if not key.may_write:
            raise HTTPException(403, "Insufficient permissions for this operation")
        parsed = body.parse(await _read(request))
        if isinstance(parsed, list):
            return Json({"detail": [problem.as_json() for problem in parsed]}, 422)
        idempotency_key = request.headers.get("idempotency-key") or None
        try:
            recorded = await run_in_threadpool(self._baselines.record, parsed, idempotency_key)
        except KeyReusedError as error:
            raise HTTPException(422, _OTHER_BODY) from error
        except VersionExistsError as error:
            raise HTTPException(409, str(error)) from error
        return Json(recorded.answer, 200 if recorded.replayed else 201, _again(recorded.replayed))

    async def baselines(self, request: Request) -> Response:
        """List baselines."""
        await self._paying(request)
        found = await run_in_threadpool(self._baselines.find, request.query_params)
        return Json({"baselines": found})

    async def announce(self, request: Request) -> Response:
        """Take an event; the order of the checks is the service's: JSON, scope, fields, limit."""
        key = await self._paying(request, events=1)
        try:
            given = event_body.decoded(await _read(request))
        except ValueError:
            return Json({"detail": event_body.malformed()}, 422)
        if not key.may_write:
            raise HTTPException(403, "Insufficient permissions for model registration events")
        try:
            parsed = event_body.parse(given)
        except event_body.NotANumberError:
            return PlainTextResponse("Internal Server Error", 500)
        if isinstance(parsed, list):
            return Json({"detail": parsed}, 422)
        address = request.client.host if request.client else ""
        if not self._events.limit.passes(address, request.url.path):
            return Json(_TOO_MANY, 429)
        idempotency_key = request.headers.get("idempotency-key") or None
        if not await mirror(parsed, event_body.MIRRORED, self._upstream):
            raise HTTPException(502, _NOT_EMITTED)
        try:
            delivered = await run_in_threadpool(self._events.record, parsed, idempotency_key)
        except KeyReusedError as error:
            raise HTTPException(422, _OTHER_BODY) from error
        if not delivered.emitted:
            raise HTTPException(502, _NOT_EMITTED)
        return Json(event_body.answer(parsed), 200, _again(delivered.replayed))

    async def events(self, request: Request) -> Response:
        """List events; only a sandbox does."""
        await self._paying(request)
        return Json({"events": await run_in_threadpool(self._events.find, request.query_params)})

    async def ready(self, _request: Request) -> Response:
        """Say whether MLflow answers."""
        try:
            answer = await self._upstream.get("/health", timeout=5)
        except httpx.TransportError:
            return Json({"ready": False}, 503)
        return Json({"ready": answer.is_success}, 200 if answer.is_success else 503)

    async def _authenticate(self, request: Request) -> Key:
        presented = _presented(request)
        if not presented:
            raise HTTPException(401, "API key required")
        key = await run_in_threadpool(self._keys.find, presented)
        if key is None:
            raise HTTPException(401, "Invalid or expired API key")
        return key

    async def _paying(self, request: Request, events: int = 0) -> Key:
        """Return the key, once it has paid; what is beside the registry wants a balance."""
        key = await self._authenticate(request)
        if not await run_in_threadpool(self._keys.pay, key.id, events):
            raise HTTPException(402, "Insufficient balance")
        return key


def build(gateway: Gateway) -> Starlette:
    """Return the application that serves `gateway`."""
    baseline = "/api/v1/models/baseline"
    event = "/models/tokenized-registration-events"
    events = [
        route
        for path in (event, f"/api{event}")
        for route in (Route(path, gateway.announce, methods=["POST"]), Route(path, gateway.events))
    ]
    return Starlette(
        routes=[
            Route("/health", _health),
            Route("/ready", gateway.ready),
            Route(baseline, gateway.record, methods=["POST"]),
            Route(baseline, gateway.baselines),
            *events,
            Route("/api/mlflow/{rest:path}", gateway.registry, methods=_METHODS),
            Route("/mlflow/{rest:path}", gateway.direct, methods=_METHODS),
        ],
        exception_handlers={HTTPException: _refusal, ClientDisconnect: _nobody_listens},
    )


def _again(replayed: bool) -> dict[str, str]:  # noqa: FBT001  # it is what the header says
    return {"Idempotent-Replayed": "true"} if replayed else {}


def _presented(request: Request) -> str:
    authorization = request.headers.get("authorization", "")
    for scheme in ("Bearer ", "ApiKey "):  # the service wants this case and this one space
        if authorization.startswith(scheme):
            return authorization.removeprefix(scheme)
    return request.headers.get("x-api-key", "")


async def _read(request: Request) -> bytes:
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > MAX_BODY:
            raise HTTPException(413, "Request body too large")
    return bytes(read)


def _is_html_404(answer: httpx.Response) -> bool:
    kind = answer.headers.get("content-type", "")
    return answer.status_code == httpx.codes.NOT_FOUND and kind.startswith("text/html")


async def _health(_request: Request) -> Response:
    return Json({"status": "healthy"})


async def _refusal(_request: Request, error: Exception) -> Response:
    refused = cast("HTTPException", error)  # Starlette's type of a handler knows no narrower one
    return Json({"detail": refused.detail}, refused.status_code, refused.headers)


async def _nobody_listens(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)
