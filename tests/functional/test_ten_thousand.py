"""Ten thousand hostile texts through each door: none gets out, and as they are thousands would.

`pytest -rP` shows what was counted.
"""

from __future__ import annotations

import io
import json
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from hokusai_register import command_line
from hokusai_register.diagnosis import Diagnosis, Finding
from hokusai_register.hosts.github import GitHub
from hokusai_register.hosts.terminal import Terminal
from hokusai_register.render import OUTPUTS
from hokusai_register.summary import summary
from hokusai_register.text import cell, line, lines
from hostile import full, many
from markdown_rules import holds, page, shape
from runner_rules import (
    act_commands,
    act_records,
    azure_commands,
    runner_commands,
    runner_records,
)

COUNT = 10_000
TEXTS = list(many(COUNT))
RECORDS = {
    "the runner": (runner_records, runner_commands),
    "act": (act_records, act_commands),
}
COMMANDS: dict[str, Callable[[str], Sequence[object]]] = {
    "the runner": runner_commands,
    "act": act_commands,
    "Azure": azure_commands,
}
# Python's white space is .NET's, and four characters more.
WHITE = [char for char in map(chr, range(0x110000)) if char.isspace()]


def counted(sink: str, raw: int, escapes: int, least: int) -> None:
    """Show the count of a sink, and see that it is none."""
    print(f"{sink}: {raw:,} of {COUNT:,} get out as they are, {escapes} after us")
    assert raw > least
    assert escapes == 0


def obeyed_by_anybody(output: str) -> bool:
    return any(obeyed(output) for obeyed in COMMANDS.values())


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def drawn(before: str = "") -> Iterator[Callable[[], str]]:
    """Yield sources of texts, as long as there are any that were not drawn."""
    left = (before + text for text in TEXTS)
    for text in left:
        yield chain([text], left, repeat(before)).__next__


@pytest.mark.parametrize(("who", "least"), [("the runner", 1500), ("act", 600), ("Azure", 900)])
def test_no_line_of_the_log_is_a_command(who: str, least: int) -> None:
    obeyed = COMMANDS[who]
    spoken = [text.replace("##[", "##vso[") for text in TEXTS] if who == "Azure" else TEXTS
    raw = sum(bool(obeyed(f"{text}\n")) for text in spoken)
    written = ("".join(f"{row}\n" for row in [*lines(text), f"b: {line(text)}"]) for text in spoken)
    counted(f"log, {who}", raw, sum(bool(obeyed(rows)) for rows in written), least)


@pytest.mark.parametrize("command", ["::error::x", "::stop-commands::t", "##[error]x"])
def test_no_white_space_makes_a_command(command: str) -> None:
    texts = [f"{before}{command}" for white in WHITE for before in (white, f"a\r{white}")]
    assert sum(bool(runner_commands(text)) for text in texts) == len(texts) > 50
    assert not any(obeyed_by_anybody(line(f"b: {text}")) for text in texts)
    assert not any(obeyed_by_anybody("\n".join(lines(text))) for text in texts)


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_at_a_terminal_or_in_the_result_file_is_a_command(
    as_json: bool, tmp_path: Path
) -> None:
    raw = escapes = 0
    for draw in drawn():
        drawn_now: list[str] = []

        def text(draw: Callable[[], str] = draw, seen: list[str] = drawn_now) -> str:
            seen.append(draw().replace("##[e", "##vso[e"))
            return seen[-1]

        options = Namespace(json=as_json, workspace=str(tmp_path), result_file="result.json")
        out, err = io.StringIO(), io.StringIO()
        host = Terminal(options, {}, out, err)
        host.read()
        host.step(f"reading {text()}")  # a word of ours comes first, always
        assert host.publish(full(text))
        host.show(Diagnosis((Finding(check="tls", said=text(), fix=text()),)))
        result = (tmp_path / "result.json").read_text(encoding="utf-8")
        assert json.loads(result)["schema"] == 1
        raw += sum(map(obeyed_by_anybody, drawn_now))
        escapes += sum(map(obeyed_by_anybody, (out.getvalue(), err.getvalue(), result)))
    counted(f"stdout, stderr and result file, json={as_json}", raw, escapes, 1500)


def test_no_word_of_the_command_line_comes_back_as_a_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = command_line._parser()
    monkeypatch.setattr(command_line, "_parser", lambda: parser)
    usage = "print_usage"  # slow, and all of it ours
    monkeypatch.setattr(command_line._Parser, usage, lambda *_: None)
    texts = [text.replace("##[e", "##vso[e") for text in TEXTS]
    for text in texts:
        for words in ([text], ["register", text], ["register", f"--{text}"], ["doctor", text]):
            with pytest.raises(SystemExit):
                command_line.parse(words)
    said = capsys.readouterr()
    told = said.err.splitlines()
    assert (said.out, len(told) >= 4 * COUNT) == ("", True)
    raw = sum(map(obeyed_by_anybody, texts))
    counted("argparse", raw, sum(map(obeyed_by_anybody, told)), 1500)


def test_no_cell_breaks_its_table() -> None:
    raw = sum(not holds(encodable(text), encodable(text), []) for text in TEXTS)
    shown = ((cell(text), line(text, 200)) for text in TEXTS)
    escapes = sum(not holds(one, text, ["code"] if text else []) for one, text in shown)
    counted("summary, cells", raw, escapes, 7000)


def test_no_page_has_another_shape() -> None:
    def breaks(markdown: str, plain: str) -> bool:
        try:
            return shape(page(markdown)) != shape(page(plain))
        except ET.ParseError:
            return True

    table = "| a | b |\n| - | - |\n| {} | b |\n"
    raw = (table.format(encodable(text)) for text in TEXTS)
    broken = sum(breaks(text, table.format("x")) for text in raw)
    # A word before each, since blank things are left out on purpose.
    pages = [summary(full(draw)) for draw in drawn("x")]
    escapes = sum(breaks(one, summary(full(lambda: "x"))) for one in pages)
    counted("summary, pages", broken, escapes, 4000)
    assert len(pages) > 400


@pytest.mark.parametrize(("who", "least"), [("the runner", 1900), ("act", 1900)])
def test_no_record_is_another_output(who: str, least: int, tmp_path: Path) -> None:
    read, obeyed = RECORDS[who]

    def escapes(content: str, names: list[str]) -> bool:
        found, trouble = read(content.encode("utf-8", "replace"))
        return list(found) != names or bool(trouble)

    raw = sum(escapes(f"a={text}\nb=1\n", ["a", "b"]) for text in TEXTS)
    others = extra = 0
    for draw in drawn():
        output, out = tmp_path / "output", io.StringIO()
        output.write_bytes(b"")
        host = GitHub({"GITHUB_OUTPUT": str(output)}, out)
        host.step(draw())
        host.publish(full(draw))
        others += escapes(output.read_text(encoding="utf-8"), list(OUTPUTS))
        extra += [command.name for command in obeyed(out.getvalue())] != ["notice", "warning"]
        assert json.loads(read(output.read_bytes())[0]["result"])["schema"] == 1
    counted(f"outputs, {who}", raw, others, least)
    raw = sum(bool(obeyed(f"{text}\n")) for text in TEXTS)
    counted(f"log and annotations, {who}", raw, extra, 600)
