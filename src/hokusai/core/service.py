"""The Hokusai API beside MLflow: the way to it, and what it does that its MLflow proxy cannot."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import quote

from hokusai.exceptions import ConfigurationError
from hokusai.places import network
from hokusai.settings import Settings
from hokusai_register.http import Effect, Http, Login, refusal


def way(settings: Settings) -> Http:
    """Return the way to the API, unopened; raises ConfigurationError if nothing leads there."""
    if not settings.api_url:
        raise ConfigurationError(
            "the address of the Hokusai API is not known",
            why=f"{settings.tracking_uri} says nothing about it",
            fix="set HOKUSAI_API_ENDPOINT, such as https://registry.hokus.ai/api",
        )
    if not settings.credentials.key:
        raise ConfigurationError(
            "there is no key",
            why="the Hokusai API takes nothing but a Hokusai key",
            fix="set HOKUSAI_API_KEY, or hand the key to setup() or ModelRegistry()",
        )
    return Http(settings.api_url, network(settings), Login.key(settings.credentials.key))


def remove_version(name: str, number: str, settings: Settings) -> None:
    """Delete a model version; raises what the answer means."""
    http = way(settings)
    with closing(http):
        path = f"/api/models/{quote(name, safe='')}/{quote(number, safe='')}"
        answer = http.request("DELETE", path, Effect.REPEATABLE)
    if not answer.ok:
        raise refusal(answer)
