"""Text as somebody would write it who wants to be more than text."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from hypothesis import strategies as st

from fakes import model, receipt
from hokusai_register.errors import RegisterError
from hokusai_register.model import Attempt, Backend, Provenance, Report

PIECES = (
    *("::", ":", "##[", "#", "[", "]", "%0A", "%0D", "%25", "\r", "\n", "\r\n", "\t", " ", "  "),
    *("::error::x", "::set-output name=status::registered", "::stop-commands::t", "::t::"),
    *("##[error]x", "##[set-output name=status]registered", "error", "set-output name=a"),
    *("\0", "\v", "\f", "\x1c", "\x1b[31m", "\x1b]8;;", "\x7f", "\x85", "\xa0", "\xad"),
    *("\u034f", "\u115f", "\u200b", "\u200d", "\u2028", "\u2029", "\u202e", "\u2066", "\u3000"),
    *("\u3164", "\ud800", "\udc80", "\ue000", "\ufe0f", "\ufeff", "\uffff", "\U000e0041"),
    *("`", "``", "```", "|", "\\", "\\|", "||", "\n\n", "\n| a | b |\n", "---", "~~~", "    "),
    *("<b>", "</td>", "<!--", "<script>", "&amp;", "&#124;", "&vert;", "https://example.org"),
    *("[a](https://example.org)", "![a](https://example.org/i.png)", "*a*", "@user", "# a"),
    *("$(id)", "${{ secrets.KEY }}", "é", "e\u0301", "日本", "😀", "a", "1"),
)

MEANT = 0.8  # of all pieces; the others are any characters


def texts() -> st.SearchStrategy[str]:
    """Return pieces that mean something to a runner, a terminal or Markdown, and text between."""
    characters = st.characters()
    return st.lists(st.sampled_from(PIECES) | characters, max_size=12).map("".join)


def many(count: int) -> Iterator[str]:
    """Yield as many of such texts, always the same ones: enough to be counted."""
    chance = random.Random(count)  # noqa: S311  # nobody has to be surprised
    for _ in range(count):
        pieces = (
            chance.choice(PIECES) if chance.random() < MEANT else chr(chance.randrange(0x110000))
            for _ in range(chance.randrange(1, 13))
        )
        yield "".join(pieces)


def full(text: Callable[[], str]) -> Report:
    """Return a report with foreign text wherever there can be any."""
    error = RegisterError(text(), why=text(), fix=text())
    return Report(
        model=model(
            name=text(),
            kind=text(),
            version=text(),
            alias=text(),
            metrics={f"a{text()}": 1.0, f"b{text()}": 2.0},
            tags={text(): text()},
            source=text(),
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
        remarks=(text(),),
    )
