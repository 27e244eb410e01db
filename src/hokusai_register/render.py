"""What a report looks like: outputs, notes and JSON, all of them pure functions of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from enum import Enum, StrEnum
from typing import Any

from hokusai_register.errors import (
    IncompleteError,
    InternalError,
    Reason,
    RegisterError,
    UnconfirmedError,
)
from hokusai_register.model import Artifact, Backend, Model, Receipt, Report, Status
from hokusai_register.text import json_line
from hokusai_register.tokenized import EventState

SCHEMA = 1
RESULT_LIMIT = 900_000  # characters; GitHub takes 1 MB for one output
PLACES = {
    Backend.MLFLOW: "MLflow",
    Backend.API: "the Hokusai API",
    Backend.LOCAL: "this machine",
    Backend.MOCK: "a simulation",
}
DEGRADED = frozenset({Status.REGISTERED_LOCAL, Status.SIMULATED})


OUTPUTS = {
    "status": "what became of the registration; the words are below",
    "registered": "`true` only if the real registry confirmed",
    "created": "`true` if this step made the version, `false` if it stood there already",
    "backend": "where it is now: `mlflow`, `api`, `local`, `mock`, `none`",
    "reason": "`ok`, or the one cause of the failure",
    "run-id": "id of the MLflow run",
    "model-name": "name of the registered model",
    "model-version": "version that the registry gave it",
    "model-uri": "address for MLflow clients, `models:/NAME/VERSION`",
    "run-url": "page of the run",
    "model-digest": "SHA-256 of the model",
    "bundle": "path of the bundle that this machine keeps",
    "event": "announcement of a tokenized registration: `sent`, `failed`, `not-sent`, `unknown`; "
    "blank without a token",
    "result": "all of this, and what was tried, as one line of JSON",
}


ANNOUNCED = {
    EventState.SENT: "the token is announced",
    EventState.FAILED: "the token is not announced",
    EventState.NOT_SENT: "the token is not announced",
    EventState.UNKNOWN: "nobody knows whether the token is announced",
}

# What a failure leaves behind; the first class that fits.
VERDICTS = (
    (UnconfirmedError, "it is not confirmed that {} is registered"),
    (InternalError, "it is not confirmed that {} is registered"),
    (IncompleteError, "{} is registered only in part"),
    (RegisterError, "{} is not registered"),
)


class Level(StrEnum):
    """How loud a note is; the names are those of the runner's commands."""

    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence or two that a person should see even without opening the log."""

    level: Level
    title: str
    text: str


def cleaned(report: Report, clean: Callable[[str], str]) -> Report:
    """Return `report` with `clean` applied to each text in it, before anything is made of them."""
    cleaned_report: Report = _parts_cleaned(report, clean)
    return cleaned_report


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, (Enum, Artifact)):  # our own words, and digests
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (tuple, list)):
        return type(value)(_cleaned(one, clean) for one in value)
    if isinstance(value, Mapping):
        return {clean(name): _cleaned(one, clean) for name, one in value.items()}
    if isinstance(value, RegisterError):
        return _error_cleaned(value, clean)
    return _parts_cleaned(value, clean) if is_dataclass(value) else value


def _parts_cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    parts = {part.name: _cleaned(getattr(value, part.name), clean) for part in fields(value)}
    return replace(value, **parts)


def _error_cleaned(error: RegisterError, clean: Callable[[str], str]) -> RegisterError:
    kept = type(error)(
        clean(error.what), why=clean(error.why), fix=clean(error.fix), reason=error.reason
    )
    kept.exit_code, kept.bundle = error.exit_code, clean(error.bundle)
    return kept


def interrupted() -> dict[str, str]:
    """Return the outputs of a step that never came to its end; they are written at its start."""
    error = RegisterError(
        "the step did not come to its end",
        why="it was killed, or its machine was lost",
        fix="run the job again: it looks first for what this run may have made",
        reason=Reason.INTERRUPTED,
    )
    return outputs(Report(error=error))


def outputs(report: Report) -> dict[str, str]:
    """Return every output, always; an id is blank unless that thing was read back."""
    receipt = report.receipt
    return {
        "status": report.status,
        "registered": _truth(report.status in (Status.REGISTERED, Status.ALREADY_REGISTERED)),
        "created": _truth(receipt is not None and receipt.created),
        "backend": report.backend,
        "reason": report.reason,
        "run-id": receipt.run_id if receipt else "",
        "model-name": report.model.name if report.model else "",
        "model-version": receipt.model_version if receipt else "",
        "model-uri": receipt.model_uri if receipt else "",
        "run-url": receipt.run_url if receipt else "",
        "model-digest": digest(report),
        "bundle": report.bundle,
        "event": report.event.state if report.event else "",
        "result": _result(report),
    }


def _result(report: Report) -> str:
    """Return the report as JSON of a size that an output may have."""
    whole = as_json(report)
    if len(whole) <= RESULT_LIMIT or not report.model:
        return whole
    told = (*report.remarks, "the metrics are too many for an output: the registry has them")
    return as_json(replace(report, model=replace(report.model, metrics={}), remarks=told))


def as_json(report: Report) -> str:
    """Return the whole report as one line of JSON, in which no runner sees a command."""
    model, receipt = report.model, report.receipt
    whole = {
        "schema": SCHEMA,
        "status": report.status,
        "backend": report.backend,
        "reason": report.reason,
        "exit_code": report.exit_code,
        "created": receipt is not None and receipt.created,
        "bundle": report.bundle,
        "found": list(report.skipped.found) if report.skipped else [],
        "run_id": receipt.run_id if receipt else "",
        "run_url": receipt.run_url if receipt else "",
        "event": asdict(report.event) if report.event else None,
        "model": {
            "name": model.name if model else "",
            "type": model.kind if model else "",
            "label": model.version if model else "",
            "version": receipt.model_version if receipt else "",
            "uri": receipt.model_uri if receipt else "",
            "sha256": digest(report),
            "token": model.token.facts if model and model.token else None,
            "metrics": dict(model.metrics) if model else {},
        },
        "attempts": [
            {
                "backend": attempt.backend,
                "seconds": round(attempt.seconds, 3),
                "error": _error(attempt.error),
            }
            for attempt in report.attempts
        ],
        "error": _error(report.error),
        "remarks": list(remarks(report)),
    }
    return json_line(whole)


def notes(report: Report) -> list[Note]:
    """Return one note on how it ended, and one warning if there is something to be warned of."""
    model, receipt, error = report.model, report.receipt, report.error
    if error:
        text = f"{error.what}. Why: {error.why}. What to do: {error.fix}."
        return [Note(Level.ERROR, verdict(error, "the model"), text)]
    if report.skipped:
        text = f"{'; '.join(report.skipped.found)} ({report.reason})."
        return [Note(Level.NOTICE, "Nothing was registered", text)]
    if not (model and receipt):
        return []
    warned = [*passed_over(report), *remarks(report)]
    if report.status in DEGRADED:
        text = "; ".join([headline(model, receipt), *warned])
        return [Note(Level.WARNING, "The registry does not have the model", f"{text}.")]
    told = [Note(Level.NOTICE, "Model registered", f"{headline(model, receipt)}.")]
    if warned:
        told.append(Note(Level.WARNING, "The model is registered, but", "; ".join(warned)))
    return told


def verdict(error: RegisterError, name: str) -> str:
    """Return one sentence that says no more than is known after a failure."""
    said = next(said for kind, said in VERDICTS if isinstance(error, kind)).format(name)
    return said[0].upper() + said[1:]


def headline(model: Model, receipt: Receipt) -> str:
    """Return one sentence that says what happened, and where."""
    if receipt.backend is Backend.MOCK:
        return f"Simulated a registration of {model.name}; nothing was stored"
    if receipt.backend is Backend.LOCAL:
        return f"Kept {model.name} on this machine only, in {receipt.bundle}"
    verb = "Registered" if receipt.created else "Already registered:"
    place = f"{PLACES[receipt.backend]} at {receipt.host}"
    return f"{verb} {model.name} version {receipt.model_version} in {place}"


def passed_over(report: Report) -> list[str]:
    """Return why each backend before the last one was not the one."""
    return [
        f"{PLACES[attempt.backend]} was passed over: {attempt.error.what} ({attempt.error.reason})"
        for attempt in report.attempts[: None if report.receipt else -1]
        if attempt.error
    ]


def remarks(report: Report) -> tuple[str, ...]:
    """Return what the user should know although it stopped nothing."""
    if report.receipt is None:
        return report.remarks
    return (*report.remarks, *report.receipt.remarks, *_announcement(report))


def _announcement(report: Report) -> tuple[str, ...]:
    """Say what is not as it should be with the announcement of a token."""
    event = report.event
    if event is None or not event.why:
        return ()
    fix = f"; {event.fix}" if event.fix else ""
    return (f"{ANNOUNCED[event.state]}: {event.why}{fix}",)


def digest(report: Report) -> str:
    """Return the SHA-256 of the model, as 64 hex digits; blank if no model was read."""
    if report.receipt:
        return report.receipt.digest
    source = report.model.source if report.model else ""
    return source.digest if isinstance(source, Artifact) else ""


def _error(error: RegisterError | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"reason": error.reason, "what": error.what, "why": error.why, "fix": error.fix}


def _truth(value: bool) -> str:  # noqa: FBT001  # it is what is rendered
    return "true" if value else "false"
