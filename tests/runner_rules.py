"""What a runner takes for a command or a record, as the sources of actions/runner and act have it.

`ActionCommand.cs`, `ActionCommandManager.cs` and `FileCommandManager.cs` of actions/runner;
`command.go` and `parseEnvFile` of act; `Command.cs` of the agent of Azure Pipelines. Where .NET's
comparison depends on the culture of the machine, every character that some culture ignores is
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

REGISTERED = frozenset(
    (
        *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group"),
        *("notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands"),
        "warning",
    )
)
_NO_TOKENS = REGISTERED | {"", "pause-logging"}
# char.IsWhiteSpace; Python's `strip` would also take \x1c to \x1f.
_WHITE = "\t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000 " + "".join(
    map(chr, range(0x2000, 0x200B))
)
_IGNORED = re.compile(
    "[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_V1 = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))
_ACT = (
    (re.compile(r"::([^ ]+)(?: (.+))?::([^\r\n]*)[\r\n]+"), ","),
    (re.compile(r"##\[([^ ]+)(?: (.+))?\]([^\r\n]*)[\r\n]+"), ";"),
)
_AZURE = re.compile(r"##vso\[[^\]]*\]", re.IGNORECASE)


class Command(NamedTuple):
    """A command that a runner obeys."""

    name: str
    properties: dict[str, str]
    data: str


def runner_commands(output: str) -> list[Command]:
    """Return what GitHub's runner obeys in what a step prints."""
    obeyed: list[Command] = []
    token = ""
    for row in re.split(r"\r\n|\r|\n", output):
        command = _command(row, REGISTERED | {token})
        if command is None:
            continue
        if token:
            token = "" if command.name == token else token
            continue
        obeyed.append(command)
        if command.name == "stop-commands" and command.data.lower() not in _NO_TOKENS:
            token = command.data.lower()
    return obeyed


def _command(row: str, names: frozenset[str]) -> Command | None:
    rows = (row, _IGNORED.sub("", row))
    found = (parse(one, names - {""}) for one in rows for parse in (_v2, _v1))
    return next(filter(None, found), None)


def _v2(row: str, names: frozenset[str]) -> Command | None:
    row = row.lstrip(_WHITE)
    head, closed, data = row[2:].partition("::")
    name, _, properties = head.partition(" ")
    if not row.startswith("::") or not closed or name.lower() not in names:
        return None
    pairs = _properties(properties.strip(_WHITE), ",", _PROPERTY)
    return Command(name.lower(), pairs, _unescape(data, _DATA))


def _v1(row: str, names: frozenset[str]) -> Command | None:
    _, _, rest = row.partition("##[")
    head, closed, data = rest.partition("]")
    name, _, properties = head.partition(" ")
    if not closed or name.lower() not in names:
        return None
    return Command(name.lower(), _properties(properties, ";", _V1), _unescape(data, _V1))


def _properties(text: str, separator: str, escapes: tuple[tuple[str, str], ...]) -> dict[str, str]:
    split = (pair.lstrip("=").partition("=") for pair in text.split(separator))
    return {name: _unescape(value.lstrip("="), escapes) for name, _, value in split if value}


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for escaped, char in escapes:
        text = text.replace(escaped, char)
    return text


def act_commands(output: str) -> list[Command]:
    """Return what act takes for a command, names that it does not know among them.

    Not unescaped: act does that in the order of a Go map, which is any.
    """
    taken: list[Command] = []
    token = ""
    for command in _act_rows(output):
        if token:
            token = "" if command.name == token else token
            continue
        taken.append(command)
        token = command.data if command.name == "stop-commands" else ""
    return taken


def _act_rows(output: str) -> Iterator[Command]:
    for row in re.findall(r"[^\n]*\n", output):
        for pattern, separator in _ACT:
            if match := pattern.fullmatch(row):
                pairs = (pair.split("=") for pair in (match[2] or "").split(separator))
                properties = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
                yield Command(match[1], properties, match[3])


def azure_commands(output: str) -> list[str]:
    """Return what the agent of Azure Pipelines obeys, of whatever name: anywhere in a line."""
    rows = re.split(r"\r\n|\r|\n", output)
    return [found for row in rows for found in _AZURE.findall(_IGNORED.sub("", row))]


def runner_records(content: bytes) -> tuple[dict[str, str], str]:
    """Return what the runner reads from an output file, and why it stopped, if it did.

    The step fails where it stops; what was read before stays.
    """
    return _records(content.decode("utf-8-sig", "replace").split("\n"), act=False)


def act_records(content: bytes) -> tuple[dict[str, str], str]:
    """Return the same as act reads it."""
    rows = content.decode("utf-8-sig", "replace").split("\n")
    return _records([row.removesuffix("\r") for row in rows], act=True)


def _records(rows: list[str], *, act: bool) -> tuple[dict[str, str], str]:
    read: dict[str, str] = {}
    left = rows if rows[-1] else rows[:-1]
    while left:
        row, left = left[0], left[1:]
        if not row and not act:
            continue
        match = re.fullmatch(r"(.*?)(=|<<)(.*)", row, re.DOTALL)
        if not match or not (act or match[1]) or (row[len(match[1]) :] == "<<" and not act):
            return read, f"invalid format: {row!r}"
        name, sign, value = match.groups()
        if sign == "<<":
            if value not in left:
                return read, f"no delimiter {value!r}"
            end = left.index(value)
            held, left = "\n".join(left[:end]), left[end + 1 :]
            value = held.lstrip("\n") if act else held
        read[name] = value
    return read, ""
