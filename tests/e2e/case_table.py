"""The table of cases that `make e2e` prints: what was run, what was expected, what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show one line for each test that came to its call."""
    reports = [
        report
        for outcome in ("passed", "failed", "error", "skipped")
        for report in terminalreporter.stats.get(outcome, [])
    ]
    terminalreporter.section(f"{len(reports)} cases")
    for line in _table(sorted(reports, key=lambda report: report.nodeid)):
        terminalreporter.write_line(line)


def _table(reports: list[pytest.TestReport]) -> Iterator[str]:
    lines: list[tuple[str, ...]] = [("case", "expected", "seen", "seconds")]
    for report in reports:
        expected, seen = (
            ", ".join(str(text) for name, text in report.user_properties if name == column)
            for column in ("expected", "seen")
        )
        file, _, test = report.nodeid.partition("::test_")
        case = f"{Path(file).stem.removeprefix('test_')}: {test.replace('_', ' ')}"
        seen = seen if report.passed and seen else f"{report.outcome} {seen}".strip()
        lines.append((case, expected, seen, f"{report.duration:.1f}"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for *cells, seconds in lines:
        padded = [text.ljust(width) for text, width in zip(cells, widths, strict=False)]
        yield "  ".join([*padded, seconds.rjust(widths[-1])])
