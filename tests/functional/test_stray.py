"""Nothing that a library prints, by whatever way, is printed as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hokusai_register import app
from noisy import NOISES, source
from runner_rules import Command, act_commands, runner_commands

SOURCE = Path(app.__file__).parents[1]
GUARDED = """
from hokusai_register.hosts.stray import Stray

class Host:
    def step(self, text):
        stray.out.write(f"heard: {text}\\n")
        stray.out.flush()

with Stray() as stray:
    exec(NOISE)
    stray.heard_by(Host())
    exec(NOISE)
print("::error::behind it")
"""
SILENT = {"end": "nothing is heard behind the end", "stack": "it has none of the words"}


def printed(code: str, noise: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"NOISE = {noise!r}\n{code}"],
        env={"PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode("utf-8", "surrogateescape")


def obeyed(output: str) -> list[Command]:
    return runner_commands(output) + act_commands(output)


@pytest.mark.parametrize("name", NOISES)
def test_what_a_library_prints_is_no_command(name: str) -> None:
    noise = source(name)
    output = printed(GUARDED, noise)
    assert obeyed(output) == []
    assert ("set-output" in output) is (name not in SILENT)
    assert all(row.startswith("heard: ") for row in output.splitlines())


@pytest.mark.parametrize("name", sorted(NOISES.keys() - {"stack", "exception"}))
def test_it_would_be_obeyed_otherwise(name: str) -> None:
    assert obeyed(printed("exec(NOISE)", source(name)))


def test_somebody_who_never_stops_is_cut_short() -> None:
    output = printed(GUARDED, "print('words\\n' * 200_000)")
    assert "heard: libraries said 1,351,426 bytes more\n" in output
    assert output.count("heard: | words\n") == (1 << 20) // 6


def test_a_bug_behind_all_doors_is_told_too() -> None:
    output = printed(GUARDED, "raise ValueError('\\n::error::x')")
    assert "| Traceback (most recent call last):\n" in output
    assert "| ::error::x\n" in output
    assert obeyed(output) == []


def test_what_nobody_hears_goes_to_stderr() -> None:
    output = printed(GUARDED.replace("    stray.heard_by(Host())\n", ""), "print('::error::x')")
    assert output == "| ::error::x\n" * 2


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_stream_that_is_closed_ends_nothing(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}>&-', sys.executable, f"NOISE = ''\n{GUARDED}"],
        env={"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
