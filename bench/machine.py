"""What it was measured on, and which versions of what."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figures import table
from bench.setting import MLFLOW, OURS, ROOT, SLIM


def about() -> str:
    """Return a table of the machine and the versions."""
    return table(("what", "which"), _rows())


def _rows() -> Iterator[Sequence[str]]:
    yield "machine", f"{_model()}, {os.cpu_count()} processors, {_memory():.0f} GiB"
    yield "load before", f"{os.getloadavg()[0]:.1f}"
    yield "system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield "ours", f"{_said('git', '-C', str(ROOT), 'rev-parse', '--short', 'HEAD')}"
    yield "ours stands on", _packages(OURS, "mlflow-skinny", "httpx")
    yield "`naive`, `log_artifacts`, servers", _packages(MLFLOW, "mlflow")
    yield "`client`, `raw`", _packages(SLIM, "mlflow-skinny", "httpx")
    yield "curl", _said("curl", "--version").split()[1]


def _packages(python: Path, *names: str) -> str:
    code = "import sys; from importlib.metadata import version as of; print(*map(of, sys.argv[1:]))"
    found = _said(str(python), "-c", code, *names).split()
    return ", ".join(f"{name} {version}" for name, version in zip(names, found, strict=True))


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def _model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
