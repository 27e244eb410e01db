"""`action.yml` says what the code does: the same inputs, the same outputs, no shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hokusai_register import render
from hokusai_register.fields import FIELDS
from hokusai_register.model import Report

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return loaded


def test_inputs_are_the_fields(action: dict[str, Any]) -> None:
    # A default always beats a variable, so that a field with one has none here.
    expected = {
        field.name: {"description": field.help}
        | ({"default": field.default} if field.default and not field.env else {})
        for field in FIELDS
    }
    assert action["inputs"] == expected
    assert list(action["inputs"]) == list(expected)


def test_outputs_are_all_that_is_written(action: dict[str, Any]) -> None:
    expected = {name: {"description": text} for name, text in render.OUTPUTS.items()}
    assert action["outputs"] == expected
    assert list(action["outputs"]) == list(render.outputs(Report()))


def test_it_runs_the_image_of_this_commit(action: dict[str, Any]) -> None:
    assert action["runs"] == {"using": "docker", "image": "Dockerfile", "args": ["action"]}
