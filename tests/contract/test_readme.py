"""The README says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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


def test_every_make_target_that_is_named_exists() -> None:
    named = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:`|^)make ([a-z0-9]+)", named, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    missing = {name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)}
    assert {"demo", "test"} <= targets
    assert not missing
