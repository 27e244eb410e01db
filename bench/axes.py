"""What grows, step by step, and whether it grows faster than the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bench.figures import Bound, Figure, shown
from bench.line import Line
from bench.turns import Program, run, spread

GROWTH = Bound(1.1)
REQUESTS = Bound(0)


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
