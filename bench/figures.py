"""What was found: each figure beside its bound, and the page that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.turns import Cost, Spread, spread


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a figure may go: `most`, or at `least`, the limit."""

    limit: float
    least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.limit:g}"

    def holds(self, value: float) -> bool:
        """Whether a value is inside."""
        return value >= self.limit if self.least else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of a table. `value` is what the bound is for, mostly `ours` by `theirs`."""

    what: str
    value: Spread
    bound: Bound | None = None
    ours: str = ""
    beside: str = ""
    theirs: str = ""

    @property
    def missed(self) -> bool:
        """Whether it is out of its bound."""
        return self.bound is not None and not self.bound.holds(self.value.median)

    @property
    def verdict(self) -> str:
        """What the table says of it."""
        return "**missed**" if self.missed else "inside" if self.bound else ""


@dataclass(frozen=True, slots=True)
class Section:
    """A group of figures, and what has to be said of them."""

    title: str
    text: str
    figures: Sequence[Figure] = ()
    more: str = ""


def ratio(
    what: str,
    costs: Mapping[str, Sequence[Cost]],
    pair: tuple[str, str],
    bound: Bound | None = None,
    of: str = "wall",
) -> Figure:
    """Compare two programs round by round: what slows both down cancels out."""
    ours, theirs = ([getattr(cost, of) for cost in costs[name]] for name in pair)
    return compared(what, ours, (pair[1], theirs), bound, _UNITS[of])


def compared(
    what: str,
    ours: Sequence[float],
    beside: tuple[str, Sequence[float]],
    bound: Bound | None = None,
    unit: str = "s",
) -> Figure:
    """Compare what was measured in the same rounds."""
    name, theirs = beside
    return Figure(
        what=what,
        value=spread(a / b for a, b in zip(ours, theirs, strict=True)),
        bound=bound,
        ours=shown(spread(ours), unit),
        beside=name,
        theirs=shown(spread(theirs), unit),
    )


def shown(found: Spread, unit: str = "") -> str:
    """Show the median and the ends."""
    if found.low == found.high:
        return f"{_short(found.median)} {unit}".rstrip()
    ends = f"{_short(found.low)}–{_short(found.high)}"  # noqa: RUF001  # as in print
    return f"{_short(found.median)} ({ends}) {unit}".rstrip()


def page(title: str, intro: Iterable[str], sections: Iterable[Section]) -> str:
    """Return everything as Markdown."""
    return "\n\n".join([f"# {title}", *intro, *map(part, sections)]) + "\n"


def part(section: Section) -> str:
    """Return one section as Markdown."""
    figures = table(_HEAD, map(_row, section.figures)) if section.figures else ""
    texts = (f"## {section.title}", section.text, figures, section.more)
    return "\n\n".join(filter(None, texts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_UNITS = {"wall": "s", "cpu": "s", "peak": "MiB"}
_HEAD = ("figure", "ours", "beside", "theirs", "value", "bound", "verdict")


def _row(figure: Figure) -> Sequence[str]:
    bound = str(figure.bound or "")
    texts = (figure.ours, figure.beside, figure.theirs, shown(figure.value), bound)
    return (figure.what, *texts, figure.verdict)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
