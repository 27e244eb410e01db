"""Where the SDK works: the remote registry, an MLflow on this machine, or nowhere at all.

Only unavailability leads to this machine. Refused credentials, and whatever else speaks for a
fault in the settings, lead no further than to a simulation, and there only by consent
(`HOKUSAI_OPTIONAL_MLFLOW=true`). What broke trust leads nowhere.
"""

from __future__ import annotations

import warnings
from contextlib import closing, suppress
from dataclasses import dataclass

from hokusai.exceptions import FallbackWarning, translated
from hokusai.settings import Settings
from hokusai_register import keeping
from hokusai_register.checks import is_local_store
from hokusai_register.errors import (
    AuthError,
    KeyMissingError,
    LocalStoreError,
    NotTheServiceError,
    Reason,
    RegisterError,
    UnavailableError,
)
from hokusai_register.http import Login, Network
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.model import Backend
from hokusai_register.registrars.local import LocalFiles
from hokusai_register.registrars.shelf import Shelf

EXCUSES_LOCAL = (UnavailableError, KeyMissingError)
EXCUSES_MOCK = (UnavailableError, AuthError, NotTheServiceError, LocalStoreError)
_EXPERIMENT = "Default"  # every MLflow server has it: a probe that changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the SDK works, and why it is not the remote registry, if it is not.

    `tracking_uri` is its address as people know it, `shelf` what MLflow's client is given; at
    `none` both belong to a registry that refuses us, while the API may still be asked.
    """

    backend: Backend
    tracking_uri: str = ""
    shelf: Shelf | None = None
    error: RegisterError | None = None

    @property
    def connection(self) -> Connection | None:
        """The server, if there is one and not a store in a directory."""
        return self.shelf if isinstance(self.shelf, Connection) else None


def connect(settings: Settings, *, strict: bool = False) -> Place:
    """Find out where to work, by one question to each server; raises what nothing excuses.

    With `strict`, nothing takes the place of the remote registry.
    """
    if settings.mock:
        return Place(backend=Backend.MOCK)
    if is_local_store(settings.tracking_uri) or settings.force_local:
        return _on_this_machine(settings, None)
    try:
        connection = remote(settings)
        probe(connection)
    except RegisterError as error:
        if strict:
            raise
        return _instead(settings, error)
    return Place(backend=Backend.MLFLOW, tracking_uri=settings.tracking_uri, shelf=connection)


def remote(settings: Settings) -> Connection:
    """Return the way to the MLflow server, unopened; raises KeyMissingError or InputError."""
    if not settings.credentials and settings.is_default:
        raise KeyMissingError(
            "there is no key",
            why="HOKUSAI_API_KEY is blank, and nobody called setup(api_key=…)",
            fix="set HOKUSAI_API_KEY, or hand the key to setup() or ModelRegistry()",
        )
    return Connection(settings.tracking_uri, network(settings), Login.of(settings.credentials))


def probe(connection: Connection) -> None:
    """Ask a server one harmless question; raises if it is not there, or does not let us in."""
    with closing(connection):  # the next call opens it again
        connection.probe(_EXPERIMENT)


def network(settings: Settings) -> Network:
    """Return what all exchanges share; they have deadlines of their own, and no common one."""
    return Network(tls=settings.tls)


def _instead(settings: Settings, error: RegisterError) -> Place:
    """Return what may take the place of the registry after `error`, and warn; else raise it."""
    last = error
    if isinstance(error, EXCUSES_LOCAL):
        try:
            place = _on_this_machine(settings, error)
        except RegisterError as problem:
            last = problem
        else:
            _warn(f"working on this machine, with {place.tracking_uri}", error)
            return place
    if settings.optional and isinstance(last, EXCUSES_MOCK):
        _warn("simulating: nothing is stored anywhere", error)
        return Place(backend=Backend.MOCK, error=error)
    if isinstance(error, AuthError) and _may_ask_api(settings, error):
        _warn("only the Hokusai API can be used, for register_baseline_via_api()", error)
        return Place(backend=Backend.NONE, tracking_uri=settings.tracking_uri, error=error)
    raise last


def _may_ask_api(settings: Settings, error: AuthError) -> bool:
    """Whether the API may take the key although the MLflow server refuses us."""
    own = bool(settings.credentials.key) and len(settings.credentials.ways) > 1
    return bool(settings.api_url) and (error.reason is Reason.AUTH_403 or own)


def _on_this_machine(settings: Settings, error: RegisterError | None) -> Place:
    """Return the local MLflow server, if one answers, or else the store in a directory."""
    local = settings.local
    if not is_local_store(settings.tracking_uri):
        # It is asked once only: that nobody answers there is the rule, not a fault.
        server = Connection(local.server, Network(tries=1), Login.nobody())
        with suppress(RegisterError):
            probe(server)
            return Place(
                backend=Backend.LOCAL, tracking_uri=local.server, shelf=server, error=error
            )
    files = LocalFiles(local.database, local.database.parent / "bundles")
    with keeping.disk(local.database.parent):
        files.prepare()
    return Place(backend=Backend.LOCAL, tracking_uri=files.uri, shelf=files, error=error)


def _warn(instead: str, error: RegisterError) -> None:
    told = translated(error)
    message = f"{told.what}; {instead}\nwhy: {told.why}\nfix: {told.fix}"
    warnings.warn(message, FallbackWarning, stacklevel=5)  # whoever called the SDK
