"""Reads every message of the program from its source: what it says, and what it tells to do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hokusai_register import errors
from hokusai_register.errors import RegisterError
from hokusai_register.http.answers import REFUSED

SOURCE = Path(errors.__file__).parent
KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, RegisterError)
}


class Message(NamedTuple):
    """One message; `…` stands for what differs from case to case."""

    what: str
    fix: str
    exit_code: int


def messages() -> list[Message]:
    """Return all messages of the engine, sorted by their text."""
    found = {Message(f"… {what}", fix, kind.exit_code) for kind, what, _, fix in REFUSED.values()}
    for path in SOURCE.rglob("*.py"):
        if "sandbox" not in path.parts:
            found |= set(_raised(ast.parse(path.read_text(encoding="utf-8"))))
    return sorted(found, key=lambda message: (message.what.lstrip("… `'").lower(), message))


def _raised(tree: ast.AST) -> Iterator[Message]:
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        kind = KINDS.get(call.func.id)
        fixes = [keyword.value for keyword in call.keywords if keyword.arg == "fix"]
        if kind and call.args and fixes:
            what, fix = _text(call.args[0]), _text(fixes[0])
            if what.strip("… "):
                yield Message(what, fix, kind.exit_code)


def _text(node: ast.expr) -> str:
    """Return the words of a string literal, with `…` for every expression in it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp):
        return _text(node.left) + _text(node.right)
    return "…"
