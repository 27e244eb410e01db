"""Draws how time grows, each axis beside a line that grows as the work does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.axes import Axis
from bench.turns import spread


def draw(axes: Sequence[Axis], target: Path) -> None:
    """Write the picture, the same for the same figures."""
    # Imported when all is measured: a child's peak of memory is not told below ours.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 8})
    figure, plots = plt.subplots(1, len(axes), figsize=(11, 2.8), sharey=True)
    for axis, plot in zip(axes, plots, strict=True):
        amounts = [step.amount for step in axis.steps]
        spreads = [spread(step.walls) for step in axis.steps]
        middle = [found.median for found in spreads]
        below = [found.median - found.low for found in spreads]
        above = [found.high - found.median for found in spreads]
        work = [middle[0] * axis.work(amount) / axis.work(amounts[0]) for amount in amounts]
        plot.plot(amounts, work, linestyle=":", color="gray", label="as the work")
        plot.errorbar(amounts, middle, (below, above), marker="o", capsize=3, label="measured")
        plot.set(xscale="log", yscale="log", xlabel=axis.name)
        plot.minorticks_off()
        plot.set_xticks(amounts, [f"{amount:,}" for amount in amounts])
    plots[0].set_ylabel("seconds")
    plots[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})
    # Its lines end in blanks.
    lines = target.read_text(encoding="utf-8").splitlines()
    target.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
