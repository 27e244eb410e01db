"""A request reaches MLflow as it was sent, less what is not for MLflow; so does its answer."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from gateway_bench import SEARCH, Bench, answer
from hokusai_register.sandbox.forward import client


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_hands_on_method_path_query_and_body(bench: Bench, method: str) -> None:
    path = "/api/2.0/mlflow-artifacts/artifacts/1/x%231%20%2F.bin?k=1&k=2&q=%2B"
    body = "" if method in {"GET", "OPTIONS"} else "body"
    response = bench.ask(method, f"/api/mlflow{path}", headers=bench.admin, content=body)
    arrived = response.json()
    assert (arrived["method"], arrived["target"], arrived["body"]) == (method, path, body)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/mlflow/api/3.0/mlflow/x", "/api/3.0/mlflow/x"),
        ("/api/mlflow/ajax-api/2.0/mlflow/x", "/ajax-api/2.0/mlflow/x"),
        ("/api/mlflow//api/2.0/x", "/api/2.0/x"),
        ("/api/mlflow/version", "/version"),
        ("/mlflow/", "/"),
        ("/mlflow/static-files/a/b.js", "/static-files/a/b.js"),
        ("/mlflow/get-artifact?path=a&run_id=b", "/get-artifact?path=a&run_id=b"),
        ("/mlflow/ajax-api/2.0/mlflow/runs/get?run_id=1", "/ajax-api/2.0/mlflow/runs/get?run_id=1"),
    ],
)
def test_takes_its_own_prefix_off(bench: Bench, path: str, target: str) -> None:
    assert bench.ask("GET", path, headers=bench.admin).json()["target"] == target


def test_credentials_and_claims_stop_at_the_gateway(bench: Bench) -> None:
    sent = {
        "Authorization": f"Bearer {bench.admin['X-API-Key']}",
        "X-API-Key": "other",
        "Cookie": "session=1",
        "Origin": "http://here",
        "X-Hokusai-User-Id": "root",
        "X-Forwarded-For": "10.0.0.1",
        "Connection": "keep-alive, X-Private",
        "X-Private": "1",
        "X-Kept": "1",
        "Accept-Encoding": "br",
    }
    arrived = bench.ask("GET", SEARCH, headers=sent).json()["headers"]
    assert arrived.pop("user-agent").startswith("python-httpx")
    assert arrived == {
        "host": "mlflow",
        "accept": "*/*",
        "accept-encoding": "br",
        "x-forwarded-for": "127.0.0.1",
        "x-kept": "1",
    }


def test_an_encoded_answer_is_passed_on_as_it_is(bench: Bench) -> None:
    stream = httpx.ByteStream(b"not really gzip")
    headers = {"Content-Encoding": "gzip", "Content-Length": "15", "Connection": "close", "A": "b"}
    bench.mlflow = lambda _: httpx.Response(200, headers=headers, stream=stream)
    with pytest.raises(httpx.DecodingError):  # it arrived as it was sent
        bench.ask("GET", SEARCH, headers=bench.admin)


@pytest.mark.parametrize("status", [200, 304, 307, 400, 404, 500])
def test_answers_keep_status_and_headers(bench: Bench, status: int) -> None:
    headers = [("Location", "/x"), ("X-A", "1"), ("X-A", "2"), ("Connection", "X-B"), ("X-B", "3")]
    bench.mlflow = lambda _: httpx.Response(status, headers=headers)
    response = bench.ask("GET", SEARCH, headers=bench.admin)
    assert response.status_code == status
    assert response.headers.get_list("x-a") == ["1", "2"]
    assert response.headers["location"] == "/x"
    assert {"connection", "x-b"}.isdisjoint(response.headers)


@pytest.mark.parametrize(
    ("failure", "status", "detail"),
    [
        (httpx.ConnectError("no"), 502, "Failed to connect to MLflow server"),
        (httpx.ReadError("no"), 502, "Failed to connect to MLflow server"),
        (httpx.ReadTimeout("no"), 504, "MLflow server request timeout after 30.0s"),
        (httpx.ConnectTimeout("no"), 504, "MLflow server request timeout after 30.0s"),
    ],
)
def test_says_when_mlflow_does_not_answer(
    bench: Bench, failure: Exception, status: int, detail: str
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    bench.mlflow = fail
    assert answer(bench.ask("GET", SEARCH, headers=bench.admin)) == (status, {"detail": detail})
    assert answer(bench.ask("GET", "/ready")) == (503, {"ready": False})


def test_the_read_timeout_is_the_one_it_names() -> None:
    assert client("http://mlflow").timeout == httpx.Timeout(30.0)
