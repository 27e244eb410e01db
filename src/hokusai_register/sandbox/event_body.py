"""What the body of an event must look like, complained about in the service's own words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

REQUIRED = (
    *("model_name", "version", "token_id", "proposal_identifier"),
    *("metric_name", "mlflow_run_id"),
)
MIRRORED = ("eval_spec", "scorer_ref", "primary_metric", "benchmark_spec_id")

_LONGEST = 500
_OPTIONAL = (*MIRRORED, "model_uri")
Problem = dict[str, Any]


class NotANumberError(Exception):
    """A number that JSON does not have: the service's complaint about it breaks, with a 500."""


def decoded(raw: bytes) -> object:
    """Return the JSON in `raw`, or raise ValueError; NaN and Infinity count as JSON here."""
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise ValueError from error


def parse(body: object) -> dict[str, Any] | list[Problem]:
    """Return the fields of an event as the service reads them, or all that is wrong with them."""
    if not isinstance(body, dict):
        text = "Input should be a valid dictionary or object to extract fields from"
        return [_problem("model_attributes_type", text, (), body)]
    given = {name: value for name, value in body.items() if value is not None}
    problems = [*_texts(body), *_options(given), *_numbers(body), *_mappings(given)]
    if problems:
        return problems
    texts = {name: given[name].strip() for name in (*REQUIRED, *_OPTIONAL) if name in given}
    rest = {name: given[name] for name in ("api_schema", "tags") if name in given}
    baseline = float(given["baseline_value"])
    current = float(given.get("current_value", baseline))
    return {**texts, **rest, "baseline_value": baseline, "current_value": current}


def answer(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the service says of an event that it passed on."""
    names = [event[name] for name in ("model_name", "version", "token_id")]
    return {
        "status": "ok",
        "model_id": "/".join(names),
        "model_name": names[0],
        "version": names[1],
        "event_emitted": True,
        "detail": None,
    }


def malformed() -> list[Problem]:
    """Return the complaint about what is no JSON."""
    return [_problem("json_invalid", "JSON decode error", (0,), {})]


def _texts(body: Mapping[str, Any]) -> Iterator[Problem]:
    for name in REQUIRED:
        if name not in body:
            yield _problem("missing", "Field required", (name,), body)
        elif not _is_text(body[name]):
            yield _problem(
                "value_error", "Value error, must be a non-empty string", (name,), body[name]
            )


def _options(given: Mapping[str, Any]) -> Iterator[Problem]:
    for name in _OPTIONAL:
        if name not in given:
            continue
        value = given[name]
        if not _is_text(value):
            text = f"Value error, {name} must be a non-empty string when provided"
            yield _problem("value_error", text, (name,), value)
        elif name in MIRRORED and len(value.strip()) > _LONGEST:
            text = f"String should have at most {_LONGEST} characters"
            yield _problem("string_too_long", text, (name,), value)


def _numbers(body: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("baseline_value", "current_value"):
        value = body.get(name)
        if name not in body and name == "baseline_value":
            yield _problem("missing", "Field required", (name,), body)
        elif (value is None and name == "current_value") or _is_finite(value):
            continue
        elif isinstance(value, float):
            raise NotANumberError
        else:
            yield _problem("float_type", "Input should be a valid number", (name,), value)


def _mappings(given: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("api_schema", "tags"):
        value = given.get(name, {})
        if not isinstance(value, dict):
            yield _problem("dict_type", "Input should be a valid dictionary", (name,), value)
        elif name == "tags":
            for tag, text in value.items():
                if not isinstance(text, str):
                    said = "Input should be a valid string"
                    yield _problem("string_type", said, (name, tag), text)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_finite(value: object) -> bool:
    """Whether it is a number, or text that is one."""
    try:
        return isinstance(value, int | float | str) and math.isfinite(float(value))
    except (ValueError, OverflowError):
        return False


def _problem(kind: str, text: str, path: tuple[str | int, ...], value: object) -> Problem:
    return {"type": kind, "loc": ["body", *path], "msg": text, "input": value}
