"""`make bench` says of each figure whether it is inside its bound."""

from __future__ import annotations

import pytest

from bench.axes import Axis, Step
from bench.figures import Bound, Figure, Section, page, ratio
from bench.line import Line
from bench.turns import Cost, Program, spread


@pytest.mark.parametrize(
    ("values", "bound", "verdict"),
    [
        ([0.2, 0.3, 0.9], Bound(0.3), "inside"),
        ([0.2, 0.31, 0.31], Bound(0.3), "**missed**"),
        ([0.9], Bound(0.9, least=True), "inside"),
        ([0.8, 0.8, 1.0], Bound(0.9, least=True), "**missed**"),
        ([99.0], None, ""),
    ],
)
def test_a_bound_is_for_the_median(values: list[float], bound: Bound | None, verdict: str) -> None:
    figure = Figure(what="it", value=spread(values), bound=bound)
    assert figure.verdict == verdict
    assert figure.missed == (verdict == "**missed**")


def test_a_ratio_is_that_of_the_same_round() -> None:
    costs = {
        "ours": [Cost(1, 1, 1), Cost(10, 1, 1), Cost(3, 1, 1)],
        "naive": [Cost(2, 1, 1), Cost(20, 1, 1), Cost(4, 1, 1)],  # the machine was busy once
    }
    assert ratio("it", costs, ("ours", "naive")).value == spread([0.5, 0.5, 0.75])


def test_the_page_shows_what_was_missed() -> None:
    costs = {"ours": [Cost(3, 1, 1)], "naive": [Cost(2, 1, 1)]}
    figure = ratio("it", costs, ("ours", "naive"), Bound(0.35))
    shown = page("Title", ["Intro"], [Section("Part", "Text", [figure], "More")])
    assert "| it | 3 s | naive | 2 s | 1.5 | ≤ 0.35 | **missed** |" in shown.splitlines()
    assert [line for line in shown.splitlines() if line][-1] == "More"


def step(amount: int, seconds: float, requests: int) -> Step:
    program = Program("ours", lambda name: (name,))
    return Step(amount, program, Line("", 0.0, requests), walls=[seconds])


@pytest.mark.parametrize(
    ("steps", "verdicts"),
    [
        ([(1, 1.0, 16), (10, 1.2, 25), (1000, 100.0, 1015)], ["inside", "inside"]),
        ([(1, 1.0, 16), (10, 1.2, 25), (1000, 140.0, 1015)], ["**missed**", "inside"]),
        ([(1, 1.0, 16), (10, 1.2, 25), (1000, 100.0, 1016)], ["inside", "**missed**"]),
    ],
    ids=["as the work", "faster than the work", "a request more"],
)
def test_files_may_cost_what_they_are(
    steps: list[tuple[int, float, int]], verdicts: list[str]
) -> None:
    axis = Axis("files", [step(*one) for one in steps], files=int)
    assert [figure.verdict for figure in axis.figures()] == verdicts


def test_what_is_there_may_cost_nothing() -> None:
    steps = [step(1, 1.0, 16), step(5000, 1.2, 16)]
    growth, requests = Axis("versions", steps, work=lambda _: 1.0).figures()
    assert growth.missed
    assert not requests.missed
