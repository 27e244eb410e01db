"""What `make demo` runs, a newcomer sees end well: on any machine, whatever is set there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "demo.py"


def test_trains_registers_and_finds_the_same_files(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, SCRIPT, tmp_path],
        env={**os.environ, "HOKUSAI_API_KEY": "of-somebody", "HTTP_PROXY": "http://127.0.0.1:9"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    rows = shown.stdout.splitlines()
    assert {"status=registered", "backend=mlflow", "reason=ok", "model-version=1"} <= set(rows)
    assert "### ✅ Registered `breast-cancer` version `1` in MLflow" in rows
    assert "breast-cancer version 1 is READY" in rows
    assert sum(row.endswith("  same") for row in rows) == 2
    assert rows[-1].endswith("/mlflow/#/models/breast-cancer/versions/1")
    assert "::add-mask::" not in shown.stdout
    drawn = (ROOT / "docs" / "summary.md").read_text(encoding="utf-8")
    assert _form(drawn) == _form((tmp_path / "summary.md").read_text(encoding="utf-8"))
    assert _form(drawn) != _form(drawn.replace("Registry", "Place")), "the check can say no"


def _form(summary: str) -> str:
    """Return a summary without what differs from run to run."""
    return re.sub(r"\[?`[^`]*`(\]\([^)]*\))?|[\d.]+ kB", "…", summary)
