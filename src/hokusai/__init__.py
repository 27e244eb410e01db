"""Hokusai's model registry for Python programs: one key, and MLflow lets you in.

Importing it changes nothing, prints nothing and asks nobody; MLflow is imported when it is needed.
"""

from hokusai.config import (
    MLflowAuthConfig,
    MLflowSetup,
    ensure_mlflow_configured,
    get_mlflow_auth_status,
    get_mlflow_status,
    reset_mlflow_auth,
    setup_mlflow,
    setup_mlflow_auth,
)
from hokusai.core import ModelLineage, ModelRegistry, ModelRegistryEntry
from hokusai.exceptions import (
    AuthenticationError,
    ConfigurationError,
    FallbackWarning,
    HokusaiException,
    InvalidParameterError,
    MLflowAuthenticationError,
    MLflowConnectionError,
    ModelNotFoundError,
    NotificationError,
    RegistryException,
)
from hokusai.settings import Given, remember, settings
from hokusai_register.model import Secret

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "FallbackWarning",
    "HokusaiException",
    "InvalidParameterError",
    "MLflowAuthConfig",
    "MLflowAuthenticationError",
    "MLflowConnectionError",
    "MLflowSetup",
    "ModelLineage",
    "ModelNotFoundError",
    "ModelRegistry",
    "ModelRegistryEntry",
    "NotificationError",
    "RegistryException",
    "ensure_mlflow_configured",
    "get_mlflow_auth_status",
    "get_mlflow_status",
    "reset_mlflow_auth",
    "setup",
    "setup_mlflow",
    "setup_mlflow_auth",
]


def setup(api_key: str = "", api_endpoint: str = "") -> None:
    """Let this key, and this API, count for the whole process; they stay in memory.

    `api_endpoint` is an origin, or an origin with /api. Raises ConfigurationError if either is
    malformed; asks nobody.
    """
    given = Given(api_key=Secret(api_key.strip()), api_endpoint=api_endpoint)
    settings(given)
    remember(given)
