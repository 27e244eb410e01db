"""Where the SDK works: what each cause leads to, and that it says so."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

import hokusai
from functional.fault_server import FaultServer, Reply, as_json, on
from functional.runner import unique
from functional.servers import closed
from hokusai import (
    ConfigurationError,
    FallbackWarning,
    HokusaiException,
    MLflowAuthenticationError,
    MLflowConnectionError,
    ModelRegistry,
)
from hokusai.config import MLflowSetup
from sandboxes import Sandbox

PROBE = "experiments/get-by-name"
REFUSAL = as_json({"detail": "Admin access required for the model registry"}, 403)
UNKNOWN = as_json({"detail": "Invalid or expired API key"}, 401)
HTML = Reply(headers={"Content-Type": "text/html"}, body=b"<html>Welcome</html>")
MOVED = Reply(status=302, headers={"Location": "https://elsewhere.example/"})
BUSY = Reply(status=503)
DOWN = Reply(reset=True)

# what the registry says, where that leads to, and where with HOKUSAI_OPTIONAL_MLFLOW
CAUSES: list[tuple[str, Reply, str | type[HokusaiException], str | type[HokusaiException]]] = [
    ("down", DOWN, "local", "local"),
    ("busy", BUSY, "local", "local"),
    ("refusal", REFUSAL, "none", "mock"),
    ("unknown key", UNKNOWN, MLflowAuthenticationError, "mock"),
    ("a web page", HTML, MLflowConnectionError, "mock"),
    ("a redirect", MOVED, MLflowConnectionError, MLflowConnectionError),
]
Ends = str | type[HokusaiException]


pytestmark = pytest.mark.usefixtures("asked_once")


def made(make: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Return what `make` makes, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thing = make()
    ours = [warning for warning in caught if warning.category is FallbackWarning]
    assert all(warning.filename == __file__ for warning in ours), "they name the caller's line"
    return thing, [str(warning.message) for warning in ours]


@pytest.mark.upstream(17, "a refused key becomes a registration on this machine")
@pytest.mark.upstream(19, "a registry that cannot be used is given out as one")
@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize(
    ("reply", "plain", "agreed"), [row[1:] for row in CAUSES], ids=[row[0] for row in CAUSES]
)
def test_each_cause_leads_where_the_table_says(
    reply: Reply,
    plain: Ends,
    agreed: Ends,
    optional: bool,
    behind_proxy: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    behind_proxy.script = on(PROBE, reply)
    monkeypatch.setenv("HOKUSAI_OPTIONAL_MLFLOW", str(optional).lower())
    expected = agreed if optional else plain
    if not isinstance(expected, str):
        with pytest.raises(expected):
            ModelRegistry()
    else:
        registry, warned = made(ModelRegistry)
        assert registry.backend == expected
        (text,) = warned
        assert "why: " in text
        assert "fix: " in text
    with pytest.raises(HokusaiException):
        ModelRegistry(strict=True)


def test_a_registration_on_this_machine_says_so(model: Path, tmp_path: Path) -> None:
    name = unique("churn")
    registry, warned = made(
        lambda: ModelRegistry(api_key="hk_test_0123456789", api_endpoint=closed())
    )
    assert "working on this machine" in warned[0]
    made_here = registry.register_baseline(model, name, metrics={"auc": 0.5})
    assert (made_here.status, made_here.registered) == ("registered-local", False)
    assert (tmp_path / made_here.bundle / "bundle.json").is_file()
    assert registry.get_model_by_id(f"{name}/1").status == "registered-local"
    assert registry.delete_model_version(f"{name}/1")


def test_an_mlflow_server_on_this_machine_comes_first(
    sandbox: Sandbox, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOKUSAI_LOCAL_MLFLOW_URI", sandbox.mlflow_url)
    registry, _ = made(lambda: ModelRegistry(api_key="hk_test_0123456789", api_endpoint=closed()))
    assert (registry.backend, registry.tracking_uri) == ("local", sandbox.mlflow_url)
    name = unique("churn")
    first = registry.register_baseline(model, name, metrics={"auc": 0.5})
    assert first.status == "registered-local"
    uri = f"runs:/{first.mlflow_run_id}/model"
    logged = registry.register_baseline(uri, name, metrics={"auc": 0.5}, version="v2")
    assert (logged.status, logged.mlflow_version) == ("registered-local", "2")


def test_without_a_key_there_is_this_machine() -> None:
    registry, warned = made(ModelRegistry)
    assert registry.backend == "local"
    assert "there is no key" in warned[0]
    with pytest.raises(ConfigurationError, match="HOKUSAI_API_KEY") as caught:
        ModelRegistry(strict=True)
    assert caught.value.reason == "key-missing"


def test_a_simulation_asks_nobody_and_forgets(
    behind_proxy: FaultServer, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOKUSAI_MOCK_MODE", "true")
    registry, warned = made(ModelRegistry)
    assert (registry.backend, warned) == ("mock", [])
    entry = registry.register_baseline(model, "churn", metrics={"auc": 0.5}, model_id="one")
    assert (entry.status, entry.registered, entry.mlflow_version) == (
        "simulated",
        False,
        "simulated-1",
    )
    improved = registry.register_improved_model(
        model, "one", {"auc": 0.25}, "0xabc", metrics={"auc": 0.75}, model_id="two"
    )
    assert [found.model_id for found in registry.list_models_by_type("churn")] == ["two", "one"]
    assert registry.get_model_lineage(improved.model_id).total_improvement == {"auc": 0.25}
    registry.update_model_tags("churn", "simulated-1", {"a": "b"})
    assert registry.get_model_by_id("one").tags["a"] == "b"
    assert registry.get_latest_model("churn").model_id == "two"
    assert registry.rollback_model("churn", "one")
    assert registry.get_latest_model("churn").model_id == "one"
    assert registry.delete_model_version("one")
    via_api = registry.register_baseline_via_api("sklearn", "some_run", {"key": "value"})
    assert (via_api.status, via_api.registered) == ("simulated", False)
    assert ModelRegistry().list_models_by_type("churn") == []
    assert behind_proxy.connections == 0
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


def test_a_wrong_input_is_wrong_in_a_simulation_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOKUSAI_MOCK_MODE", "true")
    with pytest.raises(ValueError, match="does not exist"):
        ModelRegistry().register_baseline("no such file", "churn", metrics={"auc": 0.5})


def test_plain_mlflow_works_where_setup_found_one(
    at_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://before.example")
    assert hokusai.setup_mlflow(at_sandbox.tracking_uri)
    assert mlflow.search_experiments()
    status = hokusai.get_mlflow_status()
    assert (status["configured"], status["backend"]) == (True, "mlflow")
    assert status["tracking_uri"] == at_sandbox.tracking_uri
    assert status["auth_method"] == "the Hokusai key"
    assert os.environ["HOKUSAI_API_KEY"] not in json.dumps({**os.environ, "HOKUSAI_API_KEY": ""})
    assert hokusai.ensure_mlflow_configured()
    hokusai.reset_mlflow_auth()
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://before.example"


def test_plain_mlflow_works_on_this_machine(tmp_path: Path) -> None:
    setup = MLflowSetup(f"{closed()}/api/mlflow")
    configured, warned = made(lambda: setup.configure("hk_test_0123456789"))
    assert (configured, len(warned)) == (True, 1)
    status = setup.get_status()
    assert (status["is_local"], status["backend"]) == (True, "local")
    assert "cannot reach" in str(status["problem"])
    assert [found.name for found in mlflow.search_experiments()] == ["Default"]
    assert (tmp_path / ".hokusai" / "mlflow.db").is_file()


def test_a_forced_place_counts_for_what_comes_after(tmp_path: Path, at_sandbox: Sandbox) -> None:
    assert hokusai.setup_mlflow(force_local=True)
    registry, warned = made(ModelRegistry)
    assert (registry.backend, warned) == ("local", [])
    assert str(tmp_path) in registry.tracking_uri
    hokusai.reset_mlflow_auth()
    assert ModelRegistry().tracking_uri == at_sandbox.tracking_uri
