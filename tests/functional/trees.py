"""Directories by their content, as anybody can check them without the product."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path


def tree(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below `root`; MLflow adds one of its own to a download."""
    files = (p for p in root.rglob("*") if p.is_file() and p.name != "registered_model_meta")
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def digest(root: Path) -> str:
    """Return the SHA-256 of what `sha256sum` prints for the files, sorted by their paths."""
    names = sorted(tree(root))
    printed = subprocess.run(["sha256sum", "--", *names], cwd=root, capture_output=True, check=True)
    return hashlib.sha256(printed.stdout).hexdigest()
