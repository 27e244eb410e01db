"""Every fault of the table has a test that is marked with it, or a reason why it has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from functional.fault_table import FAULTS, UNTESTED


@pytest.fixture
def marks(request: pytest.FixtureRequest) -> list[tuple[str, ...]]:
    """The arguments of all marks, if all tests are here."""
    collected = {item.path for item in request.session.items}
    if collected < set(Path(__file__).parent.rglob("test_*.py")):
        pytest.skip("only some of the functional tests were asked for")
    return [mark.args for item in request.session.items for mark in item.iter_markers("fault")]


def test_every_fault_has_a_test_or_a_reason(marks: list[tuple[str, ...]]) -> None:
    assert {arguments[0] for arguments in marks} == set(FAULTS) - UNTESTED.keys()


def test_a_mark_says_what_is_done_and_what_is_expected(marks: list[tuple[str, ...]]) -> None:
    assert [arguments for arguments in marks if len(arguments) != 3 or not all(arguments)] == []


def test_few_are_untested() -> None:
    assert len(UNTESTED) <= 5
    assert all(UNTESTED.values())
    assert len(FAULTS) == len(set(FAULTS)) == 131
