"""Which requests to `/mlflow/…`, where nobody asks for a key, only read."""

from __future__ import annotations

# MLflow's own routes (mlflow.server.handlers, 3.17) that take a POST and change nothing. The page
# sends its GraphQL queries by POST; the only mutation in MLflow's schema is an echo for tests.
READING_POSTS = frozenset(
    {
        "graphql",
        "ajax-api/2.0/mlflow/experiments/search",
        "ajax-api/2.0/mlflow/experiments/search-datasets",
        "ajax-api/2.0/mlflow/logged-models/search",
        "ajax-api/2.0/mlflow/registered-models/get-latest-versions",
        "ajax-api/2.0/mlflow/runs/search",
        "ajax-api/3.0/mlflow/datasets/search",
        "ajax-api/3.0/mlflow/issues/search",
        "ajax-api/3.0/mlflow/traces/batchGetInfos",
        "ajax-api/3.0/mlflow/traces/calculate-filter-correlation",
        "ajax-api/3.0/mlflow/traces/metrics",
        "ajax-api/3.0/mlflow/traces/search",
    }
)


def is_read(method: str, path: str) -> bool:
    """Return whether a request for `path`, without the prefix `/mlflow/`, leaves all as it is."""
    return method in {"GET", "HEAD"} or (method == "POST" and path in READING_POSTS)
