"""The table of faults: what was done to the product, what it has to say then, and what it said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import pytest

from functional.runner import Runner

# Every fault has a letter (network, trust, HTTP, files, keys, runner, events) and a number.
_NUMBERS = {
    "N": "01 02 03 04 06 07 08 09 10 11 12 13 15 16 19 21 22 23 25 26",
    "T": "01 02 05 06 07 08 09 10 11 13 15 16 17 18",
    "H": "01 02 03 04 05 06 08 09 11 12 13 14 16 17 18 19 21 22 23 25 26 30 31 32",
    "F": "01 02 03 04 05 06 07 10 12 13 14 15 16 17 19 20 21 22 23 24 26 28 30 31 32 33 34",
    "K": "01 02 03 06 07 08 10 11",
    "R": "01 02 05 06 07 09 10 11 12 14 15 17 18 19 20 21 22 23 24 25 26 27 28 29 30",
    "E": "01 02 03 04 05 06 07 08 09 10 11 12 13",
}
FAULTS = [letter + number for letter, all_ in _NUMBERS.items() for number in all_.split()]
# What no test can bring about on one machine, and why.
UNTESTED = {
    "R24": "a Windows or macOS runner itself refuses a container action (`runs.using: docker`)",
}

_MARK = "fault"
_STEPS = 3  # of one test that the table shows
_WIDEST = 90  # characters of what was seen


def case(fault: tuple[str, str, str], *values: Any, name: str | None = None) -> Any:
    """Return one case of a test, marked with the fault that it is."""
    return pytest.param(*values, id=name, marks=pytest.mark.fault(*fault))


class Row(NamedTuple):
    """One fault in one test."""

    id: str
    fault: str
    expected: str
    test: str
    seen: str
    seconds: float

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Where it stands; the cases of one test stand together."""
        return FAULTS.index(self.id), self.test, self.fault, self.expected


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put a row for each fault that a test is marked with into its report, which may travel."""
    report = yield
    if call.when == "call" or not report.passed:
        for mark in item.iter_markers(_MARK):
            name, fault, expected = mark.args
            row = Row(name, fault, expected, item.originalname, _seen(item, report), call.duration)
            report.user_properties.append((_MARK, tuple(row)))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Show the table, if faults were asked for."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    rows = sorted(_rows(reports), key=lambda row: row.order)
    if not rows or _MARK not in config.option.markexpr:
        return
    terminalreporter.section("faults")
    for text in table(rows):
        terminalreporter.write_line(text)


def _rows(reports: Iterable[Any]) -> Iterator[Row]:
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == _MARK:
                yield Row(*value)


def _seen(item: pytest.Function, report: pytest.TestReport) -> str:
    """Return how the steps of a test ended; a test without steps has only passed or failed."""
    values = item.funcargs.values()
    found = [one for value in values for one in (value if isinstance(value, list) else [value])]
    runners = [one for one in found if isinstance(one, Runner)]
    steps = dict.fromkeys(result.ended for runner in runners for result in runner.ended)
    shown = ", ".join(list(steps)[-_STEPS:])
    return shown if report.passed and shown else f"{report.outcome.upper()} {shown}".strip()


def table(rows: Iterable[Row]) -> Iterator[str]:
    """Yield one line for each fault of each test, with all its cases in it."""
    lines = [("ID", "fault", "expected", "seen", "seconds")]
    for _, group in groupby(rows, key=lambda row: row[:4]):
        cases = list(group)
        first, seen = cases[0], Counter(row.seen for row in cases)
        shown = "; ".join(f"{n} x {text}" if n > 1 else text for text, n in seen.items())
        shown = shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 1]}…"
        seconds = f"{max(row.seconds for row in cases):.1f}"
        lines.append((first.id, first.fault, first.expected, shown, seconds))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for *cells, seconds in lines:
        padded = [text.ljust(width) for text, width in zip(cells, widths, strict=False)]
        yield "  ".join([*padded, seconds.rjust(widths[-1])])
    yield from (f"{name}  not tested: {why}" for name, why in UNTESTED.items())
