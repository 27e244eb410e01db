"""Hands a request on to MLflow and its answer back, both as streams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import httpx
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

READ_TIMEOUT: Final = 30.0

_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    }
)
# Credentials are for the gateway only. MLflow compares Origin with its own port, not with the
# gateway's. `Expect` is answered here; who is at the other end is for the gateway to say.
_NOT_FOR_MLFLOW = _HOP_BY_HOP | {
    *("authorization", "x-api-key", "cookie", "host", "origin", "expect"),
    *("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
}
_NOT_FOR_CLIENTS = _HOP_BY_HOP | {"date", "server"}  # the gateway sends its own

_Headers = list[tuple[bytes, bytes]]


def client(mlflow_url: str) -> httpx.AsyncClient:
    """Return the client of MLflow; it follows no redirects and obeys no proxy variables."""
    # MLflow hangs up after 5 idle seconds; a connection kept as long would sometimes be dead.
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2)
    return httpx.AsyncClient(
        base_url=mlflow_url, timeout=READ_TIMEOUT, limits=limits, trust_env=False
    )


async def send(request: Request, upstream: httpx.AsyncClient, prefix: str) -> httpx.Response:
    """Send `request` to MLflow without `prefix` in its path; the answer's body is still to come."""
    # Made by hand: the client's own default headers are not the caller's.
    outgoing = httpx.Request(
        request.method,
        _target(request, upstream.base_url, prefix),
        headers=_headers_for_mlflow(request),
        content=request.stream() if _has_body(request) else None,
    )
    try:
        return await upstream.send(outgoing, stream=True)
    except httpx.TimeoutException as error:
        detail = f"MLflow server request timeout after {READ_TIMEOUT}s"
        raise HTTPException(504, detail) from error
    except httpx.TransportError as error:
        raise HTTPException(502, "Failed to connect to MLflow server") from error


async def mirror(
    event: Mapping[str, str], names: Iterable[str], upstream: httpx.AsyncClient
) -> bool:
    """Set these fields of an event as tags of its version and its run; say whether all took."""
    about = {"name": event["model_name"], "version": event["version"]}
    for name in (name for name in names if name in event):
        tag = {"key": f"hokusai.{name}", "value": event[name]}
        run = {"run_id": event["mlflow_run_id"]}
        for path, what in (("model-versions/set-tag", about), ("runs/set-tag", run)):
            answer = await upstream.post(f"/api/2.0/mlflow/{path}", json={**what, **tag})
            if not answer.is_success:
                return False
    return True


def relay(answer: httpx.Response) -> Response:
    """Return MLflow's answer as it is, encoded or not; its body is passed on as it comes."""
    response = StreamingResponse(
        answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
    )
    response.raw_headers = _without(answer.headers.raw, _NOT_FOR_CLIENTS)
    return response


def _target(request: Request, base: httpx.URL, prefix: str) -> httpx.URL:
    raw: bytes = request.scope["raw_path"]
    if not raw.startswith(prefix.encode()):  # an escaped letter in the prefix: nobody writes that
        raise HTTPException(404)
    path = b"/" + raw.removeprefix(prefix.encode()).lstrip(b"/")
    query: bytes = request.scope["query_string"]
    return base.copy_with(raw_path=path + b"?" + query if query else path)


def _headers_for_mlflow(request: Request) -> _Headers:
    kept = _without(request.headers.raw, _NOT_FOR_MLFLOW)
    peer = request.client.host if request.client else ""
    kept = [(name, value) for name, value in kept if not name.startswith(b"x-hokusai-")]
    # MLflow opens some of its paths to this machine only, and believes a proxy on it.
    return [*kept, (b"x-forwarded-for", peer.encode())]


def _without(headers: Iterable[tuple[bytes, bytes]], dropped: Iterable[str]) -> _Headers:
    lowered = [(name.lower(), value) for name, value in headers]
    named = b",".join(value for name, value in lowered if name == b"connection")
    unwanted = {name.encode() for name in dropped}
    unwanted |= {name.strip().lower() for name in named.split(b",")}
    return [(name, value) for name, value in lowered if name not in unwanted]


def _has_body(request: Request) -> bool:
    return "content-length" in request.headers or "transfer-encoding" in request.headers
