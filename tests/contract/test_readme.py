"""The README and the docs say what the code does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from hokusai_register import errors

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, root / "scripts" / "tables.py"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_tables_are_those_of_the_code() -> None:
    checked = _check(ROOT)
    assert checked.returncode == 0, checked.stderr


def test_each_table_that_differs_is_named(tmp_path: Path) -> None:
    for part in ("scripts", "docs", "composite"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "README.md", tmp_path)
    for name, right, wrong in (
        ("README.md", "| `timeout` |", "| `time-out` |"),
        ("docs/fallback.md", "| `mock` | `local` |", "| `mock` | `api` |"),
        ("docs/troubleshooting.md", "there is no key", "there is a key"),
        ("composite/action.yml", "inputs.timeout }}", "inputs.version }}"),
    ):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert right in text
        (tmp_path / name).write_text(text.replace(right, wrong), encoding="utf-8")
    checked = _check(tmp_path)
    assert checked.returncode == 1
    assert (
        "README.md, docs/fallback.md, docs/troubleshooting.md, composite/action.yml:"
        in checked.stderr
    )


def test_every_make_target_that_is_named_exists() -> None:
    named = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", named, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z][a-z0-9 -]*):", makefile, re.MULTILINE)
    assert {"demo", "test"} <= targets <= {name for rule in rules for name in rule.split()}


def test_it_is_in_the_order_in_which_readers_ask() -> None:
    assert re.findall(r"^## (.*)$", README, re.MULTILINE) == [
        *("Permissions", "Recipes", "Inputs", "Outputs", "What is recorded", "Forks", "act"),
        *("Troubleshooting", "Security and pinning", "Platforms and limits", "Not at all"),
        "Contributing",
    ]
    words = re.findall(r"\S*\w\S*", re.sub(r"<!--.*?-->", "", README))
    assert 1400 <= len(words) <= 1900


def test_every_file_that_is_named_exists() -> None:
    named = {target for target in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in target}
    assert {"docs/summary.png", "docs/fallback.md"} <= named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_exit_code_is_named() -> None:
    (sentence,) = re.findall(r"^The exit code is .*$", README, re.MULTILINE)
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.RegisterError)}
    assert {int(code) for code in re.findall(r"\d+", sentence)} == codes | {0, 143}
