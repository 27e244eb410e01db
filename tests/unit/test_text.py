from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import find, given

from hokusai_register.text import cell, code, line, lines, visible
from hostile import texts
from markdown_rules import Structure, holds
from runner_rules import act_commands, runner_commands


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[1m", r"a\x1b[1m"),
        ("a\r\n\tb", r"a\r\n\tb"),
        ("\u202ea\u2066", r"\u202ea\u2066"),
        ("\ud800 \ue000 \uffff", r"\ud800 \ue000 \uffff"),
        ("\u2028\u2029\x85\xa0\u3000", r"\u2028\u2029\x85\xa0\u3000"),
        ("a\u200bb\u034fc\u3164d\ufe0f", r"a\u200bb\u034fc\u3164d\ufe0f"),
        ("\U000e0041\U000e0100", r"\U000e0041\U000e0100"),
        ("  é e\u0301 日本 😀  ", "  é e\u0301 日本 😀  "),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(texts())
def test_visible_text_is_one_printable_line(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert visible(shown) == shown


def test_a_line_is_cut_with_a_count() -> None:
    assert line("a" * 2000) == "a" * 2000
    assert line("a" * 2003) == "a" * 2000 + "… (+3 characters)"
    assert line("ab\n", limit=3) == "ab\\… (+1 characters)"


def test_a_line_has_no_command_in_its_middle() -> None:
    assert line("a ##[error]b ###[c") == "a ## [error]b ### [c"
    assert line("a ##vso[task.x]b ##teamcity[c") == "a ## vso[task.x]b ## teamcity[c"
    assert line("## a [b] ##c") == "## a [b] ##c"


def test_lines_end_where_anybody_sees_an_end() -> None:
    assert lines("a\nb\rc\r\nd\ve\ff\x85g\u2028h\u2029i\x1cj") == [
        f"| {one}" for one in "abcdefghij"
    ]
    assert lines("a\n\nb", prefix="server> ") == ["server> a", "server> ", "server> b"]
    assert lines("") == []


@given(texts())
def test_no_line_is_a_command(text: str) -> None:
    output = "".join(f"{one}\n" for one in [*lines(text), f"server: {line(text)}"])
    assert runner_commands(output) == []
    assert act_commands(output) == []


@pytest.mark.parametrize(
    "is_command",
    [
        lambda text: act_commands(text + "\n"),
        lambda text: runner_commands(text) and "##[" not in text,
        # A prefix alone is not enough.
        lambda text: runner_commands(f"| {text}") and "\n" not in text,
        # Nor is a look at how the text begins.
        lambda text: runner_commands(text) and not text.startswith(("::", "##[")),
    ],
)
def test_the_same_texts_are_commands_otherwise(is_command: Callable[[str], bool]) -> None:
    assert find(texts(), is_command)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("a", "`a`"),
        ("a|b", r"`a\|b`"),
        ("a\\|b\\", r"`a\\|b\`"),
        ("a`b``c", "```a`b``c```"),
        ("`a", "`` `a ``"),
        (" a ", "`  a  `"),
        ("  ", "`  `"),
        ("a\nb", r"`a\nb`"),
        ("a" * 201, "`" + "a" * 200 + "… (+1 characters)`"),
    ],
)
def test_a_cell_is_a_code_span(text: str, shown: str) -> None:
    assert cell(text) == shown
    assert code(text) == shown.replace("\\|", "|")


@given(texts())
def test_a_cell_stays_in_its_table(text: str) -> None:
    for limit in (200, 7):
        shown = line(text, limit)
        assert holds(cell(text, limit), shown, ["code"] if shown else [])


@given(texts())
def test_code_is_all_code(text: str) -> None:
    found = Structure(f"before {code(text)} after\n\n{code(text)}\n")
    if text:
        assert found.tags == ["p", "code", "p", "code"]
        assert found.rows == [[f"before {line(text, 200)} after"], [line(text, 200)]]


@pytest.mark.parametrize(("fence", "tags"), [("", []), ("`", ["code"])])
def test_the_same_texts_break_their_table_otherwise(fence: str, tags: list[str]) -> None:
    def stays(text: str) -> bool:
        return holds(f"{fence}{encodable(text)}{fence}", encodable(text), tags)

    assert stays("a")
    assert not stays(find(texts(), lambda text: bool(text.strip()) and not stays(text)))
