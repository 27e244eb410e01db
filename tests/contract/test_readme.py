"""The README says what the code does."""

from __future__ import annotations

import re
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
    assert _check(ROOT).returncode == 0


def test_a_table_that_differs_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "tables.py").write_bytes((ROOT / "scripts" / "tables.py").read_bytes())
    (tmp_path / "README.md").write_text(README.replace("| `timeout` |", "| `time-out` |"))
    checked = _check(tmp_path)
    assert checked.returncode == 1
    assert "README.md differs" in checked.stderr


@pytest.mark.parametrize("target", ["demo", "test", "compat", "e2e"])
def test_every_make_target_that_is_named_exists(target: str) -> None:
    named = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"make {target}" in named
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_no_other_make_target_is_named() -> None:
    named = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`?make ([a-z]+)", named)) - {"s"} <= {
        "demo",
        "test",
        "compat",
        "e2e",
        "lock",
    }
