"""Who would be asked, as whom, and over which network: what of the inputs is not about a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hokusai_register import access, checks, sections
from hokusai_register.access import Credentials
from hokusai_register.deadline import Deadline
from hokusai_register.hosts import Request
from hokusai_register.http import Login, Network
from hokusai_register.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is asked with; `key_from` is where the key was found, `login` is that for MLflow."""

    tracking_uri: str
    api_url: str
    credentials: Credentials
    login: Login
    key_from: str
    store: Path
    network: Network


def read(request: Request) -> Settings:
    """Return the settings, or complain of all that is wrong with them."""
    reader = Reader(request.raw, request.environ, request.roots)
    tracking_uri, api_url = sections.addresses(reader)
    tls = access.tls(reader, (tracking_uri, api_url))
    credentials = access.credentials(reader)
    local = sections.local(reader, tracking_uri, request.environ, request.roots)
    seconds = reader.get("timeout", checks.seconds, 0.0)
    reader.complain(None)
    return Settings(
        tracking_uri=tracking_uri,
        api_url=api_url,
        credentials=credentials,
        login=Login.of(credentials),
        key_from=reader.source("api-key"),
        store=local.database.parent,
        network=Network(tls=tls, deadline=Deadline(seconds), tries=1),
    )
