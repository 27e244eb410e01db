"""Writes what is made from the code, or says that it differs: tables, and composite/action.yml."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import composite
import messages
import reference

from hokusai_register.errors import RegisterError
from hokusai_register.fields import FIELDS
from hokusai_register.policy import POLICIES
from hokusai_register.render import OUTPUTS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "docs" / "fallback.md",
    ROOT / "docs" / "sdk.md",
    ROOT / "docs" / "troubleshooting.md",
)
COMPOSITE = ROOT / "composite" / "action.yml"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def inputs() -> str:
    """Return the inputs with their defaults, and the variables behind them."""
    return table(
        ("input", "meaning", "default", "or the variable"),
        (
            (
                f"`{field.name}`",
                field.help,
                f"`{field.default}`" if field.default else "",
                ", ".join(f"`{name}`" for name in field.env),
            )
            for field in FIELDS
        ),
    )


def outputs() -> str:
    """Return the outputs."""
    return table(("output", "meaning"), ((f"`{name}`", text) for name, text in OUTPUTS.items()))


def policies() -> str:
    """Return what each fallback tries, and what makes it go on."""
    rows = []
    for fallback, steps in POLICIES.items():
        for step in steps:
            causes = _sentences(step.after)
            rows.append((f"`{fallback}`", f"`{step.backend}`", causes or "It is the first."))
    return table(("`fallback`", "tries", "if all that was said before is one of these"), rows)


def exit_codes() -> str:
    """Return each exit code with the failures that end in it."""
    found: dict[int, list[type[RegisterError]]] = {}
    for kind in messages.KINDS.values():
        if kind is not RegisterError:
            found.setdefault(kind.exit_code, []).append(kind)
    rows = [(str(code), _sentences(kinds)) for code, kinds in sorted(found.items())]
    return table(("code", "means one of these"), [("0", "As asked."), *rows])


def table_of_messages() -> str:
    """Return every message with what to do about it."""
    return table(
        ("message", "exit code", "what to do"),
        (
            (f"`` {m.what} ``", str(m.exit_code), m.fix if m.fix.strip("…") else "as it says")
            for m in messages.messages()
        ),
    )


def _sentences(kinds: Iterable[type[RegisterError]]) -> str:
    return "<br>".join((kind.__doc__ or "").strip() for kind in kinds)


def written(text: str) -> str:
    """Return a document with every table that it has as the code has it."""
    for name, make in _TABLES.items():
        opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
        if opening not in text:
            continue
        before, _, rest = text.partition(opening)
        text = f"{before}{opening}\n{make()}\n{closing}{rest.partition(closing)[2]}"
    return text


_TABLES = {
    "inputs": inputs,
    "outputs": outputs,
    "policies": policies,
    "exit-codes": exit_codes,
    "messages": table_of_messages,
    "reference": reference.reference,
}

if __name__ == "__main__":
    different = []
    for document in (*DOCUMENTS, COMPOSITE):
        before = document.read_text(encoding="utf-8")
        after = composite.text() if document == COMPOSITE else written(before)
        if "--write" in sys.argv[1:]:
            document.write_text(after, encoding="utf-8")
        elif before != after:
            different.append(str(document.relative_to(ROOT)))
    if different:
        sys.exit(f"not what the code says: {', '.join(different)}: `python {sys.argv[0]} --write`")
