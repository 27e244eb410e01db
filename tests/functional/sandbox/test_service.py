"""The running sandbox refuses, reads, redirects and stores as the service does."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from hokusai_register.sandbox.direct import READING_POSTS
from sandboxes import Sandbox

SEARCH = "/api/mlflow/api/2.0/mlflow/experiments/search?max_results=1"
BASELINE = "/api/v1/models/baseline"


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({}, 401, '{"detail":"API key required"}'),
        ({"Authorization": "Bearer x"}, 401, '{"detail":"Invalid or expired API key"}'),
        (
            {"Authorization": "Bearer x", "X-API-Key": "{admin}"},
            401,
            '{"detail":"Invalid or expired API key"}',
        ),
        (
            {"X-API-Key": "{writer}"},
            403,
            (
                '{"detail":"Admin access required for the model registry",'
                '"error":"REGISTRY_ADMIN_REQUIRED"}'
            ),
        ),
    ],
)
def test_refuses_to_the_letter(
    sandbox: Sandbox, http: httpx.Client, headers: dict[str, str], status: int, body: str
) -> None:
    made = {"admin": sandbox.create_key(), "writer": sandbox.create_key("model:write")}
    sent = {name: value.format(**made) for name, value in headers.items()}
    response = http.get(SEARCH, headers=sent)
    assert (response.status_code, response.text) == (status, body)


def test_a_key_ends_when_it_is_revoked(sandbox: Sandbox, http: httpx.Client) -> None:
    key = sandbox.create_key()
    headers = {"Authorization": f"Bearer {key}"}
    assert http.get(SEARCH, headers=headers).status_code == 200
    sandbox.revoke(key)
    assert http.get(SEARCH, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "path", ["api/2.0/mlflow", "ajax-api/2.0/mlflow", "/api/2.0/mlflow"], ids=str
)
def test_every_prefix_of_the_service_works(sandbox: Sandbox, http: httpx.Client, path: str) -> None:
    headers = {"X-API-Key": sandbox.create_key()}
    response = http.get(f"/api/mlflow/{path}/experiments/get?experiment_id=0", headers=headers)
    assert response.json()["experiment"]["name"] == "Default"


def test_mlflows_html_404_is_json(sandbox: Sandbox, http: httpx.Client) -> None:
    headers = {"X-API-Key": sandbox.create_key()}
    response = http.get("/api/mlflow/api/2.0/mlflow/nothing", headers=headers)
    assert (response.status_code, response.json()["error_code"]) == (404, "RESOURCE_NOT_FOUND")


def test_the_page_and_all_that_it_loads_are_there(sandbox: Sandbox) -> None:
    page = httpx.get(sandbox.page, trust_env=False)
    assert "<title>MLflow</title>" in page.text
    loaded = re.findall(r'(?:src|href)="(\./[^"]+)"', page.text)
    assert loaded
    for link in loaded:
        assert httpx.get(str(page.url.join(link)), trust_env=False).status_code == 200, link


@pytest.mark.parametrize("path", sorted(READING_POSTS))
def test_reads_without_a_key(http: httpx.Client, path: str) -> None:
    # MLflow knows the route: whatever it thinks of the question, it is neither 404 nor 405.
    question = {"query": "{ __typename }"}
    headers = {"Origin": "http://elsewhere.example"}
    response = http.post(f"/mlflow/{path}", json=question, headers=headers)
    assert response.headers["content-type"].startswith("application/json")
    assert response.status_code not in {403, 404, 405}


def test_writes_nothing_without_the_service_path(sandbox: Sandbox, http: httpx.Client) -> None:
    name = f"direct-{uuid.uuid4().hex}"
    headers = {"X-API-Key": sandbox.create_key()}
    path = "ajax-api/2.0/mlflow/experiments"
    assert http.post(f"/mlflow/{path}/create", json={"name": name}, headers=headers).is_error
    by_name = f"/mlflow/{path}/get-by-name?experiment_name={name}"
    assert http.get(by_name).status_code == 404
    written = http.post(f"/api/mlflow/{path}/create", json={"name": name}, headers=headers)
    assert written.status_code == 200
    assert http.get(by_name).json()["experiment"]["name"] == name


def test_sixteen_posts_of_one_key_are_one_baseline(sandbox: Sandbox, http: httpx.Client) -> None:
    headers = {"X-API-Key": sandbox.create_key("model:write"), "Idempotency-Key": uuid.uuid4().hex}
    body = {"model_type": "sklearn", "metrics": {"accuracy": 0.9}}

    with ThreadPoolExecutor(16) as pool:
        posts = range(16)
        answers = list(pool.map(lambda _: http.post(BASELINE, json=body, headers=headers), posts))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.text for answer in answers}) == 1
    found = http.get(
        BASELINE, params={"idempotency_key": headers["Idempotency-Key"]}, headers=headers
    )
    assert found.json()["baselines"] == [answers[0].json()]


def test_sixteen_posts_without_a_key_are_sixteen(sandbox: Sandbox, http: httpx.Client) -> None:
    headers = {"X-API-Key": sandbox.create_key("model:write")}
    body = {"model_type": "sklearn", "model_id": uuid.uuid4().hex}
    with ThreadPoolExecutor(16) as pool:
        posts = range(16)
        answers = list(pool.map(lambda _: http.post(BASELINE, json=body, headers=headers), posts))
    assert {int(answer.json()["version"]) for answer in answers} == set(range(1, 17))


def test_is_ready(http: httpx.Client) -> None:
    assert http.get("/ready").json() == {"ready": True}
