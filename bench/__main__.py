"""Measures everything, writes it down, and says whether a bound was missed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench import canonical, growth, image, local, machine, start, uploads
from bench.figures import Section, page, part
from bench.setting import ALL, LESS, ROOT, SERVER, Bench, server

GROUPS: dict[str, Callable[[Bench], Section]] = {
    "start": start.measure,
    "canonical": canonical.measure,
    "uploads": uploads.measure,
    "local": local.measure,
    "growth": growth.measure,
    "image": image.measure,
}
TITLE = "Fast, small and flat"
ROOM = 3  # times the largest file: it, what arrives, and all the rest
INTRO = """\
From `{command}`. Each program runs in a fresh process, in turns with the others, in {rounds} \
rounds; shown are the median and, in brackets, the ends. A *value* is ours by theirs, of the same \
round: seconds are this machine's, ratios are not. The servers are real ones, on loopback."""


def main() -> int:
    """Measure; 1 if a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, and not kept")
    parser.add_argument("groups", nargs="*", help=f"only these: {', '.join(GROUPS)}")
    asked = parser.parse_args()
    command, scale = ("make bench-quick", LESS) if asked.quick else ("make bench", ALL)
    # What is not all of it is to look at, not to keep.
    target = ROOT / (".cache/bench" if asked.quick or asked.groups else "bench")
    target.mkdir(parents=True, exist_ok=True)
    place = machine.scratch(ROOM * max(scale.large))
    before = machine.about(place)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=place) as scratch,
        server(Path(scratch) / SERVER) as url,
    ):
        bench = Bench(scale, Path(scratch), url, target)
        # Images take minutes to build.
        groups = asked.groups or [name for name in GROUPS if not (asked.quick and name == "image")]
        sections = list(_measured(bench, groups))
    intro = INTRO.format(command=command, rounds=scale.rounds)
    results = target / "results.md"
    results.write_text(page(TITLE, (intro, before), sections), encoding="utf-8")
    missed = [figure for section in sections for figure in section.figures if figure.missed]
    for figure in missed:
        print(f"missed: {figure.what}, beside {figure.beside or 'nothing'}: {figure.bound}")
    print(f"{results.relative_to(ROOT)}: {len(missed)} bounds missed")
    return 1 if missed else 0


def _measured(bench: Bench, groups: Iterable[str]) -> Iterator[Section]:
    for name in groups:
        began = time.monotonic()
        section = GROUPS[name](bench)
        print(f"{part(section)}\n\n{name}: {time.monotonic() - began:.0f} s\n", flush=True)
        yield section


if __name__ == "__main__":
    sys.exit(main())
