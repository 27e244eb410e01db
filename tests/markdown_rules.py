"""What GitHub makes of Markdown, by its own cmark: its structure, and what stands where in it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

from cmarkgfm import github_flavored_markdown_to_html, markdown_to_html_with_extensions
from cmarkgfm.cmark import Options


class Structure(HTMLParser):
    """The cells of a table by rows, the paragraphs behind it, and every tag."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.inside = ""
        # As GitHub does before it sanitises: what is let through here is markup there.
        unsafe = Options.CMARK_OPT_UNSAFE
        self.feed(markdown_to_html_with_extensions(markdown, unsafe, ["table", "autolink"]))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(" ".join([tag, *(name for name, _ in attrs)]))
        if tag in ("tr", "p"):
            self.rows.append([])
        if tag in ("th", "td", "p"):
            self.rows[-1].append("")
            self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = "" if tag == self.inside else self.inside

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def table(first: str, second: str) -> Structure:
    """Return a table with two written cells in it, others around them, and a paragraph behind."""
    return Structure(f"| a | b |\n| - | - |\n| before | {first} |\n| {second} | after |\n\nend\n")


def holds(written: str, shown: str, tags: list[str]) -> bool:
    """Whether a table with cells `written` shows `shown` there, with `tags`, and its neighbours."""
    found = table(written, written)
    head = ["table", "thead", "tr", "th", "th", "tbody"]
    return found.rows == [["a", "b"], ["before", shown], [shown, "after"], ["end"]] and (
        found.tags == [*head, "tr", "td", "td", *tags, "tr", "td", *tags, "td", "p"]
    )


def page(text: str) -> ET.Element:
    """Return what GitHub makes of it; raises if raw HTML came through as it was."""
    html = github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE)
    return ET.fromstring(f"<page>{html}</page>")  # noqa: S314  # our own


def shape(root: ET.Element) -> list[Any]:
    """Return the elements without what is inside of paragraphs and cells."""
    inline = {"code", "a"}
    return [(one.tag, shape(one)) for one in root if one.tag not in inline]
