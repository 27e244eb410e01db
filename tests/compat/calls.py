"""What a training script does with MLflow, call by call: `python calls.py STATE [UNTIL]`.

Runs with any MLflow client, against whatever MLFLOW_TRACKING_URI names; prints what became of each
call as JSON. STATE is a file with the names of things; the calls write theirs into it, so that a
second run finds what the first one made. UNTIL ends it before the call of that name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from sklearn.linear_model import LinearRegression

State = dict[str, str]
Call = Callable[[State, MlflowClient], object]
CALLS: dict[str, Call] = {}


def call(name: str) -> Callable[[Call], Call]:
    """Take a function as the call of this name."""

    def take(function: Call) -> Call:
        CALLS[name] = function
        return function

    return take


def same(found: object, wanted: object) -> None:
    """Raise unless the call did what it was for."""
    if found != wanted:
        raise ValueError(f"{found!r} is not {wanted!r}")


def trained() -> Any:
    return LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])


@call("`create_experiment`, `set_experiment`")
def _(state: State, _client: MlflowClient) -> None:
    state["experiment_id"] = mlflow.create_experiment(state["name"])
    mlflow.set_experiment(state["name"])


@call("`start_run`, nested, and its end")
def _(state: State, client: MlflowClient) -> None:
    with mlflow.start_run(experiment_id=state["experiment_id"]) as run:
        state["run_id"] = run.info.run_id
        with mlflow.start_run(nested=True, experiment_id=state["experiment_id"]) as nested:
            pass
    same(client.get_run(nested.info.run_id).data.tags["mlflow.parentRunId"], state["run_id"])
    same(client.get_run(state["run_id"]).info.status, "FINISHED")


@call("`log_param`, `log_params`")
def _(state: State, client: MlflowClient) -> None:
    with mlflow.start_run(state["run_id"]):
        mlflow.log_param("depth", 3)
        mlflow.log_params({"kind": "ünïcode & more", "rate": 0.5})
    found = client.get_run(state["run_id"]).data.params
    same((found["depth"], found["kind"], found["rate"]), ("3", "ünïcode & more", "0.5"))


@call("`log_metric`, `log_metrics`, `get_metric_history`")
def _(state: State, client: MlflowClient) -> None:
    with mlflow.start_run(state["run_id"]):
        for step in range(3):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"f1/macro": 0.5, "accuracy": 0.875})
    history = client.get_metric_history(state["run_id"], "loss")
    same([(m.step, m.value) for m in history], [(0, 1.0), (1, 1 / 2), (2, 1 / 3)])
    same(client.get_run(state["run_id"]).data.metrics["accuracy"], 0.875)


@call("`log_batch`")
def _(state: State, client: MlflowClient) -> None:
    metrics = [Metric(f"m{n}", n, 0, 0) for n in range(200)]
    client.log_batch(state["run_id"], metrics, [Param(f"p{n}", str(n)) for n in range(90)])
    same(client.get_run(state["run_id"]).data.metrics["m199"], 199.0)


@call("`log_metric` from 8 threads")
def _(state: State, client: MlflowClient) -> None:
    def log(thread: int) -> None:
        for step in range(5):
            client.log_metric(state["run_id"], f"thread{thread}", step, step=step)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log, range(8)))
    found = [len(client.get_metric_history(state["run_id"], f"thread{n}")) for n in range(8)]
    same(found, [5] * 8)


@call("`log_metric` in the background (`synchronous=False`)")
def _(state: State, client: MlflowClient) -> None:
    with mlflow.start_run(state["run_id"]):
        mlflow.log_metric("later", 1.0, synchronous=False).wait()
    same(client.get_run(state["run_id"]).data.metrics["later"], 1.0)


@call("`log_metric` in a forked process")
def _(state: State, client: MlflowClient) -> None:
    child = os.fork()
    if not child:
        status = 1
        try:
            client.log_metric(state["run_id"], "forked", 1.0)
            status = 0
        finally:
            os._exit(status)
    same(os.waitpid(child, 0)[1], 0)
    same(client.get_run(state["run_id"]).data.metrics["forked"], 1.0)


@call("`set_tag`, `set_tags`, `delete_tag`")
def _(state: State, client: MlflowClient) -> None:
    with mlflow.start_run(state["run_id"]):
        mlflow.set_tags({"team": "vision", "gone": "soon"})
        mlflow.set_tag("note", "a" * 5000)
        mlflow.delete_tag("gone")
    found = client.get_run(state["run_id"]).data.tags
    same((found["team"], found["note"], "gone" in found), ("vision", "a" * 5000, False))


@call("`log_input` (a dataset)")
def _(state: State, client: MlflowClient) -> None:
    from pandas import DataFrame  # noqa: PLC0415  # slow, and for this call alone

    dataset = mlflow.data.from_pandas(DataFrame({"a": [1.0, 2.0]}), name="train")
    with mlflow.start_run(state["run_id"]):
        mlflow.log_input(dataset, context="training")
    (found,) = client.get_run(state["run_id"]).inputs.dataset_inputs
    same(found.dataset.name, "train")


@call("`log_artifact`, `log_artifacts`, `log_text`, `log_dict`")
def _(state: State, _client: MlflowClient) -> None:
    with TemporaryDirectory() as place, mlflow.start_run(state["run_id"]):
        top = Path(place)
        for name in ("x+1.bin", "ü&=.bin", "a b.txt", "100%.txt", "deep/er/empty"):
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text("" if name.endswith("empty") else name, encoding="utf-8")
        mlflow.log_artifacts(place, "files")
        mlflow.log_artifact(str(top / "a b.txt"))
        mlflow.log_text("hello", "note.txt")
        mlflow.log_dict({"a": [1, 2]}, "deep/er/dict.json")


@call("`list_artifacts`, `download_artifacts`, `load_text`, `load_dict`")
def _(state: State, client: MlflowClient) -> None:
    run_id = state["run_id"]
    listed = [(file.path, file.is_dir) for file in client.list_artifacts(run_id, "files")]
    names = ("files/100%.txt", "files/a b.txt", "files/deep", "files/x+1.bin", "files/ü&=.bin")
    same(sorted(listed), [(name, name == "files/deep") for name in names])
    with TemporaryDirectory() as place:
        got = Path(client.download_artifacts(run_id, "files", place))
        same((got / "ü&=.bin").read_text(encoding="utf-8"), "ü&=.bin")
        same((got / "deep/er/empty").read_text(), "")
    same(mlflow.artifacts.load_text(f"runs:/{run_id}/note.txt"), "hello")
    same(mlflow.artifacts.load_dict(f"runs:/{run_id}/deep/er/dict.json"), {"a": [1, 2]})


@call("`log_table`, `load_table`")
def _(state: State, _client: MlflowClient) -> None:
    with mlflow.start_run(state["run_id"]):
        mlflow.log_table({"a": [1, 2]}, "table.json")
    found = mlflow.load_table("table.json", run_ids=[state["run_id"]])
    same(list(found["a"]), [1, 2])


@call("`sklearn.log_model`, `load_model` from the run")
def _(state: State, _client: MlflowClient) -> None:
    with mlflow.start_run(state["run_id"]):
        logged = mlflow.sklearn.log_model(trained(), "model", pip_requirements=[])
    state["model_uri"] = logged.model_uri
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    same(round(float(loaded.predict([[2.0]])[0]), 6), 5.0)


@call("`sklearn.autolog`")
def _(state: State, client: MlflowClient) -> None:
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    try:
        with mlflow.start_run(experiment_id=state["experiment_id"]) as run:
            trained()
    finally:
        mlflow.sklearn.autolog(disable=True)
    found = client.get_run(run.info.run_id).data
    same(found.params["fit_intercept"], "True")
    same("training_score" in found.metrics, True)


@call("`get_experiment`, `get_experiment_by_name`, `search_experiments`")
def _(state: State, client: MlflowClient) -> None:
    same(client.get_experiment(state["experiment_id"]).name, state["name"])
    same(client.get_experiment_by_name("there is none of this name"), None)
    found = client.search_experiments(filter_string=f"name = '{state['name']}'")
    same([experiment.experiment_id for experiment in found], [state["experiment_id"]])


@call("`get_run`, `search_runs`")
def _(state: State, client: MlflowClient) -> None:
    same(client.get_run(state["run_id"]).info.experiment_id, state["experiment_id"])
    found = mlflow.search_runs([state["experiment_id"]], "metrics.accuracy > 0.5")
    same(list(found["run_id"]), [state["run_id"]])


@call("`register_model`")
def _(state: State, _client: MlflowClient) -> None:
    version = mlflow.register_model(state["model_uri"], state["name"])
    same((str(version.version), version.status), ("1", "READY"))


@call("`create_registered_model`, `create_model_version`")
def _(state: State, client: MlflowClient) -> None:
    client.create_registered_model(f"{state['name']}-2", {"a": "b"}, "words")
    source = f"{client.get_run(state['run_id']).info.artifact_uri}/files"
    for name in (state["name"], f"{state['name']}-2"):
        made = client.create_model_version(name, source, state["run_id"], {"a": "b"})
        same(made.tags, {"a": "b"})


@call("`update_registered_model`, `update_model_version`")
def _(state: State, client: MlflowClient) -> None:
    client.update_registered_model(state["name"], "of the model")
    client.update_model_version(state["name"], "1", "of the version")
    same(client.get_registered_model(state["name"]).description, "of the model")
    same(client.get_model_version(state["name"], "1").description, "of the version")


@call("`set_registered_model_tag`, `set_model_version_tag`")
def _(state: State, client: MlflowClient) -> None:
    client.set_registered_model_tag(state["name"], "tag", "of the model")
    client.set_model_version_tag(state["name"], "1", "tag", "of the version")
    same(client.get_registered_model(state["name"]).tags["tag"], "of the model")
    same(client.get_model_version(state["name"], "1").tags["tag"], "of the version")


@call("`set_registered_model_alias`")
def _(state: State, client: MlflowClient) -> None:
    client.set_registered_model_alias(state["name"], "champion", "1")


@call("`get_model_version_by_alias`, `load_model` by alias")
def _(state: State, client: MlflowClient) -> None:
    found = client.get_model_version_by_alias(state["name"], "champion")
    same(str(found.version), "1")
    loaded = mlflow.pyfunc.load_model(f"models:/{state['name']}@champion")
    same(round(float(loaded.predict([[2.0]])[0]), 6), 5.0)


@call("`get_registered_model`, `search_registered_models`, `search_model_versions`")
def _(state: State, client: MlflowClient) -> None:
    same(client.get_registered_model(state["name"]).name, state["name"])
    found = client.search_registered_models(f"name = '{state['name']}'")
    same([model.name for model in found], [state["name"]])
    versions = client.search_model_versions(f"name = '{state['name']}'")
    same(sorted(str(version.version) for version in versions), ["1", "2"])


@call("`copy_model_version`")
def _(state: State, client: MlflowClient) -> None:
    copied = client.copy_model_version(f"models:/{state['name']}/1", f"{state['name']}-2")
    same(str(copied.version), "2")


@call("`transition_model_version_stage`, `get_latest_versions`")
def _(state: State, client: MlflowClient) -> None:
    client.transition_model_version_stage(state["name"], "1", "Production")
    found = client.get_latest_versions(state["name"], ["Production"])
    same([str(version.version) for version in found], ["1"])


@call("`rename_registered_model`")
def _(state: State, client: MlflowClient) -> None:
    client.rename_registered_model(f"{state['name']}-2", f"{state['name']}-3")
    same(client.get_registered_model(f"{state['name']}-3").description, "words")


@call("`delete_registered_model_alias`")
def _(state: State, client: MlflowClient) -> None:
    client.delete_registered_model_alias(state["name"], "champion")
    same(client.get_registered_model(state["name"]).aliases, {})


@call("`delete_registered_model_tag`, `delete_model_version_tag`")
def _(state: State, client: MlflowClient) -> None:
    client.delete_registered_model_tag(state["name"], "tag")
    client.delete_model_version_tag(state["name"], "1", "tag")
    same("tag" in client.get_model_version(state["name"], "1").tags, False)


@call("`delete_model_version`")
def _(state: State, client: MlflowClient) -> None:
    client.delete_model_version(state["name"], "2")
    versions = client.search_model_versions(f"name = '{state['name']}'")
    same([str(version.version) for version in versions], ["1"])


@call("`delete_registered_model`")
def _(state: State, client: MlflowClient) -> None:
    client.delete_registered_model(state["name"])
    same(client.search_registered_models(f"name = '{state['name']}'"), [])


@call("`delete_run`, `restore_run`")
def _(state: State, client: MlflowClient) -> None:
    client.delete_run(state["run_id"])
    same(client.get_run(state["run_id"]).info.lifecycle_stage, "deleted")
    client.restore_run(state["run_id"])
    same(client.get_run(state["run_id"]).info.lifecycle_stage, "active")


@call("`rename_experiment`, `delete_experiment`, `restore_experiment`")
def _(state: State, client: MlflowClient) -> None:
    client.rename_experiment(state["experiment_id"], f"{state['name']} renamed")
    client.delete_experiment(state["experiment_id"])
    client.restore_experiment(state["experiment_id"])
    found = client.get_experiment(state["experiment_id"])
    same((found.name, found.lifecycle_stage), (f"{state['name']} renamed", "active"))


def outcome(made: Call, state: State, client: MlflowClient) -> str:
    """Return `yes`, or the one word that says why not; the rest goes to stderr."""
    try:
        made(state, client)
    except Exception as error:  # noqa: BLE001  # whatever it is, the next call is tried too
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        cause = getattr(error, "__cause__", None)
        known = (getattr(cause, "reason", ""), getattr(error, "reason", ""))
        return str(next(filter(None, known), getattr(error, "error_code", type(error).__name__)))
    return "yes"


if __name__ == "__main__":
    place = Path(sys.argv[1])
    told: State = json.loads(place.read_text())
    names = list(CALLS)
    chosen = names[: names.index(sys.argv[2])] if sys.argv[2:] else names
    done = {name: outcome(CALLS[name], told, MlflowClient()) for name in chosen}
    place.write_text(json.dumps(told))
    print(json.dumps(done))
