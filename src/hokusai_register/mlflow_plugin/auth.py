"""Signs the requests that MLflow makes itself: our key goes to our origin, and nowhere else."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

import requests
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

from hokusai_register.http.login import WORKSPACE_HEADER
from hokusai_register.mlflow_plugin.by_uri import announced

NAME = "hokusai"


class KeyAuth(requests.auth.AuthBase):
    """Signs a prepared request if, and only if, it goes to an origin that we know."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request, signed if it is ours to sign."""
        # AWS knows a blank as %20 only, and to everybody else that is the same as `+`.
        path, mark, query = (request.url or "").partition("?")
        request.url = path + mark + query.replace("+", "%20")
        # A .netrc, a stale user name or another connection's workspace is not us.
        for name in ("Authorization", WORKSPACE_HEADER):
            request.headers.pop(name, None)
        target, digest = urlsplit(request.url), _digest(request.body)
        for connection in announced():
            known = urlsplit(connection.base)
            if (known.scheme, known.netloc) == (target.scheme, target.netloc):
                sign = connection.http.login.sign
                method, kind = request.method or "GET", request.headers.get("Content-Type", "")
                request.headers.update(sign(method, request.url, str(kind), digest))
        request.register_hook("response", _no_redirects)
        return request


class Provider(RequestAuthProvider):  # type: ignore[misc]  # MLflow is not typed here
    """What `MLFLOW_TRACKING_AUTH=hokusai`, or one of our stores, makes MLflow ask."""

    def get_name(self) -> str:
        """Return the provider's name."""
        return NAME

    def get_auth(self) -> KeyAuth:
        """Return the object that signs."""
        return KeyAuth()


def _digest(body: Any) -> str:
    """Return the SHA-256 of a body; one that is read only as it is sent has none yet."""
    if not isinstance(body, (str, bytes, type(None))):
        return "UNSIGNED-PAYLOAD"
    return hashlib.sha256(body.encode() if isinstance(body, str) else body or b"").hexdigest()


def _no_redirects(response: requests.Response, **_: Any) -> None:
    """Keep `requests` from following: it would take X-API-Key to the other host."""
    response.headers.pop("Location", None)
