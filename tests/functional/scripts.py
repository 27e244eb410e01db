"""Scripts of users, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from functional.runner import kept


def call(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script with these arguments and variables."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        env={**kept(), "MLFLOW_DISABLE_TELEMETRY": "true", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
