"""MLflow's own upload of a directory into a run. URL MODEL NAME EXPERIMENT."""

import sys

import mlflow

url, model, name, experiment = sys.argv[1:]
mlflow.set_tracking_uri(url)
mlflow.set_experiment(experiment)
with mlflow.start_run(run_name=name):
    mlflow.log_artifacts(model, "model")
