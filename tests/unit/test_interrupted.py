"""The outputs of a step that was killed do not contradict each other."""

from __future__ import annotations

import json

from hokusai_register import render


def test_the_result_says_interrupted_too() -> None:
    written = render.interrupted()
    result = json.loads(written["result"])
    assert (written["status"], written["reason"]) == ("failed", "interrupted")
    assert (result["status"], result["reason"], result["exit_code"]) == ("failed", "interrupted", 1)
