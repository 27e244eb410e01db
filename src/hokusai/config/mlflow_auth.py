"""How to log in to MLflow: what is handed in, or what the environment says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from hokusai.exceptions import ours
from hokusai.places import probe, remote
from hokusai.settings import Given, Settings, forget, remember, settings
from hokusai_register.checks import is_local_store
from hokusai_register.http import Login
from hokusai_register.mlflow_plugin import ambient
from hokusai_register.mlflow_plugin.by_uri import announce
from hokusai_register.model import Secret


class AuthStatus(TypedDict):
    """How MLflow is logged in to: `auth_type` is token, basic, aws_sigv4, mtls or none.

    `method` says the same in words; a Hokusai key goes out as a token. `is_configured`: there is
    a login.
    """

    tracking_uri: str
    auth_type: str
    method: str
    is_remote: bool
    is_configured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MLflowAuthConfig:
    """A login to one MLflow server; blank fields are left to the environment.

    Paths are PEM files. Neither the password nor the token is ever shown.
    """

    tracking_uri: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    aws_sigv4: bool = False
    client_cert_path: str = ""
    client_key_path: str = ""
    ca_bundle_path: str = ""
    insecure_tls: bool = False

    def given(self) -> Given:
        """Return this as what a program handed in."""
        return Given(
            tracking_uri=self.tracking_uri,
            username=self.username,
            password=Secret(self.password.strip()),
            token=Secret(self.token.strip()),
            aws_sigv4=self.aws_sigv4,
            client_cert_path=self.client_cert_path,
            client_key_path=self.client_key_path,
            ca_bundle_path=self.ca_bundle_path,
            insecure_tls=self.insecure_tls,
        )

    def validate(self) -> None:
        """Ask the server one harmless question.

        Raises MLflowAuthenticationError (401, 403), MLflowConnectionError or ConfigurationError.
        """
        _validate(settings(self.given()))


def setup_mlflow_auth(
    tracking_uri: str | None = None,
    username: str | None = None,
    password: str | None = None,
    token: str | None = None,
    *,
    validate: bool = True,
    aws_sigv4: bool = False,
    client_cert_path: str | None = None,
    client_key_path: str | None = None,
    ca_bundle_path: str | None = None,
    insecure_tls: bool = False,
) -> MLflowAuthConfig:
    """Log in to MLflow for this whole process, plain MLflow calls included.

    What is not given, the environment says; without any login the Hokusai key is used. With
    `validate`, the server is asked once, and nothing is changed unless it lets us in: raises
    MLflowAuthenticationError (401, 403), MLflowConnectionError or ConfigurationError. Sets
    MLFLOW_TRACKING_URI to an address with our scheme, and no other variable; `reset_mlflow_auth`
    takes it back. In mock mode no server is asked and no variable set.
    """
    config = MLflowAuthConfig(
        tracking_uri=tracking_uri or "",
        username=username or "",
        password=password or "",
        token=token or "",
        aws_sigv4=aws_sigv4,
        client_cert_path=client_cert_path or "",
        client_key_path=client_key_path or "",
        ca_bundle_path=ca_bundle_path or "",
        insecure_tls=insecure_tls,
    )
    found = settings(config.given())
    if not found.mock:
        _use(found, validate=validate)
    remember(config.given())
    return config


def reset_mlflow_auth() -> None:
    """Forget what `setup` and the other setup functions were told; plain MLflow calls too."""
    forget()
    ambient.restore()


def get_mlflow_auth_status() -> AuthStatus:
    """Return how MLflow would be logged in to now; asks nobody. Raises ConfigurationError."""
    found = settings()
    kind = _auth_type(found)
    remote_server = not is_local_store(found.tracking_uri)
    return AuthStatus(
        tracking_uri=found.tracking_uri,
        auth_type=kind,
        method=Login.of(found.credentials).how,
        is_remote=remote_server,
        is_configured=kind != "none",
    )


def _auth_type(found: Settings) -> str:
    credentials = found.credentials
    kinds = {
        "token": credentials.token,
        "basic": credentials.user and credentials.password,
        "aws_sigv4": credentials.aws.secret,
        "key": credentials.key,
        "mtls": found.tls.client_cert,
    }
    kind = next((name for name, there in kinds.items() if there), "none")
    return "token" if kind == "key" else kind  # the key goes out as a bearer token


def _use(found: Settings, *, validate: bool) -> None:
    """Let plain MLflow calls go where `found` says, once the server has let us in."""
    if is_local_store(found.tracking_uri):
        ambient.point(found.tracking_uri)
        return
    with ours():
        connection = remote(found)
        if validate:
            probe(connection)
    announce(connection)
    ambient.point(connection.uri)


def _validate(found: Settings) -> None:
    if found.mock or is_local_store(found.tracking_uri):
        return
    with ours():
        probe(remote(found))
