"""Text as somebody would write it who wants to be more than text."""

from __future__ import annotations

from hypothesis import strategies as st

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


def texts() -> st.SearchStrategy[str]:
    """Return pieces that mean something to a runner, a terminal or Markdown, and text between."""
    characters = st.characters()
    return st.lists(st.sampled_from(PIECES) | characters, max_size=12).map("".join)
