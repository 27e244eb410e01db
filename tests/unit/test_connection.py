"""The artifact root that a server names is taken only if it is on that very server."""

from __future__ import annotations

import pytest

from fakes import KEY
from hokusai_register.errors import Reason, TrustError
from hokusai_register.http import Login, Network
from hokusai_register.mlflow_plugin.connection import ARTIFACTS, Connection
from hokusai_register.model import Secret

BASE = "http://localhost:5000"


@pytest.fixture
def connection() -> Connection:
    return Connection(BASE, Network(), Login.key(Secret(KEY)))


@pytest.mark.parametrize(
    "uri",
    [
        "mlflow-artifacts:/1/abc",
        "mlflow-artifacts://localhost:5000/1/abc",
        f"{BASE}{ARTIFACTS}/1/abc",
    ],
)
def test_a_root_on_the_server_is_a_path(connection: Connection, uri: str) -> None:
    assert connection.artifact_root(uri) == "1/abc"


@pytest.mark.parametrize(
    "uri",
    [
        f"{BASE}.evil.example{ARTIFACTS}/1/abc",
        f"{BASE}0{ARTIFACTS}/1/abc",
        f"https://localhost:5000{ARTIFACTS}/1/abc",
        "mlflow-artifacts://localhost:50000/1/abc",
    ],
)
def test_a_root_that_only_begins_like_the_server_is_refused(
    connection: Connection, uri: str
) -> None:
    with pytest.raises(TrustError) as caught:
        connection.artifact_root(uri)
    assert caught.value.reason is Reason.PROTOCOL
