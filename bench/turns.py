"""Runs programs in turns, each time in a fresh process, and says what each turn cost."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Command = Callable[[str], Sequence[str]]  # from a name that no other turn has
MIB = 1024  # ru_maxrss counts KiB
_TURNS = itertools.count()


@dataclass(frozen=True, slots=True)
class Program:
    """What is run, and how it has to end.

    `before` prepares, and is not timed. It has to end with `exit_code` and to have said `says`;
    with `first_word`, the clock stops as soon as it says anything.
    """

    name: str
    command: Command
    environ: Mapping[str, str] = field(default_factory=dict)
    exit_code: int = 0
    says: str = ""
    before: Callable[[], object] = lambda: None
    first_word: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What one turn took: seconds on the clock, seconds of a processor, MiB at the peak."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of several measurements, and the ends."""

    median: float
    low: float
    high: float


class ProgramError(Exception):
    """A program did not end as it should: what it said."""


def spread(values: Iterable[float]) -> Spread:
    """Return the median, the minimum and the maximum."""
    known = list(values)
    return Spread(statistics.median(known), min(known), max(known))


def in_turns(programs: Sequence[Program], rounds: int) -> dict[str, list[Cost]]:
    """Run all programs `rounds` times; who begins changes, so that nobody always follows."""
    costs: dict[str, list[Cost]] = {program.name: [] for program in programs}
    for turn in range(rounds):
        first = turn % len(programs)
        for program in (*programs[first:], *programs[:first]):
            costs[program.name].append(run(program))
    return costs


def run(program: Program) -> Cost:
    """Run a program once."""
    program.before()
    return _timed(program, program.command(f"turn-{next(_TURNS)}"))


def _timed(program: Program, command: Sequence[str]) -> Cost:
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  # ours, and those that we compare with
            command,
            env={name: os.environ[name] for name in ("PATH", "HOME")} | dict(program.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program.first_word else said,
            stderr=subprocess.STDOUT,
        )
        wall = 0.0
        try:
            if process.stdout:
                said.write(process.stdout.read(1))
                wall = time.perf_counter() - began
                said.write(process.stdout.read())
                process.stdout.close()
            # The only call that tells of one child alone. What it calls the peak is at least ours:
            # a child begins as a copy of us. So nothing big is imported here.
            _, status, used = os.wait4(process.pid, 0)
        except KeyboardInterrupt:
            process.kill()
            raise
        wall = wall or time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if process.returncode != program.exit_code or program.says not in text:
        raise ProgramError(f"{program.name} ended with {process.returncode}:\n{text}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / MIB)
