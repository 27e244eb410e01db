"""The fewest calls of MlflowClient: batches, and tags in create. URL MODEL NAME EXPERIMENT."""

import sys
import time

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from values import ALIAS, METRICS, PARAMS, TAGS

url, model, name, experiment = sys.argv[1:]
client = MlflowClient(url)
run = client.create_run(client.get_experiment_by_name(experiment).experiment_id, tags=TAGS)
run_id = run.info.run_id
now = int(time.time() * 1000)
client.log_batch(
    run_id,
    [Metric(key, value, now, 0) for key, value in METRICS.items()],
    [Param(key, str(value)) for key, value in PARAMS.items()],
)
client.log_artifacts(run_id, model, "model")
try:
    client.create_registered_model(name)
except MlflowException as error:
    if error.error_code != "RESOURCE_ALREADY_EXISTS":
        raise
source = f"{run.info.artifact_uri}/model"
version = client.create_model_version(name, source, run_id, TAGS)
client.set_registered_model_alias(name, ALIAS, version.version)
client.set_terminated(run_id)
