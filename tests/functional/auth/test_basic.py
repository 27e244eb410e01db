"""User name and password, against MLflow's own basic-auth app."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from functional.runner import Result, Runner
from functional.servers import mlflow_server
from functional.sinks import leaks
from hokusai_register.access import KEY, PAIR, TOKEN

ADMIN = ("admin", "made-up-Admin-Passw0rd")
USERS = {
    "me lanie": "pa:ss word+%-made-up",
    "eve": "made-up-Passw0rd-of-eve",
    "mélanie": "made-up-Pässwörd",
}
CONFIG = """[mlflow]
default_permission = READ
database_uri = sqlite:///{}/basic_auth.db
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("basic-auth")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[str]:
    """A server that lets nobody in but its users, who may write only what is their own."""
    config = place / "basic_auth.ini"
    config.write_text(CONFIG.format(place))
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN[0],
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "made-up",
    }
    arguments = ("--app-name", "basic-auth")
    with mlflow_server(Path(sys.executable), place, *arguments, **variables) as url:
        for name, password in USERS.items():
            users = f"{url}/api/2.0/mlflow/users/create"
            body = {"username": name, "password": password}
            httpx.post(users, json=body, auth=ADMIN, trust_env=False).raise_for_status()
        yield url


@pytest.fixture
def job(runner: Runner, server: str) -> Runner:
    """A job that knows the server, and not yet who it is."""
    runner.inputs |= {"tracking-uri": server, "api-url": "", "api-key": ""}
    return runner


def login(name: str, password: str = "") -> dict[str, str]:
    password = password or USERS[name]
    return {"MLFLOW_TRACKING_USERNAME": name, "MLFLOW_TRACKING_PASSWORD": password}


def shown(result: Result, name: str, *places: Path) -> list[str]:
    """Return where a password is, or the pair that is sent."""
    pair = base64.b64encode(f"{name}:{USERS[name]}".encode()).decode()
    return leaks(USERS[name], result, *places) + leaks(pair, result, *places)


def test_registers_and_a_stranger_may_not_add_to_it(job: Runner, place: Path) -> None:
    result = job.action(environ=login("me lanie"))
    assert result.said("registered", "ok", "mlflow")
    assert shown(result, "me lanie", place, job.workspace) == []
    assert job.action(environ=login("me lanie")).said("already-registered", "ok", "mlflow")
    result = job.action(environ=login("eve"), version="v2")
    assert result.said("failed", "auth-403", "none")
    assert result.exit_code == 3
    assert "HTTP 403: Permission denied" in result.errors[0]
    assert f"the login was {PAIR}" in result.errors[0]
    assert shown(result, "eve", place, job.workspace) == []


@pytest.mark.parametrize(
    ("environ", "hokusai", "how"),
    [
        (login("eve", "made-up-Wrong-Passw0rd"), "", PAIR),
        (login("eve") | {TOKEN: "made-up-token-of-nobody"}, "", TOKEN),
        ({}, "hk_live_made_up_and_unknown_here", KEY),
        (login("eve") | {"MLFLOW_TRACKING_PASSWORD": ""}, "hk_live_made_up_and_unknown", KEY),
    ],
    ids=["wrong password", "token", "key", "no password"],
)
def test_refused(job: Runner, environ: dict[str, str], hokusai: str, how: str) -> None:
    result = job.action(environ=environ, api_key=hokusai)
    assert result.said("failed", "auth-401", "none")
    assert result.exit_code == 3
    assert "HTTP 401: " in result.errors[0]
    assert f"the login was {how}, and it asks for a Basic login" in result.errors[0]
    given = (hokusai, environ.get(TOKEN), environ.get("MLFLOW_TRACKING_PASSWORD"))
    secret = next(filter(None, given))
    assert leaks(secret, result, job.workspace) == []


def test_what_the_server_cannot_read_is_said(job: Runner) -> None:
    """The same server takes letters beyond ASCII for runs, and refuses them for uploads."""
    result = job.action(environ=login("mélanie"))
    assert result.said("failed", "auth-401", "none")
    assert "MLflow 3 answers 401 to uploads with such a login" in result.summary
    assert shown(result, "mélanie", job.workspace) == []


def test_without_a_login_nobody_is_asked(job: Runner) -> None:
    result = job.action(environ={"MLFLOW_TRACKING_USERNAME": "eve"})
    assert result.said("failed", "key-missing", "none")
    assert (
        "MLFLOW_TRACKING_USERNAME is not used, since MLFLOW_TRACKING_PASSWORD" in result.errors[0]
    )
