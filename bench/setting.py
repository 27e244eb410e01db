"""What is measured on: the environments, a server, models to register, and how much of it all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.peers.values import METRICS
from bench.turns import Command, Program
from functional.servers import mlflow_server

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "bench" / "peers"
OURS, MLFLOW, SLIM = (
    ROOT / ".venvs" / name / "bin" / "python" for name in ("step", "bench-mlflow", "runtime")
)
EXPERIMENT = "bench"
SERVER = "server"
KEY = {"HOKUSAI_API_KEY": "hk_live_" + "0123456789abcdef" * 2}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true"}
PIECE = 1 << 20  # bytes
# MLflow's own fifteen connections of the database let as many jobs wait for each other for 30 s.
CONNECTIONS = {"MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured."""

    rounds: int
    growth_rounds: int
    large: Sequence[int]  # bytes
    small_files: int
    far_files: int  # over a longer line
    files: Sequence[int]
    metrics: Sequence[int]
    versions: Sequence[int]
    jobs: Sequence[int]


ALL = Scale(
    rounds=7,
    growth_rounds=2,
    large=(10**9, 5 * 10**9),
    small_files=2000,
    far_files=50,
    files=(1, 10, 100, 1000),
    metrics=(1, 10, 1000),
    versions=(1, 100, 5000),
    jobs=(1, 8, 32),
)
LESS = Scale(
    rounds=2,
    growth_rounds=1,
    large=(10**8,),
    small_files=100,
    far_files=40,
    files=(1, 100),
    metrics=(1, 1000),
    versions=(1, 1000),
    jobs=(1, 4),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """How much is measured and where, with which server, and where pictures of it go."""

    scale: Scale
    scratch: Path
    url: str
    target: Path

    def model(self, name: str, *sizes: int) -> Path:
        """Make a directory of files of these sizes, each with a content of its own."""
        place = self.scratch / name / "model"
        place.mkdir(parents=True)
        for number, size in enumerate(sizes):
            piece = os.urandom(min(size, PIECE))
            with (place / f"part-{number}.bin").open("wb") as stream:
                for begin in range(0, size, PIECE):
                    stream.write(piece[: size - begin])
        return place

    def clear(self) -> None:
        """Remove what the server got, and let nothing of it be written out in the next turn."""
        shutil.rmtree(self.scratch / SERVER / "artifacts", ignore_errors=True)
        os.sync()


@contextlib.contextmanager
def server(directory: Path) -> Iterator[str]:
    """Run an MLflow server that knows the experiment; give its origin."""
    with mlflow_server(MLFLOW, directory, **CONNECTIONS) as url:
        made = httpx.post(f"{url}/api/2.0/mlflow/experiments/create", json={"name": EXPERIMENT})
        made.raise_for_status()
        yield url


def register(model: Path, url: str, *flags: str) -> Command:
    """Return our command, as in any CI job, for a name."""
    return lambda name: (
        *(str(OURS), "-I", "-m", "hokusai_register", "register"),
        *("--workspace", str(model.parent), "--model-path", model.name, "--model-name", name),
        *("--experiment", EXPERIMENT, "--tracking-uri", url, "--fallback", "none"),
        *(flags or ("--metrics", json.dumps(METRICS))),
    )


def ours(command: Command, name: str = "ours") -> Program:
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
