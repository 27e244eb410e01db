"""Foreign text is made visible and inert before it reaches a log, a summary or an error.

The rules that it has to withstand are the runner's: `ActionCommand.cs` of actions/runner for the
log, GitHub's cmark for Markdown. An invisible character is never the cure, since .NET compares
strings as if those were not there; the cures here can all be seen.
"""

from __future__ import annotations

import json
import re
from itertools import chain

# Letters and marks that are drawn as nothing (Default_Ignorable_Code_Point of Unicode) although
# Python calls them printable.
_DRAWN_AS_NOTHING = frozenset(
    chain(
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0),
        range(0xFE00, 0xFE10),
        range(0xE0100, 0xE01F0),
    )
)


class _Visible(dict[int, str]):
    """A table for `str.translate` that fills itself."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        plain = char.isprintable() and point not in _DRAWN_AS_NOTHING
        self[point] = char if plain else char.encode("unicode_escape").decode()
        return self[point]


_VISIBLE = _Visible()


def visible(text: str) -> str:
    r"""Return `text` as one line, each character that cannot be seen written as `\x1b`, `\u202e`.

    Those are what `str.isprintable` refuses (control, format, bidi, private, unassigned, surrogate,
    every white space but the plain one) and what is drawn as nothing.
    """
    return text.translate(_VISIBLE)


_COMMAND = re.compile(r"##(?=\w*\[)")


def line(text: str, limit: int = 2000) -> str:
    """Return `text` for one line of the log, to be printed behind a visible prefix.

    `##[name]` is a command anywhere in a line (of other systems `##name[…]`), `::name::` only at
    its start (the prefix is there).
    """
    shown = _COMMAND.sub("## ", visible(text))
    beyond = len(shown) - limit
    return f"{shown[:limit]}… (+{beyond} characters)" if beyond > 0 else shown


def json_line(value: object) -> str:
    """Return `value` as one line of JSON, in which no runner sees a command."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f").replace("##", "#\\u0023")


def lines(text: str, prefix: str = "| ") -> list[str]:
    """Return `text` for the log: one element a line, whatever Python or .NET take for a line."""
    return [prefix + line(one) for one in text.splitlines()]


def code(text: str, limit: int = 200) -> str:
    """Return `text` as a code span of Markdown; nothing for nothing."""
    shown = line(text, limit)
    if not shown:
        return ""
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    # A backtick would join the fence, and Markdown takes a space off both ends.
    edges = shown[0] + shown[-1]
    pad = " " if "`" in edges or (edges == "  " and shown.strip()) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, limit: int = 200) -> str:
    """Return `text` as a cell of a GitHub table."""
    return code(text, limit).replace("|", "\\|")


# What prose is made of: words and small numbers, and what may follow them. Neither holds a
# character that Markdown or GitHub takes for more: no link, no `#1`, no commit, no list.
_PIECE = re.compile(
    r"(?P<quoted>`[^`]+`)(?P<after>[,;:.)!?]*)(?= |$)"
    r"|(?P<word>\(?[A-Za-z]+(?:['-][A-Za-z]+)*[,;:.)!?]*|[0-9]{1,6}[,;:]?)(?= |$)"
    r"|[^ ]+"
)


def prose(text: str, limit: int = 1000) -> str:
    """Return sentences for Markdown: plain words stay plain, all else is in code spans."""
    shown: list[str] = []
    raw: list[str] = []
    for piece in _PIECE.finditer(line(text, limit)):
        if not piece["quoted"] and not piece["word"]:
            raw.append(piece[0])
            continue
        shown += _span(raw)
        raw = []
        shown.append(piece["word"] or code(piece["quoted"][1:-1], limit) + piece["after"])
    return " ".join([*shown, *_span(raw)])


def _span(raw: list[str]) -> list[str]:
    """Return words that are not plain as one code span, the punctuation around it left outside."""
    before, inner, after = re.findall(r"^(\(?)(.*?)([,;:.)!?]*)$", " ".join(raw))[0]
    while after.startswith(")") and inner.count("(") > inner.count(")"):
        inner, after = inner + ")", after[1:]
    return [f"{before}{code(inner, len(inner))}{after}"] if raw else []
