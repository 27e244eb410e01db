"""MLflow's own first start of a SQLite store that is not there yet. URI and three more."""

import sys

from mlflow import MlflowClient

MlflowClient(sys.argv[1]).search_experiments(max_results=1)
