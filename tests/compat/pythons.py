"""Where the Pythons with the older MLflow versions are; `make compat` makes them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHONS = {
    "2.22": ROOT / ".venvs/compat-2.22/bin/python",
    "3.5": ROOT / ".venvs/compat-3.5/bin/python",
    "newest": Path(sys.executable),
}
