"""Every fault of the table has a test that is marked with it, or a reason why it has none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from functional.fault_table import FAULTS, UNTESTED

ROOT = Path(__file__).parents[2]
COLLECT = """
import sys, pytest
class Marks:
    def pytest_collection_finish(self, session):
        for item in session.items:
            for mark in item.iter_markers("fault"):
                print("fault", *mark.args, sep="\\t")
sys.exit(pytest.main(["--collect-only", "-qq", *sys.argv[1:]], plugins=[Marks()]))
"""


@pytest.fixture(scope="module")
def marks() -> list[list[str]]:
    """The arguments of all marks of the functional tests."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            COLLECT,
            "tests/functional",
            "-m",
            "fault",
            "-p",
            "no:cacheprovider",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [arguments for first, *arguments in rows if first == "fault"]


def test_every_fault_has_a_test_or_a_reason(marks: list[list[str]]) -> None:
    marked = {arguments[0] for arguments in marks}
    assert marked == set(FAULTS) - UNTESTED.keys()


def test_a_mark_says_what_is_done_and_what_is_expected(marks: list[list[str]]) -> None:
    assert [arguments for arguments in marks if len(arguments) != 3 or not all(arguments)] == []


def test_few_are_untested() -> None:
    assert len(UNTESTED) <= 5
    assert all(UNTESTED.values())
    assert len(FAULTS) == len(set(FAULTS)) == 131
