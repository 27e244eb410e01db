"""How time and requests grow with the files, the metrics, what is registered, and the jobs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bench import crowd
from bench.figures import Bound, Figure, Section, shown, table
from bench.line import Line, line
from bench.setting import Bench, flags, ours, register
from bench.turns import Program, run, spread

SMALL = 10_000  # bytes
CROWD = "crowd"
GROWTH = Bound(1.1)
REQUESTS = Bound(0)
TEXT = """\
*Growth* is how many times longer the last step takes than the one before it, by how many times \
more work it is: not more than 1, and a tenth for chance. Versions that are there already are no \
work for the next one. *Requests* are those that the last step takes more than the first, without \
the one that each file is. A line that counts them lies before the server.

![Seconds by the amount, for files, metrics, versions and jobs](growth.svg)"""


@dataclass(slots=True)
class Step:
    """One amount of something: how it is registered, and what that took, round by round."""

    amount: int
    program: Program
    line: Line
    jobs: int = 1
    walls: list[float] = field(default_factory=list)

    def take(self) -> None:
        """Register once, or in all jobs at the same time."""
        began = time.perf_counter()
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(run, [self.program] * self.jobs))
        self.walls.append(time.perf_counter() - began)

    @property
    def requests(self) -> float:
        """How many requests one registration took."""
        return self.line.requests / len(self.walls) / self.jobs


@dataclass(frozen=True, slots=True)
class Axis:
    """What grows; `work` is how much of it there is to do at an amount, `files` what is sent."""

    name: str
    steps: Sequence[Step]
    work: Callable[[int], float] = float
    files: Callable[[int], int] = lambda _: 1

    def figures(self) -> Iterator[Figure]:
        """Say how it grew."""
        first, before, last = self.steps[0], self.steps[-2], self.steps[-1]
        more = self.work(last.amount) / self.work(before.amount)
        growth = [b / a / more for a, b in zip(before.walls, last.walls, strict=True)]
        yield Figure(
            what=f"{self.name}, growth",
            value=spread(growth),
            bound=GROWTH,
            ours=shown(spread(last.walls), "s"),
            beside=f"at {before.amount:,}",
            theirs=shown(spread(before.walls), "s"),
        )
        beside = last.requests - self.files(last.amount)
        yield Figure(
            what=f"{self.name}, requests",
            value=spread([beside - (first.requests - self.files(first.amount))]),
            bound=REQUESTS,
            ours=f"{last.requests:g}",
            beside=f"at {first.amount:,}",
            theirs=f"{first.requests:g}",
        )

    def rows(self) -> Iterator[Sequence[str]]:
        """Return what the table of all steps says."""
        for step in self.steps:
            seconds = shown(spread(step.walls), "s")
            yield self.name, f"{step.amount:,}", seconds, f"{step.requests:g}"


def measure(bench: Bench) -> tuple[Section, Sequence[Axis]]:
    """Register more and more."""
    with contextlib.ExitStack() as stack:
        axes = _axes(bench, stack)
        for _ in range(bench.scale.growth_rounds):
            for axis in axes:
                for step in axis.steps:
                    step.take()
    steps = table(("", "amount", "time", "requests"), (row for axis in axes for row in axis.rows()))
    figures = [figure for axis in axes for figure in axis.figures()]
    return Section("Growth", TEXT, figures, steps), axes


def _axes(bench: Bench, stack: contextlib.ExitStack) -> Sequence[Axis]:
    scale = bench.scale
    model = bench.model("growth", SMALL)
    servers = {amount: _server(bench, stack, model, amount) for amount in scale.versions}
    quiet = servers[scale.versions[0]]

    def step(amount: int, url: str, place: Path = model, jobs: int = 1, *more: str) -> Step:
        opened = stack.enter_context(line(url))
        return Step(amount, ours(register(place, opened.url, *more)), opened, jobs)

    def metrics(amount: int) -> tuple[str, ...]:
        return flags(metrics={f"metric{number}": number / 8 for number in range(amount)})

    def version(amount: int) -> Step:
        made = step(amount, servers[amount])
        made.program = ours(_labelled(model, made.line.url))
        return made

    return (
        Axis(
            "files",
            [
                step(amount, quiet, bench.model(f"growth-files-{amount}", *[SMALL] * amount))
                for amount in scale.files
            ],
            files=int,
        ),
        Axis(
            "metrics", [step(amount, quiet, model, 1, *metrics(amount)) for amount in scale.metrics]
        ),
        Axis("versions", [version(amount) for amount in scale.versions], work=lambda _: 1.0),
        Axis("jobs", [step(amount, quiet, model, amount) for amount in scale.jobs]),
    )


def _server(bench: Bench, stack: contextlib.ExitStack, model: Path, versions: int) -> str:
    """Start a server on which a model has so many versions."""
    name = f"growth-server-{versions}"
    url = stack.enter_context(bench.server(name))
    run(ours(_labelled(model, url)))
    crowd.multiply(bench.scratch / name / "mlflow.db", CROWD, versions)
    return url


def _labelled(model: Path, url: str) -> Callable[[str], Sequence[str]]:
    """Return a command that registers one version more of the same model."""
    return lambda turn: register(model, url, *flags(metrics={"a": 1}, version=turn))(CROWD)
