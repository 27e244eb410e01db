"""The direct path reads MLflow without a key, and never writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_bench import SEARCH, Bench
from hokusai_register.sandbox.direct import READING_POSTS, is_read


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("path", sorted(READING_POSTS))
def test_the_direct_path_lets_reading_posts_through(bench: Bench, path: str) -> None:
    assert bench.ask("POST", f"/mlflow/{path}", content="{}").json()["body"] == "{}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "ajax-api/2.0/mlflow/runs/create"),
        ("POST", "ajax-api/2.0/mlflow/runs/search/"),
        ("POST", "ajax-api/2.0/mlflow/runs/create?x=/runs/search"),
        ("POST", "ajax-api/2.0/mlflow/runs/search/../create"),
        ("POST", "ajax-api/2.0/mlflow/runs/search%2F..%2Fcreate"),
        ("POST", "graphql/x"),
        ("PUT", "ajax-api/2.0/mlflow-artifacts/artifacts/x"),
        ("PATCH", "ajax-api/2.0/mlflow/registered-models/update"),
        ("DELETE", "ajax-api/2.0/mlflow/runs/search"),
        ("OPTIONS", "ajax-api/2.0/mlflow/runs/search"),
    ],
)
def test_the_direct_path_refuses_writes(bench: Bench, method: str, path: str) -> None:
    response = bench.ask(method, f"/mlflow/{path}", headers=bench.admin)
    assert response.status_code == 403
    assert set(response.json()) == {"detail"}


def test_head_is_a_read() -> None:
    assert is_read("HEAD", "ajax-api/2.0/mlflow/runs/get")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["api/2.0/mlflow/runs/search", "/api/3.0/x", "%61pi/2.0/x"])
def test_the_clients_path_is_not_on_the_direct_side(bench: Bench, method: str, path: str) -> None:
    response = bench.ask(method, f"/mlflow/{path}", headers=bench.admin)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


def test_the_direct_path_wants_a_host_of_this_machine(bench: Bench) -> None:
    strange = {"Host": "rebound.example"}
    assert bench.ask("GET", "/mlflow/", headers=strange).status_code == 403
    assert bench.ask("GET", SEARCH, headers=strange | bench.admin).status_code == 200
    bench.hosts = frozenset()
    assert bench.ask("GET", "/mlflow/", headers=strange).status_code == 200
