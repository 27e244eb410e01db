"""The step summary reads well, and stays one headline and some tables whatever is put into it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import SHA, model, receipt
from hokusai_register.errors import AuthError, Reason
from hokusai_register.model import Attempt, Backend, Provenance, Report
from hokusai_register.summary import ROWS, summary
from hokusai_register.text import prose
from hostile import full, texts
from markdown_rules import page, shape

CAME = Provenance(commit="c0ffee" * 6)
KNOWN = model(kind="sklearn", version="v1.0.0", alias="champion", provenance=CAME)
NO_RIGHT = AuthError(
    "registry.hokus.ai does not let these credentials do this",
    why="HTTP 403: Admin access required for the model registry",
    fix="ask for the right to write there, or use a key that has it",
    reason=Reason.AUTH_403,
)
WRONG_KEY = AuthError(
    "registry.hokus.ai refuses the credentials",
    why="HTTP 401: Invalid or expired API key",
    fix="check that the secret holds a current key of this service",
)
NO_FILES = "the API keeps a model's metrics and digest, not its files"

REGISTERED = f"""\
### ✅ Registered `churn` version `3` in MLflow

| Model | `churn` (`sklearn`) |
| --- | --- |
| Version | `3` |
| Registry | MLflow at `registry.hokus.ai` |
| Why there | it is the first choice, and it confirmed |
| Run | [`9c1e`](https://registry.hokus.ai/mlflow/#/experiments/1/runs/9c1e) |
| Label | `v1.0.0` |
| Alias | `champion` |
| Files | 1 (1.2 MB) |
| SHA-256 | `{SHA}` |
| Commit | `c0ffeec0ffeec0ffeec0ffeec0ffeec0ffee` |

| Metric | Value |
| --- | --- |
| `auc` | `0.91` |
"""

BY_API = f"""\
### ✅ Registered `churn` version `3` in the Hokusai API

| Model | `churn` (`custom`) |
| --- | --- |
| Version | `3` |
| Registry | the Hokusai API at `registry.hokus.ai` |
| Why there | MLflow was passed over: `registry.hokus.ai` does not let these credentials do this \
(`auth-403`) |
| Files | 1 (1.2 MB) |
| SHA-256 | `{SHA}` |

| Metric | Value |
| --- | --- |
| `auc` | `0.91` |

| Tried | Result | Time |
| --- | --- | --- |
| MLflow | `registry.hokus.ai` does not let these credentials do this (`auth-403`) | 0.8 s |
| the Hokusai API | confirmed | 0.4 s |

> [!NOTE]
> - left out of the model: `.env` (may hold credentials)
> - the API keeps a model's metrics and digest, not its files
"""

FAILED = f"""\
### ❌ The model `churn` is not registered

| What happened | `registry.hokus.ai` refuses the credentials |
| --- | --- |
| Why | HTTP 401: Invalid or expired API key |
| What to do | check that the secret holds a current key of this service |
| Reason | `auth-401`, exit code 3 |

| Model | `churn` (`custom`) |
| --- | --- |
| Files | 1 (1.2 MB) |
| SHA-256 | `{SHA}` |

| Metric | Value |
| --- | --- |
| `auc` | `0.91` |
"""

EXAMPLES = [
    (Report(model=KNOWN, attempts=(Attempt(Backend.MLFLOW, 3),), receipt=receipt()), REGISTERED),
    (
        Report(
            model=model(),
            attempts=(Attempt(Backend.MLFLOW, 0.8, NO_RIGHT), Attempt(Backend.API, 0.4)),
            receipt=receipt(backend=Backend.API, run_id="", run_url="", remarks=(NO_FILES,)),
            remarks=("left out of the model: .env (may hold credentials)",),
        ),
        BY_API,
    ),
    (
        Report(model=model(), attempts=(Attempt(Backend.MLFLOW, 1, WRONG_KEY),), error=WRONG_KEY),
        FAILED,
    ),
]


@pytest.mark.parametrize(("report", "text"), EXAMPLES)
def test_a_summary_reads_like_this(report: Report, text: str) -> None:
    assert summary(report) == text


def test_other_ends_have_other_headlines() -> None:
    again = summary(Report(model=model(), receipt=receipt(created=False)))
    assert again.startswith("### ✅ `churn` version `3` was registered already in MLflow\n")
    assert summary(Report(error=WRONG_KEY)).startswith("### ❌ The model is not registered\n")
    assert summary(Report()) == "### Nothing was tried\n"


def test_what_was_logged_before_has_a_source_and_no_files() -> None:
    text = summary(Report(model=model(source="runs:/a/b"), receipt=receipt()))
    assert "| Source | `runs:/a/b` |" in text
    assert "| Files |" not in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567.0, "1234567"),
        (0.1 + 0.2, "0.3"),
        (1e-9, "1e-09"),
        (-0.5, "-0.5"),
        (1e300, "1e+300"),
    ],
)
def test_a_metric_is_shown_as_people_write_it(value: float, shown: str) -> None:
    assert f"| `m` | `{shown}` |" in summary(Report(model=model(metrics={"m": value})))


def test_a_page_shows_some_metrics_and_counts_the_rest() -> None:
    text = summary(Report(model=model(metrics={f"m{number:04}": 1.0 for number in range(1234)})))
    assert text.count("| `m") == ROWS
    assert "| and 1,184 more |  |" in text


SENTENCES = [
    ("nothing but words, and a number: 42", "nothing but words, and a number: 42"),
    ("cannot reach a.example:443", "cannot reach `a.example:443`"),
    ("set `model-path`, then run", "set `model-path`, then run"),
    ("a `b c` d", "a `b c` d"),
    ("(HTTP 429)", "(HTTP `429`)"),
    ("the name 'a | b' is taken", "the name `'a | b'` is taken"),
    ("pass key: ${{ secrets.KEY }}", "pass key: `${{ secrets.KEY }}`"),
    ("call f(x).", "call `f(x)`."),
    ("see #1, GH-1, @me and 0123456789abcdef", "see `#1, GH-1, @me` and `0123456789abcdef`"),
    ("1. no list", "`1`. no list"),
    ("1) no list", "`1`) no list"),
    ("- no list", "`-` no list"),
    ("", ""),
    ("   ", ""),
    ("a\nb", "`a\\nb`"),
    ("`", "`` ` ``"),
    ("`a``b`", "``` `a``b` ```"),
]


@pytest.mark.parametrize(("text", "shown"), SENTENCES)
def test_prose_keeps_words_plain_and_puts_the_rest_into_code(text: str, shown: str) -> None:
    assert prose(text) == shown


def failed(text: Callable[[], str]) -> Report:
    """Return a report with every part that a page can have."""
    report = full(text)
    return replace(report, error=report.attempts[0].error)


TEXT = texts()
PLAIN = shape(page(summary(failed(lambda: "x"))))


@given(st.data())
def test_no_text_changes_the_structure_of_the_page(data: st.DataObject) -> None:
    # A word before it, since blank things are left out on purpose.
    root = page(summary(failed(lambda: f"x{data.draw(TEXT)}")))
    assert shape(root) == PLAIN
    links = [link.get("href", "") for link in root.iter("a")]
    assert len(links) == 1
    assert links[0].startswith("https://a.example/x")
    assert re.fullmatch(r"[!-~]+", links[0])


@given(texts())
def test_prose_is_one_paragraph_of_text_and_code(text: str) -> None:
    told = prose(text).replace("|", "\\|")
    root = page(f"| a | b |\n|---|---|\n| {told} | next |\n")
    (table,) = root
    assert len(list(table.iter("td"))) == 2
    assert {one.tag for one in root.iter()} <= {
        *("page", "table", "thead", "tbody", "tr", "th", "td", "code"),
    }
    shown = "".join(next(table.iter("td")).itertext())
    assert [char for char in text if char.isalnum() and char.isascii()] == [
        char for char in shown if char.isalnum() and char.isascii()
    ] or "\\" in shown
