"""The action for machines without Linux containers: the inputs and outputs of `action.yml`."""

from __future__ import annotations

from textwrap import indent

import yaml

from hokusai_register.fields import FIELDS
from hokusai_register.render import OUTPUTS, interrupted

TEMPLATE = """\
# Written by `python scripts/tables.py --write`.
name: Hokusai Register Model
description: The same action where no Linux container runs; it needs Python 3.11 or later.
author: Hokusai

{inputs}
# Those of a step that never began, unless it says otherwise.
{outputs}
runs:
  using: composite
  steps:
    - id: register
      # -I: nothing in the workspace or in a PYTHON... variable can get between.
      shell: python -I "{{0}}"
      run: |
        import os, runpy
        step = os.path.join(os.environ["GITHUB_ACTION_PATH"], "step.py")
        runpy.run_path(step, run_name="__main__")
      # A composite action's steps do not get the inputs by themselves. With underscores: not every
      # shell keeps a variable with a hyphen.
      env:
{environ}"""


def text() -> str:
    """Return composite/action.yml."""
    inputs = {
        field.name: {"description": field.help}
        | ({"default": field.default} if field.default and not field.env else {})
        for field in FIELDS
    }
    outputs = {
        name: {"description": about, "value": _value(name)} for name, about in OUTPUTS.items()
    }
    environ = {
        f"INPUT_{field.name.upper().replace('-', '_')}": f"${{{{ inputs.{field.name} }}}}"
        for field in FIELDS
    }
    return TEMPLATE.format(
        inputs=_yaml({"inputs": inputs}),
        outputs=_yaml({"outputs": outputs}),
        environ=indent(_yaml(environ), " " * 8),
    )


def _value(name: str) -> str:
    """Return an expression: what the step has set, else what it would have set first."""
    said, otherwise = f"steps.register.outputs.{name}", interrupted()[name]
    return _Folded(f"${{{{ {said} || '{otherwise}' }}}}") if otherwise else f"${{{{ {said} }}}}"


class _Folded(str):
    """A text without quotes around it, which some readers of expressions do not take off."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Folded, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style=">")
)


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10_000)
