"""What the SDK goes by: what the program handed in, over what the environment says, checked.

The only place of the SDK that reads the environment; nothing here changes it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from hokusai.exceptions import configuring
from hokusai_register import access, sections
from hokusai_register.access import Credentials, Tls
from hokusai_register.fields import DEFAULT_TRACKING_URI
from hokusai_register.mlflow_plugin import ambient
from hokusai_register.model import Provenance, Secret
from hokusai_register.paths import Roots
from hokusai_register.provenance import provenance
from hokusai_register.reader import Reader
from hokusai_register.sections import LocalStore

NOTHING = Secret("")
_LOGINS = (access.TOKEN, access.USER, access.PASSWORD, access.SIGV4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a program hands in itself; what is blank here, the environment says."""

    api_key: Secret = NOTHING
    api_endpoint: str = ""
    tracking_uri: str = ""
    username: str = ""
    password: Secret = NOTHING
    token: Secret = NOTHING
    aws_sigv4: bool = False
    client_cert_path: str = ""
    client_key_path: str = ""
    ca_bundle_path: str = ""
    insecure_tls: bool = False
    force_local: bool = False

    @property
    def has_login(self) -> bool:
        """Whether a login of the MLflow server's own is given: one takes the place of all."""
        return bool(self.token or self.username or self.aws_sigv4)

    def over(self, below: Given) -> Given:
        """Return what is given here, and for what is blank here what is given `below`."""
        if self.has_login:
            below = replace(below, token=NOTHING, username="", password=NOTHING, aws_sigv4=False)
        names = [field.name for field in fields(self)]
        return Given(**{name: getattr(self, name) or getattr(below, name) for name in names})

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables with ours in their place."""
        dropped = _LOGINS if self.has_login else ()
        kept = {name: value for name, value in environ.items() if name not in dropped}
        # What we have set there ourselves is no wish of the user's.
        kept["MLFLOW_TRACKING_URI"] = ambient.wanted()
        mine = {
            access.TOKEN: self.token.reveal(),
            access.USER: self.username,
            access.PASSWORD: self.password.reveal(),
            access.SIGV4: "true" if self.aws_sigv4 else "",
            "MLFLOW_TRACKING_CLIENT_CERT_PATH": self.client_cert_path,
            "MLFLOW_TRACKING_CLIENT_KEY_PATH": self.client_key_path,
            "MLFLOW_TRACKING_CA_BUNDLE_PATH": self.ca_bundle_path,
        }
        return kept | {name: value for name, value in mine.items() if value}

    def raw(self) -> dict[str, str]:
        """Return the rest as the engine's inputs."""
        return {
            "api-key": self.api_key.reveal(),
            "api-url": self.api_endpoint,
            "tracking-uri": self.tracking_uri,
            "insecure-tls": "true" if self.insecure_tls else "",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is gone by. `api_url` is the API's origin, blank if nothing says where it is."""

    tracking_uri: str
    api_url: str
    credentials: Credentials
    tls: Tls
    local: LocalStore
    force_local: bool
    mock: bool
    optional: bool
    provenance: Provenance

    @property
    def origin(self) -> str:
        """The registry's origin, as it enters the idempotency key."""
        return sections.origin(self.tracking_uri)

    @property
    def is_default(self) -> bool:
        """Whether the tracking URI is the Hokusai service's own, which nobody enters unknown."""
        known = self.tracking_uri == DEFAULT_TRACKING_URI
        return known or self.tracking_uri.endswith("/api/mlflow")


def settings(given: Given | None = None) -> Settings:
    """Return what to go by now: `given`, what `remember` was told, the environment, in this order.

    Raises ConfigurationError, which tells about all problems at once.
    """
    wanted = (given or Given()).over(_process.given)
    environ = wanted.environ(os.environ)
    roots = Roots(Path.cwd())
    reader = Reader(wanted.raw(), environ, roots)
    with configuring():
        tracking_uri, api_url = sections.addresses(reader)
        found = Settings(
            tracking_uri=tracking_uri,
            api_url=api_url,
            credentials=access.credentials(reader),
            tls=access.tls(reader, (tracking_uri, api_url)),
            local=sections.local(reader, tracking_uri, environ, roots),
            force_local=wanted.force_local,
            mock=reader.flag("HOKUSAI_MOCK_MODE"),
            optional=reader.flag("HOKUSAI_OPTIONAL_MLFLOW"),
            provenance=provenance(environ),
        )
        reader.complain(None)
    return found


class _Process:
    """What `setup` and `setup_mlflow_auth` were told, for the whole process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.given = Given()


_process = _Process()


def remember(given: Given) -> None:
    """Let `given` count from now on, for everything that is not handed in again."""
    with _process.lock:
        _process.given = given.over(_process.given)


def forget() -> None:
    """Let the environment alone count again."""
    with _process.lock:
        _process.given = Given()
