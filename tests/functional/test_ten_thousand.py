"""Ten thousand hostile texts through each door: none gets out, and as they are thousands would."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hokusai_register.hosts.github import GitHub
from hokusai_register.render import OUTPUTS
from hokusai_register.summary import summary
from hokusai_register.text import cell, line, lines
from hostile import full, many
from markdown_rules import holds, page, shape
from runner_rules import act_commands, act_records, runner_commands, runner_records

COUNT = 10_000
TEXTS = list(many(COUNT))
RECORDS = {"the runner": runner_records, "act": act_records}
COMMANDS = {"the runner": runner_commands, "act": act_commands}


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def drawn(before: str = "") -> Iterator[Callable[[], str]]:
    """Yield sources of texts, as long as there are any that were not drawn."""
    left = (before + text for text in TEXTS)
    for text in left:
        yield chain([text], left, repeat(before)).__next__


@pytest.mark.parametrize(("who", "least"), [("the runner", 1500), ("act", 600)])
def test_no_line_of_the_log_is_a_command(who: str, least: int) -> None:
    obeyed = COMMANDS[who]
    assert sum(bool(obeyed(f"{text}\n")) for text in TEXTS) > least
    written = ("".join(f"{row}\n" for row in [*lines(text), f"b: {line(text)}"]) for text in TEXTS)
    assert sum(bool(obeyed(rows)) for rows in written) == 0


def test_no_cell_breaks_its_table() -> None:
    assert sum(not holds(encodable(text), encodable(text), []) for text in TEXTS) > 7000
    shown = ((cell(text), line(text, 200)) for text in TEXTS)
    assert sum(not holds(one, text, ["code"] if text else []) for one, text in shown) == 0


def test_no_page_has_another_shape() -> None:
    def breaks(markdown: str, plain: str) -> bool:
        try:
            return shape(page(markdown)) != shape(page(plain))
        except ET.ParseError:
            return True

    table = "| a | b |\n| - | - |\n| {} | b |\n"
    raw = (table.format(encodable(text)) for text in TEXTS)
    assert sum(breaks(text, table.format("x")) for text in raw) > 4000
    # A word before each, since blank things are left out on purpose.
    pages = [summary(full(draw)) for draw in drawn("x")]
    assert sum(breaks(one, summary(full(lambda: "x"))) for one in pages) == 0
    assert len(pages) > 400


@pytest.mark.parametrize(("who", "least"), [("the runner", 1900), ("act", 1900)])
def test_no_record_is_another_output(who: str, least: int, tmp_path: Path) -> None:
    read, obeyed = RECORDS[who], COMMANDS[who]

    def escapes(content: str, names: list[str]) -> bool:
        found, trouble = read(content.encode("utf-8", "replace"))
        return list(found) != names or bool(trouble)

    assert sum(escapes(f"a={text}\nb=1\n", ["a", "b"]) for text in TEXTS) > least
    for draw in drawn():
        output, out = tmp_path / "output", io.StringIO()
        output.write_bytes(b"")
        host = GitHub({"GITHUB_OUTPUT": str(output)}, out)
        host.step(draw())
        host.publish(full(draw))
        assert not escapes(output.read_text(encoding="utf-8"), list(OUTPUTS))
        assert [command.name for command in obeyed(out.getvalue())] == ["notice", "warning"]
        assert json.loads(read(output.read_bytes())[0]["result"])["schema"] == 1
