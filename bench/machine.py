"""What it was measured on, and which versions of what."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figures import table
from bench.setting import MLFLOW, OURS, ROOT, SLIM

MEMORY = Path("/dev/shm")  # noqa: S108  # each run makes a directory of its own in it


def about(files: Path) -> str:
    """Return a table of the machine and the versions; `files` is where those lie that are sent."""
    return table(("what", "which"), _rows(files))


def scratch(size: int) -> Path:
    """Return where `size` bytes may lie: in memory, if it has room. A disk has good and bad turns.

    What is free of it is what Linux calls available.
    """
    known = Path("/proc/meminfo").read_text(encoding="utf-8").split()
    free = int(known[known.index("MemAvailable:") + 1]) << 10
    roomy = MEMORY.is_dir() and min(free, shutil.disk_usage(MEMORY).free) > size
    return MEMORY if roomy else Path(tempfile.gettempdir())


def _rows(files: Path) -> Iterator[Sequence[str]]:
    yield "machine", f"{_model()}, {os.cpu_count()} processors, {_memory():.0f} GiB"
    yield "files lie", "in memory" if files == MEMORY else "on a disk"
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
