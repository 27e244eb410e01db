"""The step summary reads well, and stays one headline and some tables whatever is put into it."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from fakes import SHA, model, receipt
from hokusai_register.errors import AuthError, Reason, RegisterError
from hokusai_register.model import Attempt, Backend, Provenance, Report
from hokusai_register.summary import ROWS, summary
from hokusai_register.text import prose
from hostile import texts

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


def page(text: str) -> ET.Element:
    """Return what GitHub makes of it; raises if raw HTML came through as it was."""
    html = github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)
    return ET.fromstring(f"<page>{html}</page>")  # noqa: S314  # our own


def shape(root: ET.Element) -> list[Any]:
    """Return the elements without what is inside of paragraphs and cells."""
    inline = {"code", "a"}
    return [(one.tag, shape(one)) for one in root if one.tag not in inline]


def report_with(text: Any) -> Report:
    error = RegisterError(text(), why=text(), fix=text())
    return Report(
        model=model(
            name=text(),
            kind=text(),
            version=text(),
            alias=text(),
            source=text(),
            metrics={f"a{text()}": 1.0, f"b{text()}": 2.0},
            provenance=Provenance(commit=text()),
        ),
        attempts=(Attempt(Backend.MLFLOW, 1, error), Attempt(Backend.API, 1)),
        receipt=receipt(
            host=text(),
            model_version=text(),
            run_id=text(),
            run_url=f"https://a.example/{text()}",
            digest=text(),
            remarks=(text(), text()),
        ),
        error=error,
        remarks=(text(),),
    )


TEXT = texts()
PLAIN = shape(page(summary(report_with(lambda: "x"))))


@given(st.data())
def test_no_text_changes_the_structure_of_the_page(data: st.DataObject) -> None:
    # A word before it, since blank things are left out on purpose.
    root = page(summary(report_with(lambda: f"x{data.draw(TEXT)}")))
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
