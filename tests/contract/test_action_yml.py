"""Both `action.yml` say what the code does: the same inputs, the same outputs, no shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hokusai_register import render
from hokusai_register.fields import FIELDS
from hokusai_register.model import Report

ROOT = Path(__file__).parents[2]
BOTH = pytest.mark.parametrize("path", ["action.yml", "composite/action.yml"])


def load(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return loaded


@BOTH
def test_inputs_are_the_fields(path: str) -> None:
    # A default always beats a variable, so that a field with one has none here.
    expected = {
        field.name: {"description": field.help}
        | ({"default": field.default} if field.default and not field.env else {})
        for field in FIELDS
    }
    inputs = load(path)["inputs"]
    assert inputs == expected
    assert list(inputs) == list(expected)


@BOTH
def test_outputs_are_all_that_is_written(path: str) -> None:
    outputs = load(path)["outputs"]
    assert {name: about["description"] for name, about in outputs.items()} == render.OUTPUTS
    assert list(outputs) == list(render.outputs(Report()))


def test_it_runs_the_image_of_this_commit() -> None:
    action = load("action.yml")
    assert action["runs"] == {"using": "docker", "image": "Dockerfile", "args": ["action"]}
    assert not [about for about in action["outputs"].values() if "value" in about]


def test_the_composite_hands_everything_on_as_variables() -> None:
    (step,) = load("composite/action.yml")["runs"]["steps"]
    assert step["env"] == {
        f"INPUT_{field.name.replace('-', '_').upper()}": f"${{{{ inputs.{field.name} }}}}"
        for field in FIELDS
    }
    # What is written into a script is run as one.
    assert "${{" not in step["run"] + step["shell"]


def test_the_outputs_of_the_composite_are_set_whatever_happens() -> None:
    action = load("composite/action.yml")
    for name, first in render.interrupted().items():
        otherwise = f" || '{first}'" if first else ""
        assert "'" not in first, "it would end the string"
        said = f"${{{{ steps.{action['runs']['steps'][0]['id']}.outputs.{name}{otherwise} }}}}"
        assert action["outputs"][name]["value"] == said
