"""The step summary: what happened and where, in Markdown that no foreign text can break out of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from hokusai_register.errors import RegisterError
from hokusai_register.model import Artifact, Model, Receipt, Report
from hokusai_register.render import DEGRADED, PLACES, digest, passed_over, remarks, verdict
from hokusai_register.text import cell, code, prose
from hokusai_register.tokenized import Token

ROWS = 50  # metrics that a page shows; all of them are in the registry and in the output `result`
UNITS = ("bytes", "kB", "MB", "GB", "TB")
IN_URL = ":/#?=&%@~+,;!"  # what a URL is made of, without what Markdown could take for its own


def summary(report: Report) -> str:
    """Return the summary as GitHub-flavoured Markdown, a few kB of it."""
    parts = [_headline(report)]
    if report.error:
        parts.append(_failure(report.error))
    if report.model:
        parts.append(_facts(report, report.model))
        parts.append(_metrics(report.model))
    if report.skipped:
        parts.append("\n".join(f"- {prose(found)}" for found in report.skipped.found))
    if report.bundle:
        parts.append(_keep(report.bundle))
    if len(report.attempts) > 1:
        parts.append(_attempts(report))
    if told := remarks(report):
        parts.append("\n".join(["> [!NOTE]", *(f"> - {prose(remark)}" for remark in told)]))
    return "\n\n".join(parts) + "\n"


def _headline(report: Report) -> str:
    model, receipt = report.model, report.receipt
    if report.error:
        name = f" {code(model.name)}" if model else ""
        return f"### ❌ {verdict(report.error, f'the model{name}')}"
    if report.skipped:
        return f"### ⏭️ Nothing was registered: {code(report.reason)}"
    if not (model and receipt):
        return "### Nothing was tried"
    if report.status in DEGRADED:
        how = "kept on this machine only" if receipt.bundle else "only simulated"
        return f"### ⚠️ {code(model.name)} is {how}: the registry does not have it"
    what = f"{code(model.name)} version {code(receipt.model_version)}"
    verb = f"Registered {what}" if receipt.created else f"{what} was registered already"
    return f"### ✅ {verb} in {PLACES[receipt.backend]}"


def _failure(error: RegisterError) -> str:
    rows = [
        ("Why", _told(error.why)),
        ("What to do", _told(error.fix)),
        ("Reason", f"{code(error.reason)}, exit code {error.exit_code}"),
    ]
    return _table(("What happened", _told(error.what)), rows)


def _facts(report: Report, model: Model) -> str:
    receipt, source, came_from = report.receipt, model.source, model.provenance
    rows = _place(report, receipt) if receipt else []
    rows.append(("Label", cell(model.version)))
    if receipt:
        rows.append(("Alias", cell(model.alias)))
    if isinstance(source, Artifact):
        rows.append(("Files", f"{len(source.files):,} ({_size(source.size)})"))
    else:
        rows.append(("Source", cell(source)))
    if model.token:
        rows.append(("Token", _token(report, model.token)))
    rows += [("SHA-256", cell(digest(report))), ("Commit", cell(came_from.commit))]
    known = [row for row in rows if row[1]]
    return _table(("Model", f"{cell(model.name)} ({cell(model.kind)})"), known)


def _token(report: Report, token: Token) -> str:
    """Return the token, its baseline, and whether both are announced."""
    baseline = f"{cell(token.id)} ({cell(token.metric)}, baseline {code(f'{token.baseline:.10g}')})"
    return f"{baseline}: {code(report.event.state)}" if report.event else baseline


def _place(report: Report, receipt: Receipt) -> list[tuple[str, str]]:
    because = "; ".join(passed_over(report)) or "it is the first choice, and it confirmed"
    return [
        ("Version", cell(receipt.model_version)),
        ("Registry", f"{PLACES[receipt.backend]} at {cell(receipt.host)}"),
        ("Why there", _told(because)),
        ("Run", _link(receipt.run_id, receipt.run_url)),
    ]


def _keep(bundle: str) -> str:
    """Return the step that keeps a bundle beyond the job; its path is ours, made of a digest."""
    return "\n".join(
        (
            "The bundle is lost with the job, unless a later step keeps it:",
            "",
            "```yaml",
            "- uses: actions/upload-artifact@v4",
            "  with:",
            "    name: hokusai-bundle",
            f"    path: {bundle}",
            "    include-hidden-files: true",
            "```",
            "",
            "When the registry is back: `hokusai-register replay` with that path, or `model-path`.",
        )
    )


def _link(text: str, url: str) -> str:
    """Return a link to a page of the registry; its path may hold what a server chose."""
    if not text or not url.startswith(("https://", "http://")):
        return cell(text)
    return f"[{cell(text)}]({quote(url, safe=IN_URL, errors='replace')})"


def _metrics(model: Model) -> str:
    shown = sorted(model.metrics.items())[:ROWS]
    rows = [(cell(name), code(f"{value:.10g}")) for name, value in shown]
    more = len(model.metrics) - len(shown)
    if more:
        rows.append((f"and {more:,} more", ""))
    return _table(("Metric", "Value"), rows)


def _attempts(report: Report) -> str:
    rows = [
        (
            PLACES[attempt.backend],
            _told(f"{attempt.error.what} ({attempt.error.reason})")
            if attempt.error
            else "confirmed",
            f"{attempt.seconds:.1f} s",
        )
        for attempt in report.attempts
    ]
    return _table(("Tried", "Result", "Time"), rows)


def _told(text: str) -> str:
    """Return sentences as a cell of a table."""
    return prose(text).replace("|", "\\|")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _size(size: float) -> str:
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:  # noqa: PLR2004  # SI prefixes
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
