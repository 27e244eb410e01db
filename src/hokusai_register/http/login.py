"""Who we are to a service: the headers that say so, and their secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from hokusai_register.model import Secret


@dataclass(frozen=True, slots=True)
class Login:
    """One way to log in. `how` names it to a person; `secrets` are never to be shown."""

    how: str
    headers: Mapping[str, Secret]
    secrets: tuple[Secret, ...]

    @classmethod
    def key(cls, key: Secret) -> Login:
        """A Hokusai key, in both headers that the service reads: they must never differ."""
        headers = {"Authorization": Secret(f"Bearer {key.reveal()}"), "X-API-Key": key}
        return cls("the Hokusai key", headers, (key,))

    @classmethod
    def nobody(cls) -> Login:
        """No login at all, for a server of this machine."""
        return cls("nothing", {}, ())

    @classmethod
    def token(cls, token: Secret) -> Login:
        """A bearer token of the MLflow server's own."""
        return cls(
            "MLFLOW_TRACKING_TOKEN", {"Authorization": Secret(f"Bearer {token.reveal()}")}, (token,)
        )

    @classmethod
    def basic(cls, user: str, password: Secret) -> Login:
        """User name and password (RFC 7617)."""
        pair = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
        return cls(
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
            {"Authorization": Secret(f"Basic {pair}")},
            (password, Secret(pair)),
        )
