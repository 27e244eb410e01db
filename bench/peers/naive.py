"""As most people write it: MLflow's fluent API, one call per value. URL MODEL NAME EXPERIMENT."""

import sys

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from values import ALIAS, METRICS, PARAMS, TAGS

url, model, name, experiment = sys.argv[1:]
mlflow.set_tracking_uri(url)
mlflow.set_experiment(experiment)
with mlflow.start_run() as run:
    for key, param in PARAMS.items():
        mlflow.log_param(key, param)
    for key, metric in METRICS.items():
        mlflow.log_metric(key, metric)
    for key, tag in TAGS.items():
        mlflow.set_tag(key, tag)
    mlflow.log_artifacts(model, "model")

client = MlflowClient()
try:
    client.create_registered_model(name)
except MlflowException as error:
    if error.error_code != "RESOURCE_ALREADY_EXISTS":
        raise
source = f"{run.info.artifact_uri}/model"
version = client.create_model_version(name, source, run.info.run_id)
for key, tag in TAGS.items():
    client.set_model_version_tag(name, version.version, key, tag)
client.set_registered_model_alias(name, ALIAS, version.version)
