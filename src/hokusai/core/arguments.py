"""Turns the arguments of a call into the engine's model: checked as the action's inputs are."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hokusai.core import entries
from hokusai.exceptions import InvalidParameterError
from hokusai.settings import Settings
from hokusai_register import artifact, checks, mappings, sections, tokens
from hokusai_register.model import Artifact, Model
from hokusai_register.paths import Roots
from hokusai_register.reader import Reader
from hokusai_register.tokenized import Token

Metrics = Mapping[str, float]


@runtime_checkable
class SavableModel(Protocol):
    """A model object that can write itself to a path, and knows its id, version and metrics."""

    model_id: str
    version: str

    def get_metrics(self) -> dict[str, float]:
        """Return the model's metrics."""
        ...

    def save(self, path: str) -> None:
        """Write the model to `path`, as a file or a directory."""
        ...


Source = str | os.PathLike[str] | SavableModel


class _Arguments(Reader):
    """Arguments of a call: what is logged already has metrics of its own, and need not be told."""

    def metrics(self) -> dict[str, float]:
        """Return the metrics that are given, checked."""
        return super().metrics() if self.text("metrics") else {}


def described(
    settings: Settings, *, metrics: Metrics, tags: Mapping[str, str], **told: str
) -> Model:
    """Return a model without its files; `told` are the engine's inputs by name.

    Raises InvalidParameterError, about everything at once.
    """
    known = as_json(metrics)
    shown = {entries.METRICS: known} if metrics and len(known) <= sections.TAG_LIMIT else {}
    raw = {
        **{name.replace("_", "-"): value for name, value in told.items()},
        "metrics": known if metrics else "",
        "tags": as_json({**tags, **shown}),
    }
    reader = _Arguments(raw, {}, Roots(Path.cwd()))
    model = sections.describe(reader)
    reader.complain(None)
    return _from_here(model, settings)


def baseline(
    settings: Settings,
    *,
    model_id: str,
    model_type: str,
    version: str,
    metrics: Metrics,
    run_id: str,
    metadata: Mapping[str, Any],
) -> Model:
    """Return a baseline for the API, which takes one without a name, metrics, version or run."""
    raw = {
        "model-name": model_id,
        "model-type": model_type,
        "version": version,
        "metrics": as_json(metrics) if metrics else "",
        "run-id": run_id,
        "metadata": as_json(metadata),
    }
    reader = Reader(raw, {}, Roots(Path.cwd()))
    no_metrics: dict[str, float] = {}
    no_metadata: dict[str, object] = {}
    if not model_type:
        reader.problem("model-type", "it is missing")
    model = Model(
        name=reader.get("model-name", checks.model_name, ""),
        source="",
        kind=reader.get("model-type", checks.kind, ""),
        version=reader.get("version", checks.version_label, ""),
        metrics=reader.get("metrics", mappings.metrics, no_metrics),
        run_id=reader.get("run-id", checks.run_id, ""),
        metadata=reader.get("metadata", mappings.document, no_metadata),
    )
    reader.complain(None)
    return replace(_from_here(model, settings), origin=settings.api_url)


@contextmanager
def source(model: Source) -> Iterator[Artifact | str]:
    """Give the files of a path or of a model object, hashed, or the checked URI of what is logged.

    Raises InvalidParameterError for anything else.
    """
    if isinstance(model, str) and model.startswith(("runs:/", "models:/")):
        yield model_uri(model)
    elif isinstance(model, str | os.PathLike):
        path = Path(os.path.realpath(os.fsdecode(model)))
        yield artifact.read(path.name, Roots(path.parent))
    elif isinstance(model, SavableModel):
        with tempfile.TemporaryDirectory(prefix="hokusai-") as scratch:
            model.save(str(Path(scratch) / "model"))
            yield artifact.read("model", Roots(Path(scratch)))
    else:
        raise InvalidParameterError(
            f"{type(model).__name__} is no model",
            why="a path, a runs:/ or models:/ URI, or an object with model_id, version, "
            "get_metrics() and save(path) is needed",
            fix="write the model to a file, and give its path",
        )


def model_uri(uri: str) -> str:
    """Return the URI of what is logged already; raises InvalidParameterError."""
    try:
        return checks.model_uri(uri)
    except ValueError as error:
        raise InvalidParameterError(
            "the model's URI cannot be used",
            why=str(error),
            fix="give runs:/RUN/PATH or models:/NAME/VERSION",
        ) from error


def tags(given: Mapping[str, object]) -> dict[str, str]:
    """Return tags that every registry keeps as they are; raises InvalidParameterError."""
    try:
        return mappings.strings(as_json(given), what="tags", longest=sections.TAG_LIMIT)
    except ValueError as error:
        raise InvalidParameterError(
            "the tags cannot be used", why=str(error), fix="correct what it names"
        ) from error


def detailed(token: Token | None, told: Mapping[str, object]) -> Token | None:
    """Return a token with what its event tells besides; raises InvalidParameterError."""
    if token is None:
        return None
    try:
        return replace(token, details=tokens.details(told))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParameterError(
            "the event's details cannot be used", why=str(error), fix="correct what it names"
        ) from error


def no_metrics() -> InvalidParameterError:
    """Return the error for files of which nobody knows how good they are."""
    return InvalidParameterError(
        "there are no metrics",
        why="a model without metrics says nothing, and its files do not tell",
        fix="give `metrics`, such as {'accuracy': 0.95}",
    )


def as_number(value: object) -> str:
    """Return a number as text, for the engine to check; raises InvalidParameterError."""
    if isinstance(value, bool):
        raise InvalidParameterError(
            f"{value} is no number", why="it is a truth value", fix="give a number"
        )
    return as_json(value)


def own_tags(
    given: Mapping[str, str], taken: Sequence[str] = entries.OURS, **ours: str
) -> dict[str, str]:
    """Return the tags of the SDK over the user's own, which must claim no name that is taken."""
    claimed = sorted({*taken} & given.keys())
    if claimed:
        raise InvalidParameterError(
            f"the tag {claimed[0]!a} cannot be given",
            why="the SDK sets it from the other arguments",
            fix="choose another name",
        )
    return {**given, **{name: value for name, value in ours.items() if value}}


def as_json(value: object) -> str:
    """Return `value` as JSON, numbers of any library as numbers; raises InvalidParameterError."""
    try:
        return json.dumps(value, default=float)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParameterError(
            "an argument cannot be sent",
            why=f"it holds what JSON cannot: {error}",
            fix="give text, numbers, lists and mappings",
        ) from error


def _from_here(model: Model, settings: Settings) -> Model:
    return replace(model, provenance=settings.provenance, origin=settings.origin)
