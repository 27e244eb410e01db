"""What is measured on: the environments, a server, models to register, and how much of it all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.peers.values import METRICS
from bench.turns import Program
from functional.servers import mlflow_server

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "bench" / "peers"
OURS, MLFLOW, SLIM = (
    ROOT / ".venvs" / name / "bin" / "python" for name in ("step", "bench-mlflow", "runtime")
)
EXPERIMENT = "bench"
KEY = {"HOKUSAI_API_KEY": "hk_live_" + "0123456789abcdef" * 2}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true"}
PIECE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured."""

    rounds: int
    growth_rounds: int
    large: Sequence[int]  # bytes
    small_files: int
    files: Sequence[int]
    metrics: Sequence[int]
    versions: Sequence[int]
    jobs: Sequence[int]
    image: bool


ALL = Scale(
    rounds=7,
    growth_rounds=3,
    large=(10**9, 5 * 10**9),
    small_files=2000,
    files=(1, 10, 100, 1000),
    metrics=(1, 10, 1000),
    versions=(1, 100, 5000),
    jobs=(1, 8, 32),
    image=True,
)
LESS = Scale(
    rounds=3,
    growth_rounds=1,
    large=(10**8,),
    small_files=200,
    files=(1, 100),
    metrics=(1, 1000),
    versions=(1, 1000),
    jobs=(2, 4),
    image=False,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where it is measured, and how much."""

    scale: Scale
    scratch: Path

    def model(self, name: str, *sizes: int) -> Path:
        """Make a directory of files that no compression makes smaller."""
        place = self.scratch / name / "model"
        place.mkdir(parents=True)
        for number, size in enumerate(sizes):
            with (place / f"part-{number}.bin").open("wb") as stream:
                for begin in range(0, size, PIECE):
                    stream.write(os.urandom(min(PIECE, size - begin)))
        return place

    @contextlib.contextmanager
    def server(self, name: str) -> Iterator[str]:
        """Run an MLflow server that knows the experiment."""
        with mlflow_server(MLFLOW, self.scratch / name) as url:
            made = httpx.post(f"{url}/api/2.0/mlflow/experiments/create", json={"name": EXPERIMENT})
            made.raise_for_status()
            yield url

    def clear(self, name: str) -> None:
        """Remove what a server got, and let nothing of it be written out during the next turn."""
        shutil.rmtree(self.scratch / name / "artifacts", ignore_errors=True)
        os.sync()


def register(model: Path, url: str, *flags: str) -> Callable[[str], Sequence[str]]:
    """Return our command, as in any CI job, for a name."""
    return lambda name: (
        *(str(OURS), "-I", "-m", "hokusai_register", "register"),
        *("--workspace", str(model.parent), "--model-path", model.name, "--model-name", name),
        *("--experiment", EXPERIMENT, "--tracking-uri", url, "--fallback", "none"),
        *(flags or ("--metrics", json.dumps(METRICS))),
    )


def ours(command: Callable[[str], Sequence[str]], name: str = "ours") -> Program:
    """Return a program that registers with our command, anew each time."""
    return Program(name, command, KEY, says="status=registered")


def peer(python: Path, script: str, model: Path, url: str) -> Program:
    """Return a script of somebody who uses MLflow, or only HTTP."""
    command = (str(python), str(PEERS / f"{script}.py"), url, str(model))
    return Program(script, lambda name: (*command, name, EXPERIMENT), QUIET)


def flags(**given: Mapping[str, object] | str) -> tuple[str, ...]:
    """Return flags of ours; a mapping is given as JSON."""
    return tuple(
        part
        for name, value in given.items()
        for part in (f"--{name}", value if isinstance(value, str) else json.dumps(value))
    )
