"""The faults of the SDK that ours takes the place of, by their numbers: each would fail here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mlflow import MlflowClient

from functional.fault_server import Asked, FaultServer, Reply, as_json, on
from functional.runner import unique
from hokusai import (
    ConfigurationError,
    HokusaiException,
    MLflowAuthenticationError,
    MLflowConnectionError,
    ModelNotFoundError,
    ModelRegistry,
    RegistryException,
)

PROBE = "experiments/get-by-name"
CREATE = "model-versions/create"
SEARCH = "model-versions/search"
ALIAS = "registered-models/alias"
REFUSAL = as_json({"detail": "Admin access required for the model registry"}, 403)


@pytest.fixture
def registry(behind_proxy: FaultServer) -> ModelRegistry:
    """A registry behind the proxy, which has forgotten how it was found."""
    made = ModelRegistry(strict=True)
    behind_proxy.asked.clear()
    return made


@pytest.mark.upstream(16, "a refused registered-models/create is taken for `exists already`")
def test_a_refusal_is_told_where_it_happens(
    registry: ModelRegistry, behind_proxy: FaultServer, model: Path
) -> None:
    behind_proxy.script = on("registered-models/create", REFUSAL)
    with pytest.raises(HokusaiException) as caught:
        registry.register_baseline(model, unique("churn"), metrics={"auc": 0.5})
    assert caught.value.reason == "auth-403"
    assert len(behind_proxy.seen(CREATE)) == 1, "it said that there is no such model"


@pytest.mark.upstream(18, "a status is read out of a text")
@pytest.mark.usefixtures("behind_proxy", "asked_once")
def test_a_number_in_a_text_is_no_status(behind_proxy: FaultServer) -> None:
    behind_proxy.script = on(PROBE, as_json({"message": "run 401403 is gone, 403"}, 503))
    with pytest.raises(MLflowConnectionError) as caught:
        ModelRegistry(strict=True)
    assert caught.value.reason == "server-5xx"


@pytest.mark.upstream(20, "its own repetitions on top of seven of MLflow's")
@pytest.mark.usefixtures("hasty")
def test_a_busy_server_is_asked_four_times(behind_proxy: FaultServer) -> None:
    behind_proxy.script = on("", Reply(status=503))
    with pytest.raises(MLflowConnectionError):
        ModelRegistry(strict=True)
    assert len(behind_proxy.asked) == 4


@pytest.mark.upstream(21, "a refusal is asked for three times")
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_final(behind_proxy: FaultServer, status: int) -> None:
    behind_proxy.script = on("", as_json({"detail": "no"}, status))
    with pytest.raises(MLflowAuthenticationError) as caught:
        ModelRegistry(strict=True)
    assert caught.value.status_code == status
    assert len(behind_proxy.asked) == 1


@pytest.mark.upstream(22, "a lost answer makes a second version")
@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("call", ["runs/create", "registered-models/create", CREATE])
def test_a_lost_answer_makes_nothing_twice(
    registry: ModelRegistry,
    behind_proxy: FaultServer,
    model: Path,
    client: MlflowClient,
    call: str,
) -> None:
    behind_proxy.script = on(
        f"POST /api/mlflow/api/2.0/mlflow/{call}", Reply(forward=True, reset=True), 1
    )
    name = unique("churn")
    made = registry.register_baseline(model, name, metrics={"auc": 0.5})
    assert made.status == "registered"
    assert len(client.search_model_versions(f"name = '{name}'")) == 1
    experiment = client.get_experiment_by_name(name)
    assert experiment
    assert len(client.search_runs([experiment.experiment_id])) == 1


@pytest.mark.upstream(23, "all experiments are fetched as a probe")
def test_the_probe_is_one_small_question(behind_proxy: FaultServer) -> None:
    ModelRegistry()
    assert [str(asked) for asked in behind_proxy.asked] == [
        f"GET /api/mlflow/api/2.0/mlflow/{PROBE}"
    ]


@pytest.mark.upstream(24, "91 requests and 527 s for one model, read back from where it is not")
@pytest.mark.upstream(29, "tags are set one by one after the version is READY")
@pytest.mark.upstream(32, "every version points at one constant place")
def test_a_registration_is_a_few_requests_with_all_tags_in_one(
    registry: ModelRegistry, behind_proxy: FaultServer, model: Path, client: MlflowClient
) -> None:
    name = unique("churn")
    made = registry.register_baseline(model, name, metrics={"auc": 0.5}, tags={"a": "1", "b": "2"})
    assert len(behind_proxy.asked) <= 25
    assert behind_proxy.seen("model-versions/set-tag") == []
    *_, created = behind_proxy.seen(CREATE)
    tags = {tag["key"] for tag in json.loads(created.body)["tags"]}
    assert tags >= {"a", "b", "is_baseline", "metrics", "hokusai.model_sha256"}
    shown = client.get_model_version(name, "1")
    assert made.mlflow_run_id in shown.source
    assert shown.run_id == made.mlflow_run_id


@pytest.mark.upstream(26, "all that is said is INTERNAL_ERROR")
@pytest.mark.upstream(27, "the cause is lost")
def test_an_error_says_what_why_and_what_to_do(behind_proxy: FaultServer) -> None:
    behind_proxy.script = on(PROBE, REFUSAL)
    with pytest.raises(MLflowAuthenticationError) as caught:
        ModelRegistry(strict=True)
    text = str(caught.value)
    assert text.startswith("MLflow authentication error (HTTP 403): Access forbidden\nwhy: ")
    assert "Admin access required for the model registry" in text
    assert "\nfix: " in text
    assert "INTERNAL_ERROR" not in text
    assert type(caught.value.__cause__).__name__ == "AuthError"


@pytest.mark.upstream(31, "a source that does not exist becomes a READY version")
@pytest.mark.parametrize("uri", ["runs:/00000000000000000000000000000000/nope", "models:/nope/7"])
def test_a_source_has_to_be_there(registry: ModelRegistry, client: MlflowClient, uri: str) -> None:
    name = unique("churn")
    with pytest.raises(ModelNotFoundError):
        registry.register_tokenized_model(uri, name, "tok", "accuracy", 0.5)
    assert client.search_registered_models(f"name = '{name}'") == []


@pytest.mark.upstream(33, "a version cannot be deleted: a proxy drops the body of a DELETE")
def test_a_proxy_without_delete_is_gone_round(
    registry: ModelRegistry, behind_proxy: FaultServer, model: Path
) -> None:
    name = unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.5})
    dropped = {"error_code": "INVALID_PARAMETER_VALUE", "message": "Missing value for 'name'"}
    gone = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}

    def script(asked: Asked) -> Reply | None:
        deleted = behind_proxy.seen(f"DELETE /api/models/{name}/1")
        if str(asked) == f"DELETE /api/models/{name}/1":
            return as_json({"status": "deleted"})
        if "model-versions/delete" in asked.path:
            return as_json(dropped, 400)
        return as_json(gone, 404) if deleted and "model-versions/get" in asked.path else None

    behind_proxy.script = script
    assert registry.delete_model_version(f"{name}/1")


@pytest.mark.upstream(33, "a deletion that did nothing is called done")
def test_what_is_still_there_is_not_called_deleted(
    registry: ModelRegistry, behind_proxy: FaultServer, model: Path
) -> None:
    name = unique("churn")
    registry.register_baseline(model, name, metrics={"auc": 0.5})
    behind_proxy.script = on("model-versions/delete", as_json({}))
    with pytest.raises(RegistryException, match="still there"):
        registry.delete_model_version(f"{name}/1")


@pytest.mark.upstream(35, "a current value is made up")
def test_nothing_is_made_up_in_an_announcement(
    registry: ModelRegistry, behind_proxy: FaultServer, model: Path, client: MlflowClient
) -> None:
    run = client.create_run("0")
    client.log_artifact(run.info.run_id, str(model), "model")
    registry.register_tokenized_model(
        f"runs:/{run.info.run_id}/model", unique("churn"), "tok", "accuracy", 0.5
    )
    (event,) = behind_proxy.seen("POST /api/models/tokenized-registration-events")
    assert json.loads(event.body).items() >= {"baseline_value": 0.5}.items()
    assert "current_value" not in json.loads(event.body)


@pytest.mark.upstream(40, "every model is asked for its versions, and circles never end")
def test_a_search_is_one_question(
    registry: ModelRegistry, behind_proxy: FaultServer, model: Path, client: MlflowClient
) -> None:
    names = [unique("churn") for _ in range(3)]
    for name in names:
        registry.register_baseline(model, name, metrics={"auc": 0.5}, model_id=f"id of {name}")
    client.set_model_version_tag(names[0], "1", "hokusai_token_id", "HALF-A-TOKEN")
    for ask, besides in (
        (lambda: registry.get_model_by_id(f"id of {names[2]}"), []),
        (lambda: registry.list_models_by_type(names[1]), []),
        (lambda: registry.list_models_by_token("half-a-token"), []),
        (lambda: registry.get_latest_model(names[1]), [ALIAS]),  # what is in production
    ):
        behind_proxy.asked.clear()
        ask()
        assert [str(asked).rpartition("mlflow/")[2] for asked in behind_proxy.asked] == [
            SEARCH,
            *besides,
        ]
    assert registry.list_models_by_token("half-a-token") == []
    for here, there in ((names[0], names[1]), (names[1], names[0])):
        registry.update_model_tags(here, "1", {"baseline_id": f"id of {there}"})
    with pytest.raises(RegistryException, match="no beginning"):
        registry.get_model_lineage(f"id of {names[0]}")


HOSTILE = ["it's", 'say "x"', "x' OR name LIKE '%", "a;b -- c", "`", "100%", "a''b", "ünïcode 模"]


@pytest.mark.upstream(40, "a name ends the filter that it stands in")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_ends_no_filter(registry: ModelRegistry, model: Path, text: str) -> None:
    with pytest.raises(ModelNotFoundError):
        registry.get_model_by_id(text)
    name, label = unique("churn"), f"{text} {unique('id')}"
    registry.register_baseline(model, name, metrics={"auc": 0.5}, model_id=label)
    assert registry.get_model_by_id(label).model_name == name
    assert len(registry.list_models_by_type(name)) == 1


FALSE = ["false", "False", "0", "no", "off", ""]


@pytest.mark.upstream(42, "HOKUSAI_MOCK_MODE=false turns authentication off")
@pytest.mark.usefixtures("at_sandbox")
@pytest.mark.parametrize("name", ["HOKUSAI_MOCK_MODE", "HOKUSAI_OPTIONAL_MLFLOW"])
def test_false_is_false(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in FALSE:
        monkeypatch.setenv(name, value)
        assert ModelRegistry().backend == "mlflow"
    monkeypatch.setenv(name, "perhaps")
    with pytest.raises(ConfigurationError, match=re.escape("neither true nor false")):
        ModelRegistry()


@pytest.mark.upstream(44, "a % in the key ends the reading of a file; files of others are read")
@pytest.mark.usefixtures("at_sandbox")
def test_no_file_of_the_directory_is_read(tmp_path: Path) -> None:
    config = "[default]\napi_key = 100%of\napi_endpoint = http://elsewhere.example\n"
    for name in (".hokusai", "hokusai.ini"):
        (tmp_path / name).write_text(config)
    assert "127.0.0.1" in ModelRegistry().tracking_uri
    with pytest.raises(ConfigurationError, match="the key is malformed"):
        ModelRegistry(api_key="100%of")


@pytest.mark.upstream(46, "x#1.bin and x#2.bin become one file")
def test_a_name_that_no_server_keeps_is_refused(
    registry: ModelRegistry, behind_proxy: FaultServer, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    for number in (1, 2):
        (tmp_path / "model" / f"x#{number}.bin").write_text(str(number))
    with pytest.raises(RegistryException, match="names that MLflow cannot keep"):
        registry.register_baseline(tmp_path / "model", unique("churn"), metrics={"auc": 0.5})
    assert behind_proxy.seen("PUT") == []
