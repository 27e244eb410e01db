"""How large the image is and how soon it starts, beside one that holds the naive script."""

from __future__ import annotations

from bench.figures import Section
from bench.setting import Bench


def measure(bench: Bench) -> Section:
    return Section("The image", "Not measured")
