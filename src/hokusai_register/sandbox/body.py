"""What the body of a baseline request must look like, complained about in FastAPI's words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hokusai_register.model import canonical

_STRINGS = ("model_id", "model_type", "version", "mlflow_run_id")

_MESSAGES = {
    "missing": "Field required",
    "json_invalid": "JSON decode error",
    "dict_type": "Input should be a valid dictionary",
    "string_type": "Input should be a valid string",
    "string_unicode": "Input should be a valid string, "
    "unable to parse raw data as a unicode string",
    "string_too_short": "String should have at least 1 character",
    "float_type": "Input should be a valid number",
    "finite_number": "Input should be a finite number",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a body: where, and which of the known kinds."""

    kind: str
    path: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the entry of `detail` that FastAPI would send."""
        return {"loc": ["body", *self.path], "msg": _MESSAGES[self.kind], "type": self.kind}


def parse(raw: bytes) -> dict[str, Any] | list[Problem]:
    """Return the known fields that were given, or everything that is wrong with them."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return [Problem("json_invalid")]
    if not isinstance(body, dict):
        return [Problem("dict_type")]
    names = (*_STRINGS, "metrics", "metadata")
    given = {name: body[name] for name in names if body.get(name) is not None}
    return [*_strings(given), *_metrics(given), *_metadata(given)] or given


def _strings(given: Mapping[str, Any]) -> Iterator[Problem]:
    for name in _STRINGS:
        if name in given and (kind := _string(given[name])):
            yield Problem(kind, (name,))
    if "model_type" not in given:
        yield Problem("missing", ("model_type",))


def _string(value: object) -> str:
    if not isinstance(value, str):
        return "string_type"
    if not value:
        return "string_too_short"
    # JSON may escape half a surrogate pair, which neither SQLite nor UTF-8 can hold.
    return "string_unicode" if any("\ud800" <= letter <= "\udfff" for letter in value) else ""


def _metrics(given: Mapping[str, Any]) -> Iterator[Problem]:
    metrics = given.get("metrics", {})
    if not isinstance(metrics, dict):
        yield Problem("dict_type", ("metrics",))
        return
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield Problem("float_type", ("metrics", name))
        elif not _is_finite(value):
            yield Problem("finite_number", ("metrics", name))


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def _metadata(given: Mapping[str, Any]) -> Iterator[Problem]:
    metadata = given.get("metadata", {})
    if not isinstance(metadata, dict):
        yield Problem("dict_type", ("metadata",))
        return
    try:
        canonical(metadata)
    except ValueError:  # NaN and Infinity are no JSON, wherever they stand
        yield Problem("finite_number", ("metadata",))
