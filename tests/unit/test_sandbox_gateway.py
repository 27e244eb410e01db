"""The gateway asks for keys and refuses in the words of the service."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway_bench import BASELINE, SEARCH, Bench, answer

NO_KEY = (401, {"detail": "API key required"})
WRONG_KEY = (401, {"detail": "Invalid or expired API key"})
NOT_ADMIN = (
    403,
    {
        "detail": "Admin access required for the model registry",
        "error": "REGISTRY_ADMIN_REQUIRED",
    },
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, NO_KEY),
        ({"Authorization": "bearer {key}"}, NO_KEY),
        ({"Authorization": "Basic {key}"}, NO_KEY),
        ({"Authorization": "{key}"}, NO_KEY),
        ({"X-API-Key": ""}, NO_KEY),
        ({"Authorization": "Bearer  {key}"}, WRONG_KEY),
        ({"Authorization": "Bearer wrong"}, WRONG_KEY),
        ({"Authorization": "Bearer wrong", "X-API-Key": "{key}"}, WRONG_KEY),
        ({"Authorization": "ApiKey wrong", "X-API-Key": "{key}"}, WRONG_KEY),
        ({"X-API-Key": "{key}x"}, WRONG_KEY),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", SEARCH), ("GET", BASELINE), ("POST", BASELINE)]
)
def test_refuses_without_a_usable_key(
    bench: Bench, headers: dict[str, str], expected: object, method: str, path: str
) -> None:
    key = bench.admin["X-API-Key"]
    sent = {name: value.format(key=key) for name, value in headers.items()}
    response = bench.ask(method, path, headers=sent)
    assert answer(response) == expected
    assert "www-authenticate" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"Authorization": "ApiKey {key}"},
        {"X-API-Key": "{key}"},
        {"X-API-Key": "{key}", "Authorization": "Basic abc"},
        {"X-API-Key": "wrong", "Authorization": "Bearer {key}"},
    ],
)
def test_lets_a_registry_admin_through(bench: Bench, headers: dict[str, str]) -> None:
    key = bench.admin["X-API-Key"]
    sent = {name: value.format(key=key) for name, value in headers.items()}
    assert bench.ask("GET", SEARCH, headers=sent).status_code == 200


def test_takes_no_key_from_the_query(bench: Bench) -> None:
    query = {"api_key": bench.admin["X-API-Key"]}
    assert answer(bench.ask("GET", SEARCH, params=query)) == NO_KEY


def test_refuses_a_revoked_key_at_once(bench: Bench) -> None:
    assert bench.ask("GET", SEARCH, headers=bench.admin).status_code == 200
    bench.keys.revoke(1)
    assert answer(bench.ask("GET", SEARCH, headers=bench.admin)) == WRONG_KEY


def test_the_registry_is_for_admins_only(bench: Bench) -> None:
    writer = {"X-API-Key": bench.keys.create(["model:write", "mlflow:write", "mlflow:access"])}
    for headers in (bench.reader, writer):
        assert answer(bench.ask("GET", SEARCH, headers=headers)) == NOT_ADMIN


@pytest.mark.parametrize("path", ["", "graphql", "static-files/x.js", "versions", "get-artifact"])
def test_only_the_api_is_behind_the_service_path(bench: Bench, path: str) -> None:
    assert answer(bench.ask("GET", f"/api/mlflow/{path}", headers=bench.admin)) == (
        404,
        {
            "error_code": "RESOURCE_NOT_FOUND",
            "message": f"The requested resource was not found: {path}",
        },
    )


def test_an_html_404_becomes_json(bench: Bench) -> None:
    bench.mlflow = lambda _: httpx.Response(404, html="<p>nope")
    expected = {
        "error_code": "RESOURCE_NOT_FOUND",
        "message": "The requested resource was not found: api/2.0/nope",
    }
    response = bench.ask("GET", "/api/mlflow/api/2.0/nope", headers=bench.admin)
    assert answer(response) == (404, expected)
    assert bench.ask("GET", "/mlflow/nope").text == "<p>nope"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/health", (200, {"status": "healthy"})),
        ("GET", "/ready", (200, {"ready": True})),
        ("GET", "/", (404, {"detail": "Not Found"})),
        ("GET", "/api/2.0/mlflow/x", (404, {"detail": "Not Found"})),
        ("POST", "/health", (405, {"detail": "Method Not Allowed"})),
        ("DELETE", BASELINE, (405, {"detail": "Method Not Allowed"})),
    ],
)
def test_the_rest_needs_no_key(bench: Bench, method: str, path: str, expected: object) -> None:
    assert answer(bench.ask(method, path)) == expected


def test_is_not_ready_when_mlflow_fails(bench: Bench) -> None:
    bench.mlflow = lambda _: httpx.Response(500)
    assert answer(bench.ask("GET", "/ready")) == (503, {"ready": False})


@pytest.mark.parametrize("path", ["/api/mlflow", "/mlflow"])
def test_a_slash_is_added_by_redirect(bench: Bench, path: str) -> None:
    response = bench.ask("GET", path)
    assert (response.status_code, response.headers["location"]) == (307, f"http://here{path}/")
