"""How long Hypothesis looks: seconds by default, `HYPOTHESIS_PROFILE=ci` for minutes."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline for a single example: it is the machine that is slow, not the code.
settings.register_profile("unit", max_examples=300, deadline=None)
settings.register_profile("ci", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))
