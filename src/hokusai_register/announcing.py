"""The inputs of a tokenized registration: all three or none, and somebody to announce it to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from hokusai_register import tokens
from hokusai_register.model import Backend, Model
from hokusai_register.policy import Step
from hokusai_register.reader import Reader
from hokusai_register.tokenized import TAGS, Token

INPUTS = ("token-id", "metric-name", "baseline-value")


def token(reader: Reader) -> Token | None:
    """Return the token and its baseline; None if none is given."""
    given = list(filter(reader.text, INPUTS))
    if not given:
        return None
    for name in INPUTS:
        if name not in given:
            reader.problem(name, f"a tokenized registration needs it, besides {', '.join(given)}")
    name = reader.get("token-id", tokens.token_id, "")
    metric = reader.get("metric-name", tokens.metric_name, "")
    baseline = partial(tokens.baseline_text, metric)
    return Token(id=name, metric=metric, baseline=reader.get("baseline-value", baseline, math.nan))


def announceable(
    reader: Reader, model: Model | None, steps: Sequence[Step], api_url: str, *, key: bool
) -> None:
    """Refuse a token that would be registered and could not be announced, whatever happens."""
    if model is None or model.token is None:
        return
    for name in TAGS:
        if name in model.tags:
            reader.problem("tags", f"{name} is what a tokenized registration sets itself")
    if all(step.backend is not Backend.MLFLOW for step in steps):
        return
    if not api_url:
        reader.problem("api-url", "a token is announced there, and `tracking-uri` does not tell it")
    if not key and not reader.text("api-key"):
        reader.problem("api-key", "a token is announced with it, whatever MLflow is logged in with")
