"""Registers a model at a place, by the engine, and shows what the place shows of it afterwards."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC, datetime
from typing import cast

from hokusai.core import service
from hokusai.core.lookup import Lookup
from hokusai.core.simulation import Simulation
from hokusai.exceptions import API, MLFLOW, ConfigurationError, translated
from hokusai.places import Place
from hokusai.settings import Settings
from hokusai_register.errors import RegisterError
from hokusai_register.model import Artifact, Backend, Model, Receipt, Status
from hokusai_register.policy import ONLY_LOCAL, ONLY_MOCK, POLICIES, Fallback, Step
from hokusai_register.register import Registrar, register
from hokusai_register.registrars import Locked, terms
from hokusai_register.registrars.api import Baseline, HokusaiApi
from hokusai_register.registrars.catalog import Version
from hokusai_register.registrars.events import Announcer
from hokusai_register.registrars.local import LocalMLflow
from hokusai_register.registrars.mlflow import RemoteMLflow
from hokusai_register.registrars.mock import Mock

_LOG = logging.getLogger("hokusai")


class _Watcher:
    """Tells how it goes to whoever listens to the logger `hokusai`."""

    def step(self, text: str) -> None:
        """Say what comes next."""
        _LOG.info("%s", text)

    def begins(self, total: int) -> None:
        """Say that an upload begins."""
        _LOG.info("sending %d bytes", total)

    def advances(self, size: int) -> None:
        """Say that a part of it has left."""
        _LOG.debug("sent %d bytes", size)


def carry_out(
    model: Model, place: Place, settings: Settings, *, announce: bool = True
) -> tuple[Status, Receipt]:
    """Register `model` at `place`, and announce its token, if it has one and that is asked for.

    Raises what the engine's error means to the SDK's users.
    """
    announcer = None
    if announce and model.token and place.backend is Backend.MLFLOW:
        announcer = Announcer(service.way(settings), _Watcher())  # before anything is written
    steps, registrars = _ways(model, place, settings, announcer)
    report = register(model, steps, registrars)
    if report.receipt:
        return report.status, report.receipt
    error = cast("RegisterError", report.error)  # one of the two is always there
    last = report.attempts[-1]
    asked = API if last.backend is Backend.API and last.error is error else MLFLOW
    raise translated(error, asked) from error


def record(model: Model, settings: Settings) -> Baseline:
    """Record a baseline with the Hokusai API; raises ConfigurationError if it cannot be asked."""
    http = service.way(settings)
    with closing(http):
        return HokusaiApi(http, _Watcher()).record(model)


def _ways(
    model: Model, place: Place, settings: Settings, announcer: Announcer | None
) -> tuple[tuple[Step, ...], dict[Backend, Registrar]]:
    """Return what is tried, and by whom."""
    if place.backend is Backend.MOCK:
        return ONLY_MOCK, {Backend.MOCK: Mock()}
    if place.backend is Backend.LOCAL:
        return ONLY_LOCAL, {Backend.LOCAL: _local(model, place, settings)}
    steps = POLICIES[Fallback.API]
    registrars: dict[Backend, Registrar] = {Backend.MLFLOW: _mlflow(place, announcer)}
    try:
        # What is logged in a registry, only that registry can say.
        if isinstance(model.source, Artifact):
            registrars[Backend.API] = HokusaiApi(service.way(settings), _Watcher())
    except ConfigurationError:
        _LOG.debug("the Hokusai API is not asked: nothing says where it is, or there is no key")
    return tuple(step for step in steps if step.backend in registrars), registrars


def _mlflow(place: Place, announcer: Announcer | None) -> Registrar:
    if place.connection:
        return RemoteMLflow(place.connection, _Watcher(), announcer=announcer)
    return Locked(cast("RegisterError", place.error))  # without it, there would be a server


def _local(model: Model, place: Place, settings: Settings) -> Registrar:
    local = settings.local
    server = None
    if place.connection:
        server = RemoteMLflow(place.connection, _Watcher(), Backend.LOCAL)
        if not isinstance(model.source, Artifact):
            return server
    return LocalMLflow(local.database, local.workspace, server, _Watcher())


class Registering(Lookup):
    """A registry that can register."""

    def _made(self, model: Model, *, announce: bool = True) -> tuple[Version, Status, Receipt]:
        """Register `model`; return the version as its place shows it now, and what became of it."""
        status, receipt = carry_out(model, self._place, self._settings, announce=announce)
        if receipt.backend in (Backend.MLFLOW, Backend.LOCAL):
            return self._versions.get(model.name, receipt.model_version), status, receipt
        tags = terms.version_tags(model, receipt.digest) | terms.token_tags(model, "")
        if receipt.backend is Backend.MOCK:
            simulation = cast("Simulation", self._versions)
            return simulation.add(model.name, tags), status, receipt
        baseline = Version(
            name=model.name,
            number=receipt.model_version,
            tags=tags,
            run_id="",
            created=datetime.now(UTC),
        )
        return baseline, status, receipt
