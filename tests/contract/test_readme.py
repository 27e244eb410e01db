"""The README and the docs say what the code does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("README.md", "| `timeout` |", "| `time-out` |"),
        ("docs/fallback.md", "| `mock` | `local` |", "| `mock` | `api` |"),
        ("docs/troubleshooting.md", "there is no key", "there is a key"),
    ],
)
def test_a_table_that_differs_is_noticed(tmp_path: Path, name: str, right: str, wrong: str) -> None:
    for part in ("scripts", "docs"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "README.md", tmp_path)
    document = tmp_path / name
    text = document.read_text(encoding="utf-8")
    assert right in text
    document.write_text(text.replace(right, wrong), encoding="utf-8")
    checked = _check(tmp_path)
    assert checked.returncode == 1
    assert f"{document.name} differs" in checked.stderr


def test_every_make_target_that_is_named_exists() -> None:
    named = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:`|^)make ([a-z0-9]+)", named, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    missing = {name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)}
    assert {"demo", "test"} <= targets
    assert not missing
