"""Writes the SDK's reference from its signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import hokusai
from hokusai import HokusaiException


def reference() -> str:
    """Return all public names of the SDK: functions, classes with their methods, exceptions."""
    names = {name: getattr(hokusai, name) for name in hokusai.__all__}
    errors = [name for name, thing in names.items() if _is_error(thing)]
    rest = [name for name in names if name not in errors]
    sections = [_section(name, names[name]) for name in rest]
    raised = "\n".join(f"- `{name}`: {_prose(names[name])}" for name in errors)
    return "\n\n".join([*sections, f"### Exceptions and warnings\n\n{raised}"])


def _is_error(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, HokusaiException | Warning)


def _section(name: str, thing: object) -> str:
    members = "\n".join(_members(thing)) if isinstance(thing, type) else ""
    return "\n\n".join(filter(None, [f"### `{name}{_signature(thing)}`", _prose(thing), members]))


def _members(kind: type) -> Iterator[str]:
    """Yield one row for each public method and property, those of base classes too."""
    for name in sorted(name for name in dir(kind) if not name.startswith("_")):
        member = inspect.getattr_static(kind, name)
        if isinstance(member, property):
            yield f"- `{name}`: {_prose(member)}"
        elif inspect.isfunction(member) and (member.__doc__ or "").strip():
            yield f"- `{name}{_signature(member)}`: {_prose(member)}"


def _signature(thing: object) -> str:
    if isinstance(thing, property) or not callable(thing):
        return ""
    signature = inspect.signature(thing)
    kept = [one for name, one in signature.parameters.items() if name != "self"]
    text = str(signature.replace(parameters=kept)).removesuffix(" -> None")
    # Annotations lose their quotes; a blank default keeps them.
    return re.sub("''|'([^']+)'", lambda found: found[1] or found[0], text)


def _prose(thing: object) -> str:
    """Return a docstring as one paragraph."""
    return " ".join((inspect.getdoc(thing) or "").split())
