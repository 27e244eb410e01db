"""What a name, a number and a text may be, so that every server keeps them as they were given.

Each rule answers with what is wrong, to be read behind the name that it is about, or with "".
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator

from hokusai_register.text import line

DEEPEST = 50
RESERVED = ("hokusai.", "mlflow.")

# No leading zeros: 010 is 8 in YAML 1.1 and 10 in YAML 1.2.
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_NOT_FINITE = re.compile(r"[-+]?(?:\.?(?:inf|nan)|infinity)", re.IGNORECASE)
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = ("", "~", "null", "Null", "NULL")
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")

# The servers' own rule (`validate_param_and_metric_name` of MLflow), and `::`, with which commands
# to a runner begin.
_NAME_RULES = tuple(
    (re.compile(pattern, re.DOTALL), rule)
    for pattern, rule in (
        (r"\A\Z", "is empty"),
        (r"[^\w\-.:/ ]", "has {!a}: use letters, digits, spaces and _ - . : /"),
        (r".{251}", "has more than 250 characters"),
        (r"\A | \Z", "starts or ends with a space"),
        (r"\A\.\.|(?:\A|/)\.{0,2}(?:/|\Z)", "looks like a path: leave out '.', '..', extra '/'"),
        ("::", "has '::': use one colon"),
    )
)


class Plain(str):
    """A scalar without quotes, as it was written."""

    __slots__ = ()


class Pairs(list[tuple[str, object]]):
    """A mapping in its order, with its duplicates; values are Plain, str (quoted), list, Pairs."""


def quoted(text: str) -> str:
    """Return `text` for a message: in quotes, visible, not too long."""
    return f"'{line(text, 60)}'"


def faults(
    pairs: Pairs, fault_of: Callable[[object], str], reserved: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yield what is wrong with each name, or else, by `fault_of`, with its value."""
    seen: dict[str, str] = {}
    for name, value in pairs:
        folded = unicodedata.normalize("NFC", name.casefold())
        if fault := _name_fault(name) or _repeated(name, seen.get(folded)):
            yield f"the name {quoted(name)} {fault}"
        elif folded.startswith(reserved):
            yield f"the name {quoted(name)} is reserved: begin it with something else"
        elif fault := fault_of(value):
            yield f"{line(name)} {fault}"
        seen[folded] = name


def _name_fault(name: str) -> str:
    found = ((pattern.search(name), rule) for pattern, rule in _NAME_RULES)
    return next((rule.format(match[0]) for match, rule in found if match), "")


def _repeated(name: str, before: str | None) -> str:
    if before is None:
        return ""
    if before == name:
        return "is given twice"
    return f"is {quoted(before)} but for its case: some registries take them for the same"


def number_fault(value: object) -> str:
    """Say why `value` is no finite decimal number."""
    if isinstance(value, list):
        return f"is a {_kind(value)}: give each number a name of its own"
    text = str(value)
    is_number = _NUMBER.fullmatch(text)
    if is_number and not isinstance(value, Plain):
        return f"is text ({quoted(text)}): remove the quotes"
    if is_number and math.isfinite(float(text)):
        return ""
    return _no_number(text) if isinstance(value, Plain) else _is_text(text)


def _no_number(text: str) -> str:
    if text in _NULL:
        return "has no value: write a number (in YAML, after a colon and a space)"
    if text in _TRUTH:
        return f"is {text}: write a number"
    return _infinite(text) or _is_text(text)


def _infinite(text: str) -> str:
    overflows = _NUMBER.fullmatch(text) and math.isinf(float(text))
    if overflows or _NOT_FINITE.fullmatch(text):
        return f"is not a finite number ({line(text, 60)}): leave it out"
    return ""


def _is_text(text: str) -> str:
    return f"is text ({quoted(text)}): write a decimal number such as 0.95"


def text_fault(value: object, longest: int) -> str:
    """Say why `value` is no text that a server keeps."""
    if isinstance(value, list):
        return f"is a {_kind(value)}: write one text"
    text = str(value)
    if isinstance(value, Plain) and text in _NULL:
        return 'has no value: write "" for an empty text, in JSON or YAML'
    if len(text) > longest:
        return f"has {len(text)} characters: servers keep only {longest}"
    return _unsendable(text)


def _unsendable(text: str) -> str:
    found = _UNSENDABLE.search(text)
    return f"has {found[0]!a}, which servers do not take: remove it" if found else ""


def _kind(value: list[object]) -> str:
    return "mapping" if isinstance(value, Pairs) else "list"


def entries(pairs: Pairs, found: list[str], where: str = "", depth: int = 1) -> dict[str, object]:
    """Return what `pairs` say, as JSON has it; what is wrong, with its place, goes to `found`."""
    read: dict[str, object] = {}
    for name, value in pairs:
        place = f"{where}.{name[:60]}".removeprefix(".")
        fault = "is empty" if not name else "is given twice" if name in read else _unsendable(name)
        if fault:
            found.append(f"the name {quoted(place)} {fault}")
        read[name] = _meaning(value, found, place, depth)
    return read


def _meaning(value: object, found: list[str], where: str, depth: int) -> object:
    if isinstance(value, list):
        return _nested(value, found, where, depth + 1)
    if not isinstance(value, str):
        return value
    fault = _infinite(value) if isinstance(value, Plain) else _unsendable(value)
    if fault:
        found.append(f"{line(where)} {fault}")
        return None
    return _plain(value) if isinstance(value, Plain) else value


def _nested(value: list[object], found: list[str], where: str, depth: int) -> object:
    if depth > DEEPEST:
        found.append(f"{line(where)} is nested more than {DEEPEST} deep")
        return None
    if isinstance(value, Pairs):
        return entries(value, found, where, depth)
    return [_meaning(one, found, f"{where}[{at}]", depth) for at, one in enumerate(value)]


def _plain(text: str) -> object:
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if not _NUMBER.fullmatch(text):
        return str(text)
    return int(text) if _WHOLE.fullmatch(text) else float(text)
