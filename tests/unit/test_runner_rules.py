from __future__ import annotations

import pytest

from runner_rules import (
    Command,
    act_commands,
    act_records,
    azure_commands,
    runner_commands,
    runner_records,
)

SET = Command("set-output", {"name": "status"}, "registered")
MESSAGE = "::error title=a%3Ab%2Cc,file=f.py::100%25%0Anot %3A"


@pytest.mark.parametrize(
    "output",
    [
        "::set-output name=status::registered",
        "log \r::set-output name=status::registered\r\nlog",
        *(
            f"{white}::set-output name=status::registered"
            for white in " \t\v\f\x85\xa0\u2028\u3000"
        ),
        "::SET-OUTPUT  name==status,,file=,::registered",
        ":\ufeff:set-output name=status::registered",
        "##[set-output name=status]registered",
        "in the middle ##[set-output name=status;file=]registered",
        "#\u200b#\u034f[set-output name=status]registered",
        "::unknown::##[set-output name=status]registered",
    ],
)
def test_the_runner_obeys(output: str) -> None:
    assert runner_commands(output) == [SET]


@pytest.mark.parametrize(
    "output",
    [
        "| ::set-output name=status::registered",
        "::set-output name=status:registered",
        "::unknown::x",
        "::::x",
        "## [error]x",
        "##[unknown]x ##[error]x",
        "##[error",
        "",
    ],
)
def test_the_runner_does_not_care_for(output: str) -> None:
    assert runner_commands(output) == []


def test_the_runner_unescapes_once() -> None:
    [v2] = runner_commands(MESSAGE)
    assert v2 == Command("error", {"title": "a:b,c", "file": "f.py"}, "100%\nnot %3A")
    [v1] = runner_commands("##[error title=a%3Bb%5D]x%0Dy%3B")
    assert v1 == Command("error", {"title": "a;b]"}, "x\ry;")


def test_azure_obeys_anywhere_in_a_line() -> None:
    said = "a ##vso[task.setvariable variable=b]c ##VSO[x]\r#\u200b#vso[y]\n##vso[\n]## vso[z]"
    assert azure_commands(said) == ["##vso[task.setvariable variable=b]", "##VSO[x]", "##vso[y]"]


@pytest.mark.parametrize("commands", [runner_commands, act_commands])
def test_stopped_commands_resume_with_the_token(commands: object) -> None:
    assert callable(commands)
    found = commands("::error::1\n::stop-commands::t\n::error::2\n::t::\n::error::3\n")
    assert [command.data for command in found] == ["1", "t", "3"]


@pytest.mark.parametrize("token", ["error", "Pause-Logging", ""])
def test_the_runner_takes_not_everything_for_a_token(token: str) -> None:
    assert len(runner_commands(f"::stop-commands::{token}\n::debug::x")) == 2


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("::set-output name=status::registered\n", [SET]),
        ("##[set-output name=status;a=b=c]registered\r\n", [SET]),
        ("::unknown::x\n", [Command("unknown", {}, "x")]),
        ("::error::a::b\n", [Command("error::a", {}, "b")]),
        (
            "::error title=T::Server said: a::b\n",
            [Command("error", {"title": "T::Server said: a"}, "b")],
        ),
        (" ::error::x\n", []),
        ("log\r::error::x\n", []),
        ("in the middle ##[error]x\n", []),
        ("::error::never ended", []),
    ],
)
def test_act_takes_for_commands(output: str, found: list[Command]) -> None:
    assert act_commands(output) == found


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"", {}),
        (b"\xef\xbb\xbfa=1\nb=\n", {"a": "1", "b": ""}),
        (b"a=1\r\na=2", {"a": "2"}),
        (b"a<<E\n1\n\n2\nE\nb=x<<y\n", {"a": "1\n\n2", "b": "x<<y"}),
        (b"a<<E\nE\n", {"a": ""}),
        (b" a = 1\xff\n", {" a ": " 1\ufffd"}),
        # A name with a line break in it is two records.
        (b"acc=1\nstatus<<E\n0.9\nE\n", {"acc": "1", "status": "0.9"}),
    ],
)
def test_both_read_these_records(content: bytes, read: dict[str, str]) -> None:
    assert act_records(content) == (read if b"\r" not in content else {"a": "2"}, "")
    assert runner_records(content) == (read, "")


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b"a=1\nnokey\nb=2\n", {"a": "1"}),
        (b"a=1\nb<<E\n2\n", {"a": "1"}),
        # The last writer left no newline behind.
        (b"partial=1status<<E\nregistered\nE\n", {"partial": "1status<<E"}),
    ],
)
def test_both_stop_reading(content: bytes, read: dict[str, str]) -> None:
    for records in (runner_records, act_records):
        before, why = records(content)
        assert before == read
        assert why


@pytest.mark.parametrize("content", [b"=1\n", b"a<<\n1\n\n", b"<<E\n1\nE\n", b"a<<E\r\n1\nE\n"])
def test_only_the_runner_stops_reading(content: bytes) -> None:
    assert runner_records(content)[1]
    assert not act_records(content)[1]


def test_only_act_stumbles_over_a_blank_line() -> None:
    assert runner_records(b"a=1\n\nb=2\n") == ({"a": "1", "b": "2"}, "")
    assert act_records(b"a=1\n\nb=2\n")[0] == {"a": "1"}


def test_act_loses_the_first_blank_lines_of_a_value() -> None:
    assert runner_records(b"a<<E\n\n\n1\nE\n")[0] == {"a": "\n\n1"}
    assert act_records(b"a<<E\n\n\n1\nE\n")[0] == {"a": "1"}
