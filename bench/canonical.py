"""The canonical registration, beside the scripts that people write today."""

from __future__ import annotations

import contextlib
from pathlib import Path

from bench.figures import Bound, Section, ratio, table
from bench.line import line
from bench.peers.values import ALIAS, METRICS, PARAMS, TAGS
from bench.setting import MLFLOW, QUIET, SLIM, Bench, flags, ours, peer, register
from bench.turns import Program, in_turns

SIZES = (9_000_000, 900_000, 100_000)  # bytes
FLAGS = flags(metrics=METRICS, params=PARAMS, tags=TAGS, alias=ALIAS)
DELAY = 0.05  # seconds
BESIDE = {"naive": Bound(0.35), "client": Bound(0.75), "raw": None}
MLFLOWS = ("naive", "client")  # `raw` takes less than we do, and `Cost` cannot tell
IMPORT = "import mlflow"
TEXT = """\
10 MB in 3 files, 8 metrics, 6 params, 5 tags, a version with 5 tags, an alias; the experiment is \
there. `naive` is MLflow's fluent API, one call per value; `client` the fewest calls of \
`MlflowClient`, on mlflow-skinny; `raw` is httpx and nothing else; `import mlflow` is \
mlflow-skinny alone. Only ours looks for what is there already, computes digests, and reads back \
what it registered."""


def measure(bench: Bench) -> Section:
    """Measure it on a server next door, and on one where each round trip takes 50 ms longer."""
    model = bench.model("canonical", *SIZES)
    rounds = bench.scale.rounds
    with contextlib.ExitStack() as stack:
        programs = [_program(name, model, bench.url) for name in ("ours", *BESIDE)]
        alone = Program(IMPORT, lambda _: (str(SLIM), "-I", "-c", IMPORT), QUIET)
        near = in_turns([*programs, alone], rounds)
        lines = {program.name: stack.enter_context(line(bench.url, DELAY)) for program in programs}
        far = in_turns([_program(name, model, one.url) for name, one in lines.items()], rounds)
    figures = [
        *(
            ratio(where, costs, ("ours", name), bound)
            for where, costs in (("+0 ms", near), ("+50 ms a round trip", far))
            for name, bound in BESIDE.items()
        ),
        ratio("+0 ms", near, ("ours", IMPORT)),
        *(ratio("processor, +0 ms", near, ("ours", name), of="cpu") for name in BESIDE),
        *(ratio("peak of memory", near, ("ours", name), of="peak") for name in MLFLOWS),
    ]
    counts = [("each", *(f"{one.requests / rounds:g}" for one in lines.values()))]
    return Section("The canonical registration", TEXT, figures, table(("requests", *lines), counts))


def _program(name: str, model: Path, url: str) -> Program:
    if name != "ours":
        return peer(MLFLOW if name == "naive" else SLIM, name, model, url)
    return ours(register(model, url, *FLAGS))
