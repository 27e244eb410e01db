"""What a program can do with a registry: register, find again, look after."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.fault_server import FaultServer, as_json, on
from functional.runner import unique
from hokusai import (
    InvalidParameterError,
    MLflowAuthenticationError,
    ModelNotFoundError,
    ModelRegistry,
    ModelRegistryEntry,
    RegistryException,
)
from sandboxes import Sandbox

pytestmark = pytest.mark.usefixtures("at_sandbox")


@dataclass
class Savable:
    """A model object, as programs have them."""

    model_id: str
    version: str = "v7"

    def get_metrics(self) -> dict[str, float]:
        return {"accuracy": 0.5}

    def save(self, path: str) -> None:
        Path(path).mkdir()
        (Path(path) / "weights.bin").write_bytes(b"weights")


def test_a_baseline_is_found_again_by_everything_that_it_is_known_by(
    model: Path, client: MlflowClient
) -> None:
    name, label = unique("churn"), unique("id")
    registry = ModelRegistry(strict=True)
    made = registry.register_baseline(
        model, name, metadata={"team": 7}, metrics={"auc": 0.9}, version="v1", model_id=label
    )
    assert (made.status, made.registered, made.backend) == ("registered", True, "mlflow")
    assert (made.model_id, made.mlflow_version, made.is_baseline) == (label, "1", True)
    assert (made.metrics, made.version, made.tags["metadata"]) == (
        {"auc": 0.9},
        "v1",
        '{"team": 7}',
    )
    assert made.timestamp.tzinfo is not None
    for found in (
        registry.get_model_by_id(label),
        registry.get_model_by_id(f"{name}/1"),
        registry.get_latest_model(name),
        *registry.list_models_by_type(name),
    ):
        assert found == made
    run = client.get_run(made.mlflow_run_id)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"auc": 0.9})


def test_the_same_again_is_there_already(model: Path) -> None:
    name = unique("churn")
    first, again = (
        ModelRegistry().register_baseline(model, name, metrics={"auc": 0.9}) for _ in range(2)
    )
    assert (first.status, again.status) == ("registered", "already-registered")
    assert first.mlflow_version == again.mlflow_version
    assert again.registered


def test_the_same_content_under_another_id_is_told(model: Path) -> None:
    registry, name = ModelRegistry(), unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.9}, model_id="one")
    with pytest.raises(RegistryException, match="give another `version`"):
        registry.register_baseline(model, name, metrics={"auc": 0.9}, model_id="two")


def test_an_object_saves_itself_and_says_what_it_is(client: MlflowClient) -> None:
    name, label = unique("churn"), unique("id")
    made = ModelRegistry().register_baseline(Savable(label), name)
    assert (made.model_id, made.version, made.metrics) == (label, "v7", {"accuracy": 0.5})
    files = client.list_artifacts(made.mlflow_run_id, "model")
    assert {Path(file.path).name for file in files} == {"MLmodel", "weights.bin"}


def test_what_is_logged_already_is_registered_where_it_is(
    model: Path, client: MlflowClient
) -> None:
    name = unique("churn")
    run = client.create_run(client.create_experiment(name))
    client.log_artifact(run.info.run_id, str(model), "model")
    uri = f"runs:/{run.info.run_id}/model"
    made = ModelRegistry().register_baseline(uri, name, metrics={"auc": 0.5})
    assert made.mlflow_run_id == run.info.run_id
    with pytest.raises(ModelNotFoundError, match="has no files at"):
        ModelRegistry().register_baseline(f"{uri}s", name, metrics={"auc": 0.5})


def test_a_lineage_goes_back_to_the_beginning(model: Path) -> None:
    registry, name = ModelRegistry(), unique("churn")
    ids = [unique(f"step{number}") for number in range(3)]
    registry.register_baseline(model, name, metrics={"auc": 0.5}, model_id=ids[0])
    for number in (1, 2):
        registry.register_improved_model(
            model,
            ids[number - 1],
            {"auc": 0.125},
            "0xabc",
            metrics={"auc": 0.5 + 0.125 * number},
            model_id=ids[number],
        )
    lineage = registry.get_model_lineage(ids[2])
    assert [entry.model_id for entry in lineage.entries] == ids
    assert lineage.total_improvement == {"auc": 0.25}
    assert lineage.entries[2].contributor_address == "0xabc"
    assert registry.get_latest_model(name).model_id == ids[2]


def test_an_improvement_needs_its_baseline(model: Path, client: MlflowClient) -> None:
    with pytest.raises(ModelNotFoundError):
        ModelRegistry().register_improved_model(
            model, "no such baseline", {"auc": 0.1}, "0xabc", metrics={"auc": 0.5}
        )
    assert client.search_registered_models("name = 'no such baseline'") == []


def test_tags_are_checked_before_the_first_is_sent(model: Path) -> None:
    registry, name = ModelRegistry(), unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.5})
    registry.update_model_tags(name, "1", {"team": "vision", "size": "7"})
    with pytest.raises(InvalidParameterError, match="hokusai"):
        registry.update_model_tags(name, "1", {"team": "audio", "hokusai.state": "x"})
    tags = registry.get_model_by_id(f"{name}/1").tags
    assert (tags["team"], tags["size"], tags["hokusai.state"]) == ("vision", "7", "complete")
    with pytest.raises(ModelNotFoundError):
        registry.update_model_tags(name, "9", {"team": "audio"})


def test_an_older_version_comes_back_into_production(model: Path, client: MlflowClient) -> None:
    registry, name = ModelRegistry(), unique("churn")
    ids = [unique("id") for _ in range(3)]
    for auc, label in enumerate(ids):
        registry.register_baseline(model, name, metrics={"auc": auc}, model_id=label)
    assert registry.get_latest_model(name).model_id == ids[2]
    for wanted, archived in ((0, None), (1, 0), (0, 1)):
        assert registry.rollback_model(name, ids[wanted])
        assert registry.get_latest_model(name).model_id == ids[wanted]
        named = client.get_model_version_by_alias(name, "production")
        assert (named.version, named.tags["lifecycle_stage"]) == (str(wanted + 1), "Production")
        if archived is not None:
            left = registry.get_model_by_id(ids[archived])
            assert left.tags["lifecycle_stage"] == "Archived"


def test_what_cannot_be_put_into_production(model: Path, client: MlflowClient) -> None:
    registry, name = ModelRegistry(), unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.5})
    with pytest.raises(InvalidParameterError, match="into production"):
        registry.rollback_model("another type", f"{name}/1")
    with pytest.raises(ModelNotFoundError):
        registry.rollback_model(name, f"{name}/2")
    assert client.get_registered_model(name).aliases == {}


def test_a_registry_that_moves_no_alias_is_told(behind_proxy: FaultServer, model: Path) -> None:
    registry, name = ModelRegistry(), unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.5})
    behind_proxy.script = on("POST /api/mlflow/api/2.0/mlflow/registered-models/alias", as_json({}))
    with pytest.raises(RegistryException, match="not in production") as caught:
        registry.rollback_model(name, f"{name}/1")
    assert caught.value.reason == "verify-failed"


def test_threads_register_different_things_with_one_registry(tmp_path: Path) -> None:
    registry, names = ModelRegistry(), [unique("churn") for _ in range(6)]
    for name in names:
        (tmp_path / name).write_text(name)

    def register(name: str) -> ModelRegistryEntry:
        return registry.register_baseline(tmp_path / name, name, metrics={"auc": 0.5})

    with ThreadPoolExecutor(len(names)) as threads:
        made = list(threads.map(register, names))
    assert [(entry.model_name, entry.mlflow_version) for entry in made] == [
        (name, "1") for name in names
    ]
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in names]
    assert [entry.tags["hokusai.model_sha256"] for entry in made] == digests


def test_what_is_deleted_is_gone(model: Path) -> None:
    registry, name = ModelRegistry(), unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.5})
    assert registry.delete_model_version(f"{name}/1")
    assert registry.list_models_by_type(name) == []
    with pytest.raises(ModelNotFoundError):
        registry.delete_model_version(f"{name}/1")
    with pytest.raises(ModelNotFoundError):
        registry.get_latest_model(name)


@pytest.mark.parametrize("form", ["baseline", "run"])
def test_the_api_takes_both_forms_of_a_baseline(form: str) -> None:
    registry, name = ModelRegistry(), unique("model")
    if form == "baseline":
        made = registry.register_baseline_via_api(
            model_id=name, model_type="sklearn", version="v1.0.0", metrics={"accuracy": 0.95}
        )
        assert (made.model_id, made.version, made.metrics) == (name, "v1.0.0", {"accuracy": 0.95})
    else:
        made = registry.register_baseline_via_api(
            model_type="your_model_type", mlflow_run_id=name, metadata={"key": "value"}
        )
        assert made.model_id
        assert (made.model_type, made.mlflow_run_id) == ("your_model_type", name)
    assert (made.status, made.backend, made.is_baseline) == ("registered", "api", True)


def test_the_api_finds_the_same_baseline_again_and_refuses_another() -> None:
    registry, name = ModelRegistry(), unique("model")
    wanted = {"model_id": name, "model_type": "sklearn", "version": "v1"}
    registry.register_baseline_via_api(**wanted, metrics={"accuracy": 0.5})  # type: ignore[arg-type]  # names
    again = registry.register_baseline_via_api(**wanted, metrics={"accuracy": 0.5})  # type: ignore[arg-type]  # names
    assert again.status == "already-registered"
    with pytest.raises(RegistryException, match="already") as caught:
        registry.register_baseline_via_api(**wanted, metrics={"accuracy": 0.75})  # type: ignore[arg-type]  # names
    assert caught.value.reason == "conflict"


def test_two_keys_of_one_server_are_kept_apart(sandbox: Sandbox, model: Path) -> None:
    good, name = ModelRegistry(), unique("churn")
    other = sandbox.create_key()
    second = ModelRegistry(api_key=other)
    assert second.list_models_by_type(name) == []
    sandbox.revoke(other)
    good.register_baseline(model, name, metrics={"auc": 0.5})
    with pytest.raises(MLflowAuthenticationError) as caught:
        second.list_models_by_type(name)
    assert caught.value.status_code == 401
    assert len(good.list_models_by_type(name)) == 1
