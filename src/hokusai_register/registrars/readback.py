"""Reads back what was registered: only what the registry shows again counts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from hokusai_register.errors import Reason, UnconfirmedError
from hokusai_register.http import both
from hokusai_register.model import Artifact, Model
from hokusai_register.registrars import terms
from hokusai_register.registrars.late import patiently
from hokusai_register.registrars.registry import Registry
from hokusai_register.registrars.shelf import Shelf

PROCESSING = 60.0  # seconds that a server may take to make a version READY


def files(shelf: Shelf, path: str, expected: Mapping[str, int]) -> None:
    """Raise unless exactly the `expected` files, with these sizes in bytes, are kept at `path`."""

    def look() -> None:
        kept = shelf.files(path)
        if kept != expected:
            raise _differs(shelf, _unlike(expected, kept))

    patiently(look, Reason.VERIFY_FAILED)


def version_and_run(
    model: Model, digest: str, made: Any, registry: Registry, *, ours: bool
) -> tuple[Any, Any | None]:
    """Return the version and its run, if any, as the registry shows them now.

    Raise unless the version is READY and has our digests, and the run what was logged; a run of
    `ours` is finished as well.
    """

    def run_of(one: Any) -> Any | None:
        return registry.run_behind(one) if one.run_id else None

    def look() -> tuple[Any, Any | None]:
        shown, found = both(
            lambda: _version(model, digest, str(made.version), registry), lambda: run_of(made)
        )
        if shown.run_id != made.run_id:
            found = run_of(shown)
        if found:
            _check_run(model, found, registry.shelf, ours=ours)
        return shown, found

    return patiently(look, Reason.NOT_FOUND, Reason.VERIFY_FAILED)


def sizes(artifact: Artifact, mlmodel: bytes) -> dict[str, int]:
    """Return the files that an artifact leaves in the registry, with their sizes in bytes."""
    ours = {} if artifact.is_mlmodel else {"MLmodel": len(mlmodel)}
    return {**{file.path: file.size for file in artifact.files}, **ours}


_DIGESTS = (terms.KEY, terms.MODEL_SHA256, terms.METRICS_SHA256, terms.STATE)


def _version(model: Model, digest: str, number: str, registry: Registry) -> Any:
    """Return the version as the registry shows it now, READY and with our digests, or raise."""
    shown = registry.version(model.name, number)
    # An answer without a version would count as one that is still being made.
    same = {"name": model.name, "version": number}
    _same(registry.shelf, same, {"name": shown.name, "version": str(shown.version)})
    deadline = time.monotonic() + PROCESSING
    while shown.status == "PENDING_REGISTRATION" and time.monotonic() < deadline:
        time.sleep(1)
        shown = registry.version(model.name, number)
    of_token = terms.token_tags(model, str(shown.run_id or ""))
    sent = terms.version_tags(model, digest) | of_token
    names = [*_DIGESTS, *(of_token.keys() - {terms.EVENT})]  # which has moved on, perhaps
    expected = {"status": "READY", **{name: sent[name] for name in names}}
    seen = {"status": shown.status, **{name: shown.tags.get(name) for name in names}}
    _same(registry.shelf, expected, seen)
    return shown


def _check_run(model: Model, run: Any, shelf: Shelf, *, ours: bool) -> None:
    """Raise unless the run has the metrics and params, and is finished if it is ours."""
    for name, value in model.metrics.items():
        if not math.isclose(run.data.metrics.get(name, math.nan), value, rel_tol=1e-9):
            _same(shelf, {name: value}, {name: run.data.metrics.get(name)})
    _same(shelf, model.params, {name: run.data.params.get(name) for name in model.params})
    if ours:
        seen = {"status": run.info.status, terms.STATE: run.data.tags.get(terms.STATE)}
        _same(shelf, {"status": "FINISHED", terms.STATE: terms.COMPLETE}, seen)


def _same(shelf: Shelf, expected: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        if seen.get(name) != value:
            raise _differs(shelf, f"{name} is {seen.get(name)!a} there, and {value!a} was sent")


def _differs(shelf: Shelf, why: str) -> UnconfirmedError:
    return UnconfirmedError(
        f"what {shelf.host} shows is not what was registered",
        why=why,
        fix="look at the model's page before using it; if nobody changed it, report the server",
        reason=Reason.VERIFY_FAILED,
    )


def _unlike(expected: Mapping[str, int], kept: Mapping[str, int]) -> str:
    wrong = sorted(
        name for name in expected.keys() | kept.keys() if expected.get(name) != kept.get(name)
    )
    shown = ", ".join(
        f"{name!a} ({_size(expected.get(name))} sent, {_size(kept.get(name))} kept)"
        for name in wrong[:5]
    )
    return f"{len(wrong)} files are not there as they were sent: {shown}"


def _size(size: int | None) -> str:
    return "none" if size is None else f"{size:,} bytes"
