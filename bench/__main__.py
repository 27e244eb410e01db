"""Measures everything, writes it down, and says whether a bound was missed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import canonical, growth, image, local, machine, plot, start, uploads
from bench.figures import Section, page
from bench.setting import ALL, LESS, ROOT, Bench

GROUPS: dict[str, Callable[[Bench], Section]] = {
    "start": start.measure,
    "canonical": canonical.measure,
    "uploads": uploads.measure,
    "local": local.measure,
    "image": image.measure,
}
TITLE = "Fast, small and flat"
INTRO = """\
From `make bench`. Each program runs in a fresh process, in turns with the others, in {rounds} \
rounds; shown are the median and, in brackets, the ends. A *value* is ours by theirs, of the same \
round: seconds are this machine's, ratios are not. The servers are real ones, on loopback."""


def main() -> int:
    """Measure; 1 if a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, and not kept")
    parser.add_argument("groups", nargs="*", help=f"only these: {', '.join(GROUPS)}, growth")
    asked = parser.parse_args()
    scale = LESS if asked.quick else ALL
    # What is not all of it is to look at, not to keep.
    target = ROOT / (".cache/bench" if asked.quick or asked.groups else "bench")
    target.mkdir(parents=True, exist_ok=True)
    before = machine.about()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        bench = Bench(scale, Path(scratch))
        sections = list(_measured(bench, asked.groups or [*GROUPS, "growth"], target))
    intro = INTRO.format(rounds=scale.rounds)
    results = target / "results.md"
    results.write_text(page(TITLE, (intro, before), sections), encoding="utf-8")
    missed = [figure for section in sections for figure in section.figures if figure.missed]
    for figure in missed:
        print(f"missed: {figure.what}, beside {figure.beside or 'nothing'}: {figure.bound}")
    print(f"{results.relative_to(ROOT)}: {len(missed)} bounds missed")
    return 1 if missed else 0


def _measured(bench: Bench, groups: list[str], target: Path) -> Iterator[Section]:
    for name in groups:
        began = time.monotonic()
        if name == "growth":
            section, axes = growth.measure(bench)
            plot.draw(axes, target / "growth.svg")
        else:
            section = GROUPS[name](bench)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
        yield section


if __name__ == "__main__":
    sys.exit(main())
