"""MLflow's own REST stores, with our HTTP client below them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlflow.exceptions import MlflowException, RestException
from mlflow.store.model_registry.rest_store import RestStore as MlflowRegistryStore
from mlflow.store.tracking import rest_store
from mlflow.utils.proto_json_utils import parse_dict
from mlflow.utils.rest_utils import MlflowHostCreds

from hokusai_register.errors import RegisterError
from hokusai_register.http import Answer
from hokusai_register.mlflow_plugin.auth import NAME
from hokusai_register.mlflow_plugin.by_uri import connection_for
from hokusai_register.mlflow_plugin.connection import Connection

# MLflow keeps a store for as long as the process lives: the connection is looked up for each call,
# so that the next registration of the process is not made with the credentials of the first.


class TrackingStore(rest_store.RestStore):  # type: ignore[misc]  # MLflow is not typed here
    """Experiments, runs, metrics, params and tags of a `hokusai+http(s)://` tracking URI."""

    def __init__(self, store_uri: str, artifact_uri: str | None = None) -> None:
        del artifact_uri  # the server knows it
        self._uri = store_uri
        connection_for(store_uri)  # a wrong key is told now, not at the first call
        super().__init__(lambda: _creds(connection_for(store_uri)))

    def _call_endpoint(
        self,
        api: Any,
        json_body: str | None = None,
        endpoint: str | None = None,
        retry_timeout_seconds: int | None = None,
        response_proto: Any = None,
    ) -> Any:
        del retry_timeout_seconds  # the connection has its own budgets
        known, method = self._info(api)
        return _ask(
            connection_for(self._uri),
            method,
            endpoint or known,
            json_body,
            response_proto or api.Response(),
        )

    def _info(self, api: Any) -> Any:
        """Return path and method; newer versions have two tables, 2.x has one beside the class."""
        if api in getattr(self, "_V3_APIS", ()):
            return self._V3_METHOD_TO_INFO[api]
        table = getattr(self, "_METHOD_TO_INFO", None) or rest_store._METHOD_TO_INFO  # noqa: SLF001
        return table[api]


class RegistryStore(MlflowRegistryStore):  # type: ignore[misc]  # MLflow is not typed here
    """Registered models, versions and aliases of a `hokusai+http(s)://` registry URI."""

    def __init__(self, store_uri: str, tracking_uri: str | None = None) -> None:
        del tracking_uri  # the same server
        self._uri = store_uri
        connection_for(store_uri)  # a wrong key is told now, not at the first call
        super().__init__(lambda: _creds(connection_for(store_uri)))

    def _call_endpoint(
        self,
        api: Any,
        json_body: str | None,
        call_all_endpoints: bool = False,  # noqa: FBT001, FBT002  # MLflow's signature
        extra_headers: Mapping[str, str] | None = None,
    ) -> Any:
        del call_all_endpoints, extra_headers  # for servers older than any that we support
        endpoint, method = self._get_endpoint_from_method(api)
        response = self._get_response_from_method(api)
        return _ask(connection_for(self._uri), method, endpoint, json_body, response)


def _creds(connection: Connection) -> MlflowHostCreds:
    """For the few calls that MLflow makes past `_call_endpoint`: the auth provider signs them."""
    tls = connection.tls
    pair = tuple(str(path) for path in (tls.client_cert, tls.client_key) if path)
    return MlflowHostCreds(
        host=connection.http.base,
        auth=NAME,
        client_cert_path=pair if tls.client_key else "".join(pair) or None,
        server_cert_path=str(tls.ca_bundle) if tls.ca_bundle and tls.verify else None,
        ignore_tls_verification=not tls.verify,
    )


def _ask(connection: Connection, method: str, endpoint: str, body: str | None, message: Any) -> Any:
    """Make one call; what MLflow's callers catch is raised, with the exact cause as its cause."""
    try:
        answer = connection.call(method, endpoint, json.loads(body) if body else None)
    except RegisterError as error:
        raise MlflowException(str(error)) from error
    try:
        parse_dict(js_dict=answer.json_object(), message=message)
    except RegisterError as error:
        raise _mlflow_error(answer, error) from error
    return message


def _mlflow_error(answer: Answer, error: RegisterError) -> MlflowException:
    said = answer.maybe_json()
    if isinstance(said, dict) and "error_code" in said:
        return RestException(said)
    return MlflowException(str(error))
