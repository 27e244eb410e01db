"""How long it takes to say that something is wrong."""

from __future__ import annotations

from bench.figures import Bound, Section, ratio
from bench.setting import KEY, OURS, Bench, register
from bench.turns import Program, in_turns

MOST = Bound(1.5)
QUICK = 3  # times the rounds: a turn takes no time


def measure(bench: Bench) -> Section:
    """Measure from the start to the exit code of a wrong input."""
    nothing = bench.scratch / "start" / "nothing"
    nothing.parent.mkdir()
    command = register(nothing, "http://127.0.0.1:9")
    libraries = "import httpx, yaml"
    costs = in_turns(
        [
            Program("ours", command, KEY, exit_code=2),
            Program(libraries, lambda _: (str(OURS), "-I", "-c", libraries)),
        ],
        QUICK * bench.scale.rounds,
    )
    figure = ratio("bad input to exit code", costs, ("ours", libraries), MOST)
    return Section("Start", "A model that is not there, told with exit code 2.", [figure])
