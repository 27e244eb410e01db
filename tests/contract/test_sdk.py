"""The SDK is a guest in its user's process, and no part of the action."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import hokusai
from hokusai import config
from hokusai_register.registrars import calls

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"(HOKUSAI|MLFLOW|REQUESTS|SSL|AWS)_[A-Z0-9_]+")
LOOK = """
import json, os, signal, sys, threading, warnings, logging
def look():
    return {
        "environ": dict(os.environ),
        "signals": [str(signal.getsignal(n)) for n in sorted(signal.valid_signals())],
        "threads": threading.active_count(),
        "filters": len(warnings.filters),
        "handlers": len(logging.root.handlers),
    }
"""


def python(code: str, *, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "src"), "HOKUSAI_MOCK_MODE": "perhaps"},
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )


def test_importing_it_changes_nothing(tmp_path: Path) -> None:
    code = f"{LOOK}\nbefore = look()\nimport hokusai, hokusai.config, hokusai.core.registry\n"
    done = python(f"{code}print(json.dumps([before, look()]))", directory=tmp_path)
    before, after = json.loads(done.stdout)
    assert before == after
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_importing_it_imports_no_mlflow(tmp_path: Path) -> None:
    code = "import sys, hokusai; print('httpx' in sys.modules, 'mlflow' in sys.modules)"
    assert python(code, directory=tmp_path).stdout == "True False\n"


def test_all_that_is_promised_is_there() -> None:
    for module in (hokusai, config):
        assert [name for name in module.__all__ if not hasattr(module, name)] == []
        assert module.__all__ == sorted(module.__all__)


def test_the_wheel_has_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    there = [path.parent for path in (ROOT / "src").glob("*/__init__.py")]
    assert sorted(packages) == sorted(path.relative_to(ROOT).as_posix() for path in there)
    assert all((path / "py.typed").is_file() for path in there)


def test_every_fault_of_the_other_sdk_that_is_a_clients_has_a_test() -> None:
    sources = (ROOT / "tests").rglob("sdk/*.py")
    texts = [path.read_text(encoding="utf-8") for path in sources]
    marked = {int(n) for text in texts for n in re.findall(r"mark\.upstream\((\d+)", text)}
    of_the_server = {25, 36, 37, 38, 39}
    assert marked == set(range(16, 47)) - of_the_server


def test_the_example_of_an_environment_has_every_variable_that_is_read() -> None:
    names: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        if "sandbox" not in path.parts:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            words = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            names |= {word for word in words if isinstance(word, str) and VARIABLE.fullmatch(word)}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert names - calls.QUIET.keys() == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
