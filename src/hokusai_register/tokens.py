"""What the service takes as a token, its metric and its baseline, checked before a write."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

from hokusai_register import mappings
from hokusai_register.checks import matching, near
from hokusai_register.scalars import text_fault
from hokusai_register.tokenized import SCHEMA, TEXTS, Token

LONGEST = 500  # characters of one detail


class Range(NamedTuple):
    """The least and the greatest baseline of a metric, and the same in words."""

    least: float
    greatest: float
    words: str


_SHARE = Range(0.0, 1.0, "from 0 to 1")
_ERROR = Range(math.ulp(0.0), math.inf, "more than 0")

# The service's whole list (its `src/validation/metrics.py`): what is not in it, or out of range,
# is refused with a 502 only after the version was made, and paid for.
METRICS = {
    **dict.fromkeys(("accuracy", "auroc", "auc", "f1", "precision", "recall"), _SHARE),
    **dict.fromkeys(("reply_rate", "conversion_rate"), _SHARE),
    **dict.fromkeys(("mse", "rmse", "mae"), _ERROR),
    "r2": Range(-math.inf, 1.0, "at most 1"),
    "engagement_score": Range(0.0, math.inf, "0 or more"),
}

_letters = matching(
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,62}[A-Za-z0-9])?",
    "a token has letters and digits, with hyphens inside, at most 64",
    64,
)


def token_id(text: str) -> str:
    r"""Return a token id in upper case, as it is stored, or raise ValueError.

    The rule is the SDK's (`hokusai/core/registry.py`, `validate_token_id`): 1 to 64 letters, digits
    and hyphens, no hyphen at either end; without its gap, a `$` that lets `XRAY\n` pass. The
    service itself takes any text, and its webhook writes the id in lower case.
    """
    return _letters(text).upper()


def metric_name(text: str) -> str:
    """Return a metric of the service's list in lower case, or raise ValueError."""
    name = text.lower()
    if name not in METRICS:
        known = ", ".join(METRICS)
        raise ValueError(
            f"{text[:80]!a} is none of the service's metrics ({known}){near(name, METRICS)}"
        )
    return name


def baseline(metric: str, value: float) -> float:
    """Return a baseline that the service takes for a metric of its list, or raise ValueError."""
    least, greatest, words = METRICS[metric]
    if isinstance(value, bool) or not math.isfinite(value) or not least <= value <= greatest:
        raise ValueError(f"{value!r} is no baseline for {metric}, which is {words}")
    return float(value)


def baseline_text(metric: str, text: str) -> float:
    """Return a baseline that was written as metrics are; any number if the metric is not known."""
    value = mappings.number(text)
    return baseline(metric, value) if metric in METRICS else value


def details(given: Mapping[str, object]) -> dict[str, object]:
    """Return what an event may tell besides, without what is None, or raise ValueError."""
    told = {name: value for name, value in given.items() if value is not None}
    for name, value in told.items():
        if name == SCHEMA:
            if not isinstance(value, Mapping):
                raise ValueError(f"{name} is no mapping")
            told[name] = mappings.document(json.dumps(value))
        elif name in TEXTS:
            told[name] = _text(name, value)
        else:
            raise ValueError(f"{name[:80]!a} is nothing that an event tells")
    return told


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is no text, or a blank one")
    if fault := text_fault(value.strip(), LONGEST):
        raise ValueError(f"{name} {fault}")
    return value.strip()


def token(name: str, metric: str, value: float, told: Mapping[str, object] | None = None) -> Token:
    """Return all of it together, checked, or raise ValueError."""
    known = metric_name(metric)
    least = baseline(known, value)
    return Token(id=token_id(name), metric=known, baseline=least, details=details(told or {}))
