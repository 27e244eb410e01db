"""Scripts of users, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from functional.runner import kept


def call(script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a script with these arguments and variables."""
    # MLflow's client leaves there what it has downloaded to load a model.
    with tempfile.TemporaryDirectory() as scratch:
        variables = {"MLFLOW_DISABLE_TELEMETRY": "true", "TMPDIR": scratch, **environ}
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script, *arguments],
            env={**kept(), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
