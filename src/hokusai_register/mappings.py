"""What users write as metrics, params, tags and metadata becomes a mapping, or one complaint.

Three forms are read: a JSON object, a YAML mapping, and lines of `name=value`. JSON and YAML only
find the structure; what a scalar means is decided in `scalars`, since YAML 1.1 reads `1:30` as 90
and `1e-3` as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any, NoReturn

import yaml

from hokusai_register.scalars import (
    DEEPEST,
    RESERVED,
    Pairs,
    Plain,
    entries,
    faults,
    number_fault,
    quoted,
    text_fault,
)

LARGEST = 1 << 20  # bytes; without libyaml, PyYAML takes 13 s for twice that
# Tags go into the one request that creates the run, which takes 100. Params go in batches of 100.
MOST = {"params": 1_000, "tags": 100}
_SHOWN = 5

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORMS = "write a JSON object, or one `name: value` or `name=value` a line"
_PATH = re.compile(r"(?:[^\n={}:]|:(?!\s))*\.(?:json|ya?ml|txt|csv)")
# What begins as YAML is YAML: with a quote, a bracket, a dash, or a colon before a space.
_LINE = re.compile(r"""(?!["'{\[]|- )((?:[^=:]|:(?![ \t]))*)=(.*)""")
# YAML refuses these too, but counts the bytes up to them.
_UNREADABLE = re.compile(
    "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]",
)


def metrics(text: str) -> dict[str, float]:
    """Return finite numbers by name, one at least, or raise ValueError.

    Its text, as everywhere here, says what is wrong, where, and what to do.
    """
    if _PATH.fullmatch(text.strip()):
        raise ValueError(f"{quoted(text.strip())} looks like a file: give it as `metrics-file`")
    pairs = _pairs(text)
    if not pairs:
        raise ValueError("no metrics given: write at least one, such as `accuracy: 0.95`")
    _complain(faults(pairs, number_fault))
    return {name: float(str(value)) for name, value in pairs}


def strings(text: str, *, what: str, longest: int) -> dict[str, str]:
    """Return texts by name, each as it was written (`0.10` stays that), or raise ValueError.

    `what` is params or tags. Servers cut a value longer than `longest` without a word.
    """
    pairs = _pairs(text)
    if len(pairs) > MOST[what]:
        raise ValueError(f"{len(pairs)} {what} are too many: give at most {MOST[what]}")
    _complain(faults(pairs, lambda value: text_fault(value, longest), RESERVED))
    return {name: str(value) for name, value in pairs}


def document(text: str) -> dict[str, object]:
    """Return a mapping that JSON can hold, at most 50 deep, or raise ValueError."""
    found: list[str] = []
    read = entries(_pairs(text), found)
    _complain(found)
    return read


def number(text: str) -> float:
    """Return one finite decimal number, written as metrics are, or raise ValueError."""
    fault = number_fault(Plain(text.strip()))
    if fault:
        raise ValueError(f"it {fault}")
    return float(text)


def _complain(found: Iterable[str]) -> None:
    problems = list(found)
    more = len(problems) - _SHOWN
    if problems:
        raise ValueError("; ".join(problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else ""))


def _pairs(text: str) -> Pairs:
    text = text.removeprefix("\ufeff")
    if len(text.encode(errors="surrogatepass")) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes: give only what is to be registered")
    if bad := _UNREADABLE.search(text):
        at = text.count("\n", 0, bad.start()) + 1
        raise ValueError(f"line {at} has {bad[0]!a}: save it as UTF-8 without control characters")
    tree = _tree(text)
    if isinstance(tree, Pairs):
        return tree
    if tree == "":
        return Pairs()
    found = "a list" if isinstance(tree, list) else quoted(str(tree))
    raise ValueError(f"found {found} and no mapping: {_FORMS}")


def _tree(text: str) -> object:
    if text.lstrip().startswith("{"):
        return _json(text)
    rows = (row.strip() for row in re.split(r"\r\n?|\n", text))
    matches = [_LINE.fullmatch(row) for row in rows if row and not row.startswith("#")]
    found = [match for match in matches if match]
    if len(found) == len(matches):
        return Pairs((match[1].rstrip(), Plain(match[2].lstrip())) for match in found)
    try:
        return _yaml(text)
    except yaml.MarkedYAMLError as error:
        raise ValueError(_yaml_fault(text, error)) from error


def _json(text: str) -> object:
    try:
        return json.loads(
            text,
            object_pairs_hook=_json_pairs,
            parse_int=Plain,
            parse_float=Plain,
            parse_constant=Plain,
        )
    except RecursionError:
        raise ValueError(f"it is nested more than {DEEPEST} deep") from None
    except json.JSONDecodeError as error:
        try:
            return _yaml(text)
        except yaml.YAMLError:
            at = f"line {error.lineno}, column {error.colno}"
            raise ValueError(f"no JSON: {error.msg} ({at}); {_FORMS}") from error


def _json_pairs(pairs: list[tuple[str, object]]) -> Pairs:
    """Keep `true` and `null` as they were written, as numbers are."""
    return Pairs(
        (name, Plain(json.dumps(value)) if value is None or isinstance(value, bool) else value)
        for name, value in pairs
    )


def _yaml(text: str) -> object:
    """Raise YAMLError where it is no YAML, ValueError where it is more than a plain structure."""
    events = iter(yaml.parse(text, Loader=_LOADER))
    next(events)  # the start of the stream
    next(events)  # the start of the document
    tree = _node(events, next(events), 0)
    next(events)  # the end of the document
    after = next(events)
    if not isinstance(after, yaml.StreamEndEvent):
        _refuse(after, "a second document starts: give one")
    return tree


def _node(events: Iterator[Any], event: Any, depth: int) -> object:
    if getattr(event, "anchor", None) or getattr(event, "tag", None):
        _refuse(event, "anchors, aliases and tags are not read: write the value itself")
    if isinstance(event, yaml.ScalarEvent):
        return Plain(event.value) if event.implicit[0] else event.value
    if depth == DEEPEST:
        _refuse(event, f"it is nested more than {DEEPEST} deep")
    if isinstance(event, yaml.MappingStartEvent):
        return Pairs(_entries(events, depth + 1))
    ones = takewhile(lambda one: not isinstance(one, yaml.SequenceEndEvent), events)
    return [_node(events, one, depth + 1) for one in ones]


def _entries(events: Iterator[Any], depth: int) -> Iterator[tuple[str, object]]:
    for key in takewhile(lambda one: not isinstance(one, yaml.MappingEndEvent), events):
        name = _node(events, key, depth)
        if not isinstance(name, str):
            _refuse(key, "a name must be text")
        if name == "<<" and isinstance(name, Plain):
            _refuse(key, "merge keys are not read: write the entries themselves")
        yield str(name), _node(events, next(events), depth)


def _refuse(event: Any, why: str) -> NoReturn:
    raise ValueError(f"line {event.start_mark.line + 1}: {why}")


def _yaml_fault(text: str, error: yaml.MarkedYAMLError) -> str:
    mark: Any = error.problem_mark
    if re.match(r" *\t", "".join(text.split("\n")[mark.line : mark.line + 1])):
        return f"line {mark.line + 1} is indented with a tab: use spaces"
    at = f"line {mark.line + 1}, column {mark.column + 1}"
    return f"no YAML: {error.problem} ({at}); {_FORMS}"
