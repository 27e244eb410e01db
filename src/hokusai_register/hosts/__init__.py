"""The doors: where inputs come from and where results go. Only here something is printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Protocol

from hokusai_register.access import AWS_SECRETS
from hokusai_register.artifact import Roots
from hokusai_register.model import Report, Secret
from hokusai_register.register import Watcher

# What no library, no child process and no crash dump has to know.
CREDENTIALS = (
    "INPUT_API-KEY",
    "INPUT_API_KEY",
    "HOKUSAI_API_KEY",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    *AWS_SECRETS,
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)


def taken(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Return a copy of the environment, and leave no credential in it."""
    copy = dict(environ)
    for name in CREDENTIALS:
        environ.pop(name, None)
    return copy


@dataclass(frozen=True, slots=True)
class Request:
    """What came in: the inputs by name, the environment, and where files may lie."""

    raw: Mapping[str, str]
    environ: Mapping[str, str]
    roots: Roots


class Host(Watcher, Protocol):
    """What runs us: a GitHub runner, or a person at a terminal."""

    def read(self) -> Request:
        """Return the request, and leave no credential in the environment."""
        ...

    def mask(self, secrets: Iterable[Secret]) -> None:
        """Keep these out of everything that is shown or written from now on."""
        ...

    def publish(self, report: Report) -> bool:
        """Show the report; return False if a place that waits for it could not be written."""
        ...
