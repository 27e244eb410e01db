"""The backends that can register a model, put together here; building them opens no connection."""

from __future__ import annotations

from hokusai_register.http import Http, Login, Network, Tls
from hokusai_register.inputs import Credentials, Inputs
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.model import Backend
from hokusai_register.register import Registrar, Watcher
from hokusai_register.registrars.api import HokusaiApi
from hokusai_register.registrars.mlflow import RemoteMLflow


def build(inputs: Inputs, until: float, watcher: Watcher) -> dict[Backend, Registrar]:
    """Return a registrar for each backend that may be asked.

    `until` is when the step must be over, in seconds of the monotonic clock.
    """
    files = inputs.tls
    tls = Tls(files.ca_bundle, files.client_cert, files.client_key, verify=files.verify)
    network = Network(tls=tls, until=until)
    built: dict[Backend, Registrar] = {
        Backend.MLFLOW: RemoteMLflow(
            Connection(inputs.tracking_uri, network, mlflow_login(inputs.credentials)), watcher
        )
    }
    if inputs.api_url:
        api = Http(inputs.api_url, network, Login.key(inputs.credentials.key))
        built[Backend.API] = HokusaiApi(api, watcher)
    return built


def mlflow_login(found: Credentials) -> Login:
    """Return how to log in to MLflow: its own credentials, if there are any, before the key."""
    if found.token:
        return Login.token(found.token)
    if found.user and found.password:
        return Login.basic(found.user, found.password)
    return Login.key(found.key)
