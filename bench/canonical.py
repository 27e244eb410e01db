"""The canonical registration, beside the scripts that people write today."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.figures import Bound, Section, ratio, table
from bench.line import Line, line
from bench.peers.values import ALIAS, METRICS, PARAMS, TAGS
from bench.setting import MLFLOW, QUIET, SLIM, Bench, flags, ours, peer, register
from bench.turns import Cost, Program, in_turns

SIZES = (9_000_000, 900_000, 100_000)  # bytes
FLAGS = flags(metrics=METRICS, params=PARAMS, tags=TAGS, alias=ALIAS)
DELAY = 0.05  # seconds
NEAR, FAR = "+0 ms", "+50 ms a round trip"
BESIDE = {"naive": Bound(0.35), "client": Bound(0.75), "raw": None}
MLFLOWS = ("naive", "client")  # `raw` takes less than we do, and `Cost` cannot tell
IMPORT = "import mlflow"
TEXT = """\
10 MB in 3 files, 8 metrics, 6 params, 5 tags, a version with 5 tags, an alias; the experiment is \
there. `naive` is MLflow's fluent API, one call per value; `client` the fewest calls of \
`MlflowClient`, on mlflow-skinny; `raw` is httpx and nothing else. Only ours looks for what is \
there already, computes digests, and reads back what it registered. `import mlflow` is \
mlflow-skinny alone, with Python taking it apart again at the end. Ours leaves that out, lets what \
is for language models wait, which is two fifths of the import, and imports the rest while it asks \
what is there already; that import is still half of the time. Beside `naive` on loopback, and \
beside `client` on the longer line, ours lies close to the bound, and is inside or outside by what \
else the machine has to do."""


def measure(bench: Bench) -> Section:
    """Measure it on a server next door, and on one where each round trip takes 50 ms longer."""
    model = bench.model("canonical", *SIZES)
    rounds = bench.scale.rounds
    with contextlib.ExitStack() as stack:
        programs = [_program(name, model, bench.url) for name in ("ours", *BESIDE)]
        alone = Program(IMPORT, lambda _: (str(SLIM), "-I", "-c", IMPORT), QUIET)
        near = in_turns([*programs, alone], rounds)
        lines = {one.name: stack.enter_context(line(bench.url, DELAY)) for one in programs}
        longer = [_program(name, model, one.url, one.begin) for name, one in lines.items()]
        far = in_turns(longer, rounds)
    figures = [
        *(
            ratio(where, costs, ("ours", name), bound)
            for where, costs in ((NEAR, near), (FAR, far))
            for name, bound in BESIDE.items()
        ),
        ratio(NEAR, near, ("ours", IMPORT)),
        *(ratio(f"processor, {NEAR}", near, ("ours", name), of="cpu") for name in BESIDE),
        *(ratio("peak of memory", near, ("ours", name), of="peak") for name in MLFLOWS),
    ]
    return Section("The canonical registration", TEXT, figures, _parts(far, lines))


def _parts(costs: Mapping[str, Sequence[Cost]], lines: Mapping[str, Line]) -> str:
    """Say where the time of a run goes, and how many requests there are."""
    rows = []
    for name, one in lines.items():
        wall = statistics.mean(cost.wall for cost in costs[name])
        idle, waited = statistics.mean(one.idle), one.waited / len(one.idle)
        parts = (f"{part:.2f} s" for part in (idle, waited, wall - idle - waited))
        rows.append((name, *parts, f"{one.requests / len(one.idle):g}"))
    head = (f"{FAR}, means", "to the first request", "no answer yet", "the rest", "requests")
    return table(head, rows)


def _program(name: str, model: Path, url: str, begin: Callable[[], None] = lambda: None) -> Program:
    if name == "ours":
        made = ours(register(model, url, *FLAGS))
    else:
        made = peer(MLFLOW if name == "naive" else SLIM, name, model, url)
    return replace(made, before=begin)
