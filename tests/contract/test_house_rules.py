"""The house rules that no linter knows: how long a file is, and where a few things may stand."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "hokusai_register"
SDK = SOURCE.with_name("hokusai")
FILES = sorted([*SOURCE.rglob("*.py"), *SDK.rglob("*.py")])
LONGEST_FILE = 300  # lines
LONGEST_FUNCTION = 40  # lines, without those of its docstring

# Parts of the tree that keep rules of their own: the sandbox is a command for people.
SANDBOX = "sandbox/"
# Who knows the environment: the entry point, and the places where MLflow looks for its own.
ENVIRONMENT = {
    "app.py",
    "hokusai/settings.py",
    "mlflow_plugin/ambient.py",
    "mlflow_plugin/by_uri.py",
    "registrars/calls.py",
}


def name(path: Path) -> str:
    base = SOURCE if path.is_relative_to(SOURCE) else SDK.parent
    return path.relative_to(base).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(path)))


@cache
def used() -> dict[str, set[str]]:
    """Return the files in which each name is used, dotted or not."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, (ast.Name, ast.Attribute)):
                found[ast.unparse(node)].add(name(path))
    return found


def outside(paths: set[str]) -> set[str]:
    return {path for path in paths if not path.startswith(SANDBOX)}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_opens_with_a_sentence(path: Path) -> None:
    first = (ast.get_docstring(tree(path)) or "").splitlines()[:1]
    assert first
    assert first[0].endswith((".", "?")), first


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in nodes(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            prose = len((ast.get_docstring(node) or "").splitlines())
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - prose


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    assert [one for one in functions(path) if one[1] > LONGEST_FUNCTION] == []


def test_one_place_catches_everything() -> None:
    broad = [
        name(path)
        for path in FILES
        if not name(path).startswith(SANDBOX)
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert broad == ["app.py"]


def test_few_files_read_the_environment() -> None:
    assert outside(used()["os.environ"]) == ENVIRONMENT
    assert not outside(used()["os.getenv"])


def test_only_commands_end_the_process() -> None:
    assert used()["sys.exit"] <= {"app.py", "sandbox/__main__.py"}
    assert used()["os._exit"] == {"__main__.py", "cancellation.py"}


def test_only_hosts_print() -> None:
    assert all(path.startswith("hosts/") for path in outside(used()["print"]))
