"""The first registration on this machine alone, beside MLflow's first start of such a store."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Bound, Section, ratio
from bench.setting import MLFLOW, QUIET, Bench, ours, peer, register
from bench.turns import Program, in_turns

BOUND = Bound(0.4)
TEXT = """\
Each time in a new directory. Ours keeps a bundle of 1 MB and registers it; MLflow only opens the \
store and asks for its experiments. Nearly all of ours is the import of MLflow and SQLAlchemy; the \
tables are copied."""


def measure(bench: Bench) -> Section:
    """Measure what comes first on a new machine."""
    model = bench.model("local", 1_000_000)

    def kept(turn: str) -> Sequence[str]:
        return register(model, f"./{turn}")(turn)

    def opened(turn: str) -> Sequence[str]:
        uri = f"sqlite:///{model.with_name(turn)}.db"
        return peer(MLFLOW, "first_store", model, uri).command(turn)

    theirs = Program("mlflow", opened, QUIET)
    costs = in_turns([ours(kept), theirs], bench.scale.rounds)
    pair = ("ours", theirs.name)
    figures = [
        ratio("first registration", costs, pair, BOUND),
        ratio("processor", costs, pair, of="cpu"),
    ]
    return Section("The local store", TEXT, figures)
