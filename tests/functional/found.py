"""What a registry holds after a step, as MLflow's own client sees it."""

from __future__ import annotations

from mlflow import MlflowClient


def runs(client: MlflowClient, experiment: str) -> list[str]:
    """Return how the runs of an experiment ended."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return []
    return [run.info.status for run in client.search_runs([found.experiment_id])]


def versions(client: MlflowClient, name: str) -> list[str]:
    """Return the versions of a registered model."""
    return [str(found.version) for found in client.search_model_versions(f"name = '{name}'")]
