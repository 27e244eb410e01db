"""Whom to trust, and who we are: the inputs and the variables that say so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hokusai_register import checks
from hokusai_register.model import Secret
from hokusai_register.reader import Reader


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust, and who we are: PEM files. `verify` is off in development only."""

    ca_bundle: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to log in: the key for both services, or what the MLflow server wants instead of it."""

    key: Secret
    token: Secret
    user: str
    password: Secret

    def __bool__(self) -> bool:
        return bool(self.ways)

    @property
    def ways(self) -> tuple[str, ...]:
        """How MLflow could be logged in to; the first one is taken."""
        there = {
            "MLFLOW_TRACKING_TOKEN": self.token,
            "MLFLOW_TRACKING_USERNAME and _PASSWORD": self.user and self.password,
            "the Hokusai key": self.key,
        }
        return tuple(name for name, given in there.items() if given)


def tls(reader: Reader, addresses: Iterable[str]) -> Tls:
    """Return whom to trust, and who we are."""
    insecure = reader.boolean("insecure-tls")
    named = reader.source("insecure-tls")
    away = not all(checks.is_loopback(address) for address in addresses if address)
    if insecure and named != "insecure-tls" and away:
        reader.problem(
            named,
            "the key would go to whoever answers: set the input `insecure-tls` if that is meant",
        )
    if reader.text("client-key") and not reader.text("client-cert"):
        reader.problem("client-key", "it needs `client-cert`")
    return Tls(
        ca_bundle=reader.file("ca-bundle"),
        client_cert=reader.file("client-cert"),
        client_key=reader.file("client-key"),
        verify=not insecure,
    )


def credentials(reader: Reader) -> Credentials:
    """Return every login that was handed in."""
    return Credentials(
        key=reader.key(),
        token=reader.variable("MLFLOW_TRACKING_TOKEN", bare=True),
        user=reader.variable("MLFLOW_TRACKING_USERNAME").reveal(),
        password=reader.variable("MLFLOW_TRACKING_PASSWORD"),
    )
