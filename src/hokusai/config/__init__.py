"""How the SDK is configured, and how plain MLflow calls are with it."""

from hokusai.config.mlflow_auth import (
    MLflowAuthConfig,
    get_mlflow_auth_status,
    reset_mlflow_auth,
    setup_mlflow_auth,
)
from hokusai.config.mlflow_setup import (
    MLflowSetup,
    ensure_mlflow_configured,
    get_mlflow_status,
    setup_mlflow,
)

__all__ = [
    "MLflowAuthConfig",
    "MLflowSetup",
    "ensure_mlflow_configured",
    "get_mlflow_auth_status",
    "get_mlflow_status",
    "reset_mlflow_auth",
    "setup_mlflow",
    "setup_mlflow_auth",
]
