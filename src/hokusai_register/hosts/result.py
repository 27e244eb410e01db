"""The result as a file, for the steps and tools that want JSON."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hokusai_register import render
from hokusai_register.errors import RegisterError
from hokusai_register.hosts import Request
from hokusai_register.model import Report
from hokusai_register.paths import writable


def write_result(report: Report, request: Request, say: Callable[[str], None]) -> bool:
    """Write the result to `result-file`, if one is named; return False if that failed."""
    named = request.raw.get("result-file", "").strip()
    if not named:
        return True
    try:
        target = writable(named, request.roots, what="result-file")
        _make(target)
        target.write_text(render.as_json(report) + "\n", encoding="utf-8")
    except RegisterError as error:
        say(f"the result file could not be written: {error.what} ({error.why})")
        return False
    except OSError as error:
        say(f"the result file could not be written: {error.strerror}")
        return False
    return True


def _make(target: Path) -> None:
    """Make a new file the property of whoever owns its directory.

    In a container we are root, and a self-hosted runner cannot remove what belongs to root.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0 and not target.exists():  # not on Windows
        target.touch()
        owner = target.parent.stat()
        os.chown(target, owner.st_uid, owner.st_gid)
