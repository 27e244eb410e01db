"""The inputs by name: `action.yml`, `--help` and the README's table are checked against these."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_TRACKING_URI = "https://registry.hokus.ai/api/mlflow"
# The same service past its API: anybody may read there, and nobody may write.
DIRECT_TRACKING_URI = "https://registry.hokus.ai/mlflow"
DEFAULT_API_URL = "https://registry.hokus.ai/api"
# Before the address of a server, it makes MLflow's own client load our plugin.
PLUGIN_SCHEME = "hokusai+"


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `env` are the variables that are read when it is blank, the first one first.

    A default in `action.yml` would always beat them, so only inputs without any carry one there.
    """

    name: str
    help: str
    default: str = ""
    env: tuple[str, ...] = ()
    secret: bool = False


FIELDS = (
    Field("api-key", "Hokusai API key; pass a secret", env=("HOKUSAI_API_KEY",), secret=True),
    Field("model-path", "model file or directory, relative to the workspace"),
    Field(
        "model-uri",
        "instead of model-path: what a training step already logged, runs:/RUN/PATH, models:/ID, "
        "models:/NAME/VERSION or models:/NAME@ALIAS",
    ),
    Field("model-name", "name of the registered model"),
    Field("model-type", "kind of model, such as sklearn; detected from the files if blank"),
    Field("version", "your own version label, such as v1.0.0; quote it in YAML"),
    Field("metrics", "metrics as JSON, as YAML, or as name=value lines"),
    Field("metrics-file", "JSON or YAML file with metrics"),
    Field("params", "parameters, in the same forms"),
    Field("tags", "tags, in the same forms"),
    Field("description", "text for the model version"),
    Field("alias", "alias that the new version gets, such as champion"),
    Field("experiment", "MLflow experiment; the model name if blank"),
    Field("run-id", "attach to this MLflow run instead of making one"),
    Field("metadata", "mapping handed to the Hokusai API, as JSON or YAML"),
    Field("token-id", "token of a tokenized registration"),
    Field("metric-name", "metric of a tokenized registration"),
    Field("baseline-value", "baseline of a tokenized registration"),
    Field(
        "tracking-uri",
        f"MLflow server; {DEFAULT_TRACKING_URI} if blank",
        env=("MLFLOW_TRACKING_URI",),
    ),
    Field(
        "api-url",
        f"Hokusai API; {DEFAULT_API_URL} if blank",
        env=("HOKUSAI_API_URL", "HOKUSAI_API_ENDPOINT"),
    ),
    Field(
        "fallback",
        "how far it may fall back: none, api, local or mock",
        default="api",
        env=("HOKUSAI_OPTIONAL_MLFLOW",),
    ),
    Field("require-registered", "fail unless the real registry confirmed", default="false"),
    Field(
        "on-missing-key",
        "fail, or skip: a fork's pull request, which gets no secrets, ends green as skipped",
        default="fail",
    ),
    Field(
        "dry-run",
        "check everything that needs no write, and say what would be registered",
        default="false",
    ),
    Field("local-store", "directory in the workspace for local registrations", default=".hokusai"),
    Field("timeout", "seconds for the whole step", default="600"),
    Field(
        "ca-bundle",
        "PEM file of the CAs to trust",
        env=(
            "MLFLOW_TRACKING_CA_BUNDLE_PATH",
            "MLFLOW_TRACKING_SERVER_CERT_PATH",
            "REQUESTS_CA_BUNDLE",
            "SSL_CERT_FILE",
        ),
    ),
    Field(
        "client-cert", "PEM file of a client certificate", env=("MLFLOW_TRACKING_CLIENT_CERT_PATH",)
    ),
    Field("client-key", "PEM file of its key", env=("MLFLOW_TRACKING_CLIENT_KEY_PATH",)),
    Field(
        "insecure-tls",
        "do not check certificates; development only",
        default="false",
        env=("MLFLOW_TRACKING_INSECURE_TLS",),
    ),
    Field("allow-insecure-http", "send the key over plain http; development only", default="false"),
    Field("summary", "write the step summary", default="true"),
    Field("result-file", "also write the result as JSON to this file"),
)

BY_NAME = {field.name: field for field in FIELDS}
