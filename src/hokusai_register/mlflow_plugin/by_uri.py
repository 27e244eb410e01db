"""Under which URI MLflow finds which connection: one of this run, or of the environment."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from hokusai_register import access, checks
from hokusai_register.artifact import Roots
from hokusai_register.errors import AuthError, Reason
from hokusai_register.http import Login, Network
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.reader import Reader

_LOG = logging.getLogger(__name__)
_announced: dict[str, Connection] = {}
_made: dict[tuple[object, ...], Connection] = {}


def announce(connection: Connection) -> None:
    """Let MLflow find `connection` under its URI; the key stays out of the environment."""
    _announced[connection.uri] = connection


def forget(uri: str) -> None:
    """Let MLflow find nothing any more under this URI, and close what was open."""
    if connection := _announced.pop(uri, None):
        connection.close()


def announced() -> list[Connection]:
    """Return the connections that MLflow may use."""
    return [*_announced.values(), *_made.values()]


def connection_for(uri: str) -> Connection:
    """Return the connection behind a `hokusai+http(s)://` URI: announced, or of the environment.

    What the environment says now counts: a key may be renewed while the process lives.
    """
    return _announced.get(uri) or _of_the_environment(uri)


def _of_the_environment(uri: str) -> Connection:
    """Return the connection that the variables of the command line make too."""
    reader = Reader({"tracking-uri": uri}, os.environ, Roots(Path.cwd()))
    address = reader.get("tracking-uri", checks.tracking_uri, "")
    if why := checks.in_the_clear(address):
        reader.problem("tracking-uri", why)
    tls, login = access.tls(reader, [address]), access.credentials(reader)
    reader.complain(None if login else _no_login(address))
    # No connection may be used on both sides of a fork.
    mine = (uri, tls, login, os.getpid())
    if mine not in _made:
        connection = Connection(address, Network(tls=tls), Login.of(login))
        connection.probe("Default")
        for remark in access.remarks(login):
            _LOG.warning("%s: %s", connection.host, remark)
        _made[mine] = connection
    return _made[mine]


def _no_login(address: str) -> AuthError:
    return AuthError(
        "there is no key for this registry",
        why=f"HOKUSAI_API_KEY is not set, and {address} lets nobody in without a login",
        fix="set HOKUSAI_API_KEY to a key of the service",
        reason=Reason.KEY_MISSING,
    )
