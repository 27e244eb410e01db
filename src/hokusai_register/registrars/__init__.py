"""The backends that can register a model, put together here; building them opens no connection."""

from __future__ import annotations

from collections.abc import Sequence

from hokusai_register.deadline import Deadline
from hokusai_register.errors import RegisterError
from hokusai_register.http import Http, Login, Network
from hokusai_register.inputs import Inputs
from hokusai_register.mlflow_plugin.connection import Connection
from hokusai_register.model import Attempt, Backend, Model, Receipt
from hokusai_register.register import Registrar, Watcher
from hokusai_register.registrars.api import HokusaiApi
from hokusai_register.registrars.events import Announcer
from hokusai_register.registrars.local import LocalMLflow
from hokusai_register.registrars.mlflow import RemoteMLflow
from hokusai_register.registrars.mock import Mock


def network(inputs: Inputs, deadline: Deadline) -> Network:
    """Return what all exchanges of this run share."""
    return Network(tls=inputs.tls, deadline=deadline)


def build(inputs: Inputs, network: Network, watcher: Watcher) -> dict[Backend, Registrar]:
    """Return a registrar for each backend that the policy may come to."""
    makers = {
        Backend.MLFLOW: lambda: _mlflow(inputs, network, watcher),
        Backend.API: lambda: _api(inputs, network, watcher),
        Backend.LOCAL: lambda: _local(inputs, network.deadline, watcher),
        Backend.MOCK: Mock,
    }
    return {step.backend: makers[step.backend]() for step in inputs.policy}


class Locked:
    """A backend that cannot be asked, and why."""

    def __init__(self, error: RegisterError) -> None:
        self._error = error

    def register(self, _model: Model, _tried: Sequence[Attempt]) -> Receipt:
        """Raise why."""
        raise self._error

    def check(self, _model: Model) -> tuple[str, ...]:
        """Raise why."""
        raise self._error


def _mlflow(inputs: Inputs, network: Network, watcher: Watcher) -> Registrar:
    if inputs.locked:
        return Locked(inputs.locked)
    connection = Connection(inputs.tracking_uri, network, Login.of(inputs.credentials))
    announcer = Announcer(_http(inputs, network), watcher) if inputs.model.token else None
    return RemoteMLflow(connection, watcher, announcer=announcer)


def _api(inputs: Inputs, network: Network, watcher: Watcher) -> Registrar:
    if inputs.locked:
        return Locked(inputs.locked)
    return HokusaiApi(_http(inputs, network), watcher)


def _http(inputs: Inputs, network: Network) -> Http:
    """Return the way to the API, which knows only the key, whatever MLflow is logged in to with."""
    return Http(inputs.api_url, network, Login.key(inputs.credentials.key))


def _local(inputs: Inputs, deadline: Deadline, watcher: Watcher) -> Registrar:
    local = inputs.local
    # It is asked once only: that nobody answers there is the rule, not a fault.
    network = Network(deadline=deadline, tries=1)
    served = Connection(local.server, network, Login.nobody())
    server = RemoteMLflow(served, watcher, Backend.LOCAL)
    return LocalMLflow(local.database, local.workspace, server, watcher)
