"""Who we are to a service: the headers that say so, and their secrets."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from hokusai_register.access import KEY, PAIR, SIGV4, TOKEN, AwsKeys, Credentials
from hokusai_register.http.sigv4 import signed
from hokusai_register.model import Secret

# From method, URL, type and SHA-256 of the body to the headers that log this request in.
Sign = Callable[[str, str, str, str], Mapping[str, str]]
WORKSPACE_HEADER = "X-MLFLOW-WORKSPACE"  # MLflow's own


@dataclass(frozen=True, slots=True)
class Login:
    """One way to log in. `how` names it to a person; `secrets` are never to be shown.

    `workspace` is the part of an MLflow server that every request names; blank for none.
    """

    how: str
    secrets: tuple[Secret, ...]
    sign: Sign = field(repr=False)
    workspace: str = ""

    @classmethod
    def of(cls, found: Credentials) -> Login:
        """MLflow's own credentials, the first of them, or else the Hokusai key."""
        makers = {
            TOKEN: lambda: cls.token(found.token),
            PAIR: lambda: cls.basic(found.user, found.password),
            SIGV4: lambda: cls.aws(found.aws),
            KEY: lambda: cls.key(found.key),
        }
        login = next((makers[way]() for way in found.ways), cls.nobody())
        return login.within(found.workspace) if found.workspace else login

    def within(self, workspace: str) -> Login:
        """Return the same login to one workspace of a server."""

        def sign(*request: str) -> Mapping[str, str]:
            return {**self.sign(*request), WORKSPACE_HEADER: workspace}

        return replace(self, sign=sign, workspace=workspace)

    @classmethod
    def key(cls, key: Secret) -> Login:
        """A Hokusai key, in both headers that the service reads: they must never differ."""
        headers = {"Authorization": f"Bearer {key.reveal()}", "X-API-Key": key.reveal()}
        return cls(KEY, (key,), lambda *_: headers)

    @classmethod
    def nobody(cls) -> Login:
        """No login at all, for a server of this machine."""
        return cls("nothing", (), lambda *_: {})

    @classmethod
    def token(cls, token: Secret) -> Login:
        """A bearer token of the MLflow server's own."""
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        return cls(TOKEN, (token,), lambda *_: headers)

    @classmethod
    def basic(cls, user: str, password: Secret) -> Login:
        """User name and password (RFC 7617)."""
        pair = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        return cls(PAIR, (password, Secret(pair)), lambda *_: headers)

    @classmethod
    def aws(cls, keys: AwsKeys) -> Login:
        """A signature of its own for each request."""
        secrets = tuple(filter(None, (Secret(keys.id), keys.secret, keys.session)))
        return cls(SIGV4, secrets, partial(signed, keys))
