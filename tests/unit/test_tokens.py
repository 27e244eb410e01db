"""What the service takes as a token: the SDK's letters, the service's metrics and their ranges."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from hokusai_register import tokens
from hokusai_register.tokenized import Token

SHARES = ("accuracy", "auroc", "auc", "f1", "precision", "recall", "reply_rate", "conversion_rate")


@pytest.mark.parametrize("text", ["a", "msg-ai", "A" * 64, "0-0"])
def test_a_token_is_stored_in_upper_case(text: str) -> None:
    assert tokens.token_id(text) == text.upper()


@pytest.mark.parametrize("text", ["", "-a", "a-", "a_b", "a b", "a\n", "A" * 65, "ä", "a.b"])
def test_a_token_has_other_letters_no_more(text: str) -> None:
    with pytest.raises(ValueError, match=r"letters and digits|at most 64"):
        tokens.token_id(text)


def test_the_metrics_are_those_of_the_service() -> None:
    assert set(tokens.METRICS) == {*SHARES, "mse", "rmse", "mae", "r2", "engagement_score"}


@pytest.mark.parametrize("name", ["AUC", "auc", "Auc"])
def test_the_case_of_a_metric_does_not_matter(name: str) -> None:
    assert tokens.metric_name(name) == "auc"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("f1_score", "recall, reply_rate"),
        ("model:accuracy", "did you mean 'accuracy'"),
        ("latency_ms", "metrics (accuracy, auroc"),
        ("", "metrics ("),
    ],
)
def test_a_metric_that_the_service_refuses_is_told_apart(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match="is none of the service") as caught:
        tokens.metric_name(name)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        *((name, value) for name in SHARES for value in (0.0, 0.5, 1.0)),
        *((name, value) for name in ("mse", "rmse", "mae") for value in (5e-324, 1.0, 1e9)),
        *(("r2", value) for value in (-3.0, 0.0, 1.0)),
        *(("engagement_score", value) for value in (0.0, 1e9)),
    ],
)
def test_a_baseline_in_its_range(metric: str, value: float) -> None:
    assert tokens.token("t", metric, value) == Token(id="T", metric=metric, baseline=value)


def test_details_are_what_the_event_takes() -> None:
    given = {"eval_spec": " e/1 ", "scorer_ref": None, "api_schema": {"inputs": ["text"]}}
    told = tokens.details(given)
    assert told == {"eval_spec": "e/1", "api_schema": {"inputs": ["text"]}}
    token = replace(tokens.token("t", "auc", 0.5), details=told)
    assert token.tags == {"hokusai.eval_spec": "e/1"}
    assert token.facts["details"] == told
    assert "details" not in replace(token, details={}).facts


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"eval_spec": " "}, "eval_spec"),
        ({"scorer_ref": 5}, "scorer_ref"),
        ({"primary_metric": "x" * 501}, "500"),
        ({"benchmark_spec_id": "a\0b"}, "benchmark_spec_id"),
        ({"api_schema": ["text"]}, "no mapping"),
        ({"api_schema": {"a": math.nan}}, "api_schema|a"),
        ({"other": "text"}, "nothing that an event tells"),
    ],
)
def test_details_that_no_event_takes(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        tokens.details(wrong)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        *((name, value) for name in SHARES for value in (-0.1, 1.1)),
        *((name, value) for name in ("mse", "rmse", "mae") for value in (0.0, -1.0)),
        ("r2", 1.1),
        ("engagement_score", -0.1),
        *((name, value) for name in tokens.METRICS for value in (math.nan, math.inf, -math.inf)),
        *((name, True) for name in SHARES),
    ],
)
def test_a_baseline_out_of_its_range(metric: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"no baseline for {metric}"):
        tokens.token("t", metric, value)


@pytest.mark.parametrize("text", ["nan", "inf", "0.8x", "", "1,5", "true"])
def test_a_baseline_is_written_as_metrics_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        tokens.baseline_text("auc", text)


def test_a_number_is_read_even_where_the_metric_is_not_known() -> None:
    assert tokens.baseline_text("", "7") == 7
    assert tokens.baseline_text("auc", " 8e-1 ") == 0.8
