"""Signs the requests that MLflow makes itself: our key goes to our origin, and nowhere else."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

from hokusai_register.mlflow_plugin.connection import announced

NAME = "hokusai"


class KeyAuth(requests.auth.AuthBase):
    """Signs a prepared request if, and only if, it goes to an origin that we know."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request, signed if it is ours to sign."""
        target = urlsplit(request.url or "")
        request.headers.pop("Authorization", None)  # a .netrc, or a stale user name, is not us
        for connection in announced():
            known = urlsplit(connection.base)
            if (known.scheme, known.netloc) == (target.scheme, target.netloc):
                for name, value in connection.http.login.headers.items():
                    request.headers[name] = value.reveal()
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


def _no_redirects(response: requests.Response, **_: Any) -> None:
    """Keep `requests` from following: it would take X-API-Key to the other host."""
    response.headers.pop("Location", None)
