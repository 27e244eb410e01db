"""How time and requests grow with the files, the metrics, what is registered, and the jobs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench import crowd, plot
from bench.axes import Axis, Step
from bench.figures import Section, table
from bench.line import line
from bench.setting import Bench, flags, ours, register, server
from bench.turns import Command, run

SMALL = 10_000  # bytes
CROWD = "crowd"
TEXT = """\
*Growth* is how many times longer the last step takes than the one before it, by how many times \
more work it is: not more than 1, and a tenth for chance. Versions that are there already are no \
work for the next one. *Requests* are those that the last step takes more than the first, without \
the one that each file is. A line that counts them lies before the server. The jobs are processes \
on the server's own two processors, and lose some time to each other. The server may have 64 \
connections of its database: it takes two for a `log-batch`, and with the 15 that are MLflow's \
default, 15 of these at the same moment wait for each other for 30 s, until some give up and are \
sent again. No peer stands beside these, so they take two rounds.

![Seconds by the amount, for files, metrics, versions and jobs](growth.svg)"""


def measure(bench: Bench) -> Section:
    """Register more and more."""
    with contextlib.ExitStack() as stack:
        axes = _axes(bench, stack)
        for _ in range(bench.scale.growth_rounds):
            for axis in axes:
                for step in axis.steps:
                    step.take()
    plot.draw(axes, bench.target / "growth.svg")
    steps = table(("", "amount", "time", "requests"), (row for axis in axes for row in axis.rows()))
    return Section("Growth", TEXT, [figure for axis in axes for figure in axis.figures()], steps)


def _axes(bench: Bench, stack: contextlib.ExitStack) -> Sequence[Axis]:
    scale = bench.scale
    model = bench.model("growth", SMALL)

    def step(amount: int, make: Callable[[str], Command], url: str = bench.url) -> Step:
        opened = stack.enter_context(line(url))
        return Step(amount, ours(make(opened.url)), opened)

    def files(amount: int) -> Step:
        place = bench.model(f"growth-files-{amount}", *[SMALL] * amount)
        return step(amount, lambda url: register(place, url))

    def metrics(amount: int) -> Step:
        given = flags(metrics={f"metric{number}": number / 8 for number in range(amount)})
        return step(amount, lambda url: register(model, url, *given))

    def versions(amount: int) -> Step:
        name = f"growth-server-{amount}"
        url = stack.enter_context(server(bench.scratch / name))
        run(ours(_labelled(model, url)))
        crowd.multiply(bench.scratch / name / "mlflow.db", CROWD, amount)
        return step(amount, lambda url: _labelled(model, url), url)

    def jobs(amount: int) -> Step:
        return replace(step(amount, lambda url: register(model, url)), jobs=amount)

    return (
        Axis("files", [files(amount) for amount in scale.files], files=int),
        Axis("metrics", [metrics(amount) for amount in scale.metrics]),
        Axis("versions", [versions(amount) for amount in scale.versions], work=lambda _: 1.0),
        Axis("jobs", [jobs(amount) for amount in scale.jobs]),
    )


def _labelled(model: Path, url: str) -> Command:
    """Return a command that registers one version more of the same model."""
    return lambda turn: register(model, url, *flags(metrics={"a": 1}, version=turn))(CROWD)
