"""The step summary: what happened and where, in Markdown that no foreign text can break out of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hokusai_register.model import Artifact, Model, Receipt, Report
from hokusai_register.render import PLACES, digest, passed_over, remarks
from hokusai_register.text import cell, code

ROWS = 50  # metrics that a page shows; all of them are in the registry and in the output `result`
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def summary(report: Report) -> str:
    """Return the summary as GitHub-flavoured Markdown, a few kB of it."""
    parts = [_headline(report)]
    if report.error:
        error = report.error
        rows = [("What", error.what), ("Why", error.why), ("What to do", error.fix)]
        parts.append(_table(("", f"reason: {error.reason}"), [(a, cell(b, 1000)) for a, b in rows]))
    if report.model:
        parts.append(_table(("", ""), _facts(report, report.model)))
        parts.append(_metrics(report.model))
    if len(report.attempts) > 1:
        parts.append(_attempts(report))
    parts += [f"> [!NOTE]\n> {code(remark, 1000)}" for remark in remarks(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _headline(report: Report) -> str:
    model, receipt = report.model, report.receipt
    if not (model and receipt):
        name = f" {code(model.name)}" if model else ""
        return f"### ❌ The model{name} is not registered"
    what = f"{code(model.name)} version {code(receipt.model_version)}"
    verb = f"Registered {what}" if receipt.created else f"{what} was registered already"
    return f"### ✅ {verb} in {PLACES[receipt.backend]}"


def _facts(report: Report, model: Model) -> list[tuple[str, str]]:
    receipt, source, came_from = report.receipt, model.source, model.provenance
    rows = [("Model", f"{cell(model.name)} ({cell(model.kind)})")]
    if model.version:
        rows.append(("Label", cell(model.version)))
    if receipt:
        rows += _place(report, receipt)
    if isinstance(source, Artifact):
        rows.append(("Files", f"{len(source.files):,} ({_size(source.size)})"))
    else:
        rows.append(("Source", cell(source)))
    if digest(report):
        rows.append(("SHA-256", cell(digest(report))))
    if came_from.commit:
        rows.append(("Commit", cell(came_from.commit)))
    if model.alias and receipt:
        rows.append(("Alias", cell(model.alias)))
    return rows


def _place(report: Report, receipt: Receipt) -> list[tuple[str, str]]:
    because = "; ".join(passed_over(report)) or "it is the first choice, and it confirmed"
    rows = [
        ("Version", cell(receipt.model_version)),
        ("Registry", f"{PLACES[receipt.backend]} at {cell(receipt.host)}"),
        ("Why there", cell(because, 1000)),
    ]
    if receipt.run_url:
        rows.append(("Run", f"[{receipt.run_id}]({receipt.run_url})"))
    return rows


def _metrics(model: Model) -> str:
    shown = sorted(model.metrics.items())[:ROWS]
    rows = [(cell(name), cell(f"{value:.6g}")) for name, value in shown]
    more = len(model.metrics) - len(shown)
    if more:
        rows.append((f"and {more:,} more", ""))
    return _table(("Metric", "Value"), rows)


def _attempts(report: Report) -> str:
    rows = [
        (
            PLACES[attempt.backend],
            cell(
                f"{attempt.error.what} ({attempt.error.reason})" if attempt.error else "confirmed"
            ),
            f"{attempt.seconds:.1f} s",
        )
        for attempt in report.attempts
    ]
    return _table(("Tried", "Result", "Time"), rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _size(size: float) -> str:
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:  # noqa: PLR2004  # SI prefixes
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
