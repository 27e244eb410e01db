"""The table of faults: what was done to the product, what it said, and how long that took."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import groupby

import pytest

# Faults that no test can bring about on one machine, and why.
UNTESTED: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """One fault in one test."""

    id: str
    fault: str
    test: str
    seen: str
    seconds: float

    @property
    def order(self) -> tuple[str, int, str]:
        """Where it stands: by its letter, then by its number."""
        letter, number = re.fullmatch(r"([A-Z]+)(\d+)", self.id).groups()  # type: ignore[union-attr]  # or fail
        return letter, int(number), self.test


ROWS = pytest.StashKey[list[Row]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a row for each fault that a test is marked with."""
    report = yield
    if call.when == "call" or (call.when == "setup" and not report.passed):
        rows = item.config.stash.setdefault(ROWS, [])
        seen = _seen(item, report)
        for mark in item.iter_markers("fault"):
            rows.append(Row(mark.args[0], mark.args[1], item.name, seen, call.duration))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the table, if faults were asked for."""
    found: list[Row] = config.stash.get(ROWS, [])
    rows = sorted(found, key=lambda row: row.order)
    if not rows or "fault" not in config.option.markexpr:
        return
    terminalreporter.section("faults")
    for text in _table(rows):
        terminalreporter.write_line(text)


def _seen(item: pytest.Item, report: pytest.TestReport) -> str:
    """Return how the steps of a test ended; a test without steps has only passed or failed."""
    runner = getattr(item, "funcargs", {}).get("runner")
    ended = [one.ended for one in getattr(runner, "ended", [])]
    steps = ", ".join(ended[-2:])
    return steps if report.passed and steps else f"{report.outcome.upper()} {steps}".strip()


def _table(rows: list[Row]) -> Iterator[str]:
    """Yield one line for each fault of each test, with all its cases in it."""
    for _, group in groupby(rows, key=lambda row: (row.id, row.fault, row.test.partition("[")[0])):
        cases = list(group)
        first = cases[0]
        seen = Counter(row.seen for row in cases)
        shown = "; ".join(f"{n} x {text}" if n > 1 else text for text, n in seen.items())
        seconds = f"{max(row.seconds for row in cases):6.1f} s"
        yield f"{first.id:4} {first.fault[:44]:44} {seconds}  {shown}"
    for name, why in UNTESTED.items():
        yield f"{name:4} not tested: {why}"
