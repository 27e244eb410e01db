"""The first registration on this machine alone, beside MLflow's first start of such a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.figures import Bound, Section, ratio
from bench.setting import MLFLOW, QUIET, SLIM, Bench, ours, peer, register
from bench.turns import Program, in_turns

BESIDE = {"mlflow": (MLFLOW, Bound(0.4)), "mlflow-skinny": (SLIM, None)}
TEXT = """\
Each time in a new directory. Ours keeps a bundle of 1 MB and registers it; MLflow only opens the \
store and asks for its experiments: `mlflow`, and mlflow-skinny with what SQLite takes. Nearly all \
of ours is the import of MLflow and SQLAlchemy; the tables are copied."""


def measure(bench: Bench) -> Section:
    """Measure what comes first on a new machine."""
    model = bench.model("local", 1_000_000)

    def kept(turn: str) -> Sequence[str]:
        return register(model, f"./{turn}")(turn)

    programs = [
        ours(kept),
        *(_opened(name, python, model) for name, (python, _) in BESIDE.items()),
    ]
    costs = in_turns(programs, bench.scale.rounds)
    figures = [
        ratio("first registration", costs, ("ours", name), bound)
        for name, (_, bound) in BESIDE.items()
    ]
    figures += [ratio("processor", costs, ("ours", name), of="cpu") for name in BESIDE]
    return Section("The local store", TEXT, figures)


def _opened(name: str, python: Path, model: Path) -> Program:
    def command(turn: str) -> Sequence[str]:
        uri = f"sqlite:///{model.with_name(turn)}.db"
        return peer(python, "first_store", model, uri).command(turn)

    return Program(name, command, QUIET)
