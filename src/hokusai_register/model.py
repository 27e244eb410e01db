"""The values that flow through the product: a model, where it was tried, and what now exists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hokusai_register.errors import Reason, RegisterError
from hokusai_register.tokenized import Announcement, EventState, Token


class Backend(StrEnum):
    """A place that can register a model; the output `backend`."""

    MLFLOW = "mlflow"
    API = "api"
    LOCAL = "local"
    MOCK = "mock"
    NONE = "none"


class Status(StrEnum):
    """What became of the registration; the output `status`."""

    REGISTERED = "registered"
    ALREADY_REGISTERED = "already-registered"
    REGISTERED_LOCAL = "registered-local"
    SIMULATED = "simulated"
    SKIPPED = "skipped"
    FAILED = "failed"


class Secret:
    """A credential: prints as `***`, and gives its value only when asked by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; the caller puts it on the wire and nowhere else."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model: POSIX path inside the model, size in bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The files of a model, hashed.

    `root` is the directory that `files` are relative to. `digest` is 64 hex digits: of a single
    file its SHA-256; of a directory the SHA-256 of what `sha256sum` prints for its files, sorted
    by path, so that anybody can check it without this program.
    """

    root: Path
    files: tuple[File, ...]
    digest: str
    kind: str
    is_directory: bool
    left_out: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """All files together, in bytes."""
        return sum(file.size for file in self.files)

    @property
    def is_mlmodel(self) -> bool:
        """Whether this is a directory that MLflow itself wrote."""
        return any(file.path == "MLmodel" for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a model comes from, as the runner tells it; blank where nobody says."""

    commit: str = ""
    ref: str = ""
    repository: str = ""
    repository_id: str = ""
    repository_url: str = ""
    workflow: str = ""
    run_id: str = ""
    run_url: str = ""
    attempt: str = ""
    job: str = ""
    action: str = ""
    actor: str = ""


def canonical(value: object) -> str:
    """Return `value` as JSON that is the same for equal values: sorted, compact, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_hex(text: str) -> str:
    """Return the SHA-256 of `text` in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is to be registered.

    `source` is its files, or the URI of what is logged already; blank if it speaks of no files.
    """

    name: str
    source: Artifact | str
    metrics: Mapping[str, float]
    kind: str = "custom"
    version: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    description: str = ""
    alias: str = ""
    experiment: str = ""
    run_id: str = ""
    token: Token | None = None
    origin: str = ""
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def metrics_digest(self) -> str:
        """SHA-256 of the metrics, as 64 hex digits."""
        return sha256_hex(canonical(dict(self.metrics)))

    def key(self, digest: str) -> str:
        """Return the idempotency key of registering this model with files of `digest`.

        Equal for a re-run of the same job, whatever the attempt; outside CI the content decides.
        """
        came_from = self.provenance
        parts = {
            "origin": self.origin,
            "name": self.name,
            "version": self.version,
            "digest": digest,
            "metrics": self.metrics_digest,
            "repository": came_from.repository_id,
            "run": came_from.run_id,
            "job": came_from.job,
            "action": came_from.action,
        }
        if self.token:  # another token is another registration, of the same files too
            parts["token"] = canonical(self.token.facts)
        return "hk1-" + sha256_hex(canonical(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a backend showed again after the writing; a blank field is a thing it does not have."""

    backend: Backend
    host: str
    created: bool
    digest: str
    model_version: str = ""
    model_uri: str = ""
    run_id: str = ""
    run_url: str = ""
    bundle: str = ""
    event: Announcement | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was registered, and nothing was meant to be: `found` is what was looked at."""

    reason: Reason
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One backend that was tried: how long it took, in seconds, and how it failed, if it did."""

    backend: Backend
    seconds: float
    error: RegisterError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a writer may show. Writers read it; nobody changes it."""

    model: Model | None = None
    attempts: tuple[Attempt, ...] = ()
    receipt: Receipt | None = None
    skipped: Skipped | None = None
    error: RegisterError | None = None
    remarks: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """Derived, so that it cannot disagree with the receipt."""
        if self.skipped:
            return Status.SKIPPED
        if self.receipt is None:
            return Status.FAILED
        fresh = Status.REGISTERED if self.receipt.created else Status.ALREADY_REGISTERED
        return _DEGRADED.get(self.receipt.backend, fresh)

    @property
    def backend(self) -> Backend:
        """Where the model is now; `none` where it is nowhere."""
        return self.receipt.backend if self.receipt else Backend.NONE

    @property
    def reason(self) -> Reason:
        """Why it ended as it did."""
        if self.skipped:
            return self.skipped.reason
        if self.error:
            return self.error.reason
        errors = [attempt.error for attempt in self.attempts if attempt.error]
        degraded = self.receipt and self.receipt.backend in _DEGRADED
        return errors[-1].reason if degraded and errors else Reason.OK

    @property
    def bundle(self) -> str:
        """Path of the bundle that this machine keeps, registered or not; blank if it has none."""
        errors = [attempt.error for attempt in self.attempts if attempt.error]
        paths = [self.receipt.bundle if self.receipt else "", *(error.bundle for error in errors)]
        return next(filter(None, paths), "")

    @property
    def event(self) -> Announcement | None:
        """What became of the announcement; None if no tokenized registration was asked for."""
        if self.model is None or self.model.token is None:
            return None
        if self.receipt and self.receipt.event:
            return self.receipt.event
        return Announcement(EventState.NOT_SENT, UNANNOUNCED[self.backend])

    @property
    def exit_code(self) -> int:
        """The exit code that this ends with."""
        return self.error.exit_code if self.error else 0


# Why a tokenized registration is not announced from where it ended.
UNANNOUNCED = {
    Backend.MLFLOW: "it was not asked for",
    Backend.API: "an announcement names an MLflow run, and a baseline has none",
    Backend.LOCAL: "only what the registry has is announced; a replay of the bundle does it",
    Backend.MOCK: "nothing was registered",
    Backend.NONE: "nothing was registered",
}
_DEGRADED = {Backend.LOCAL: Status.REGISTERED_LOCAL, Backend.MOCK: Status.SIMULATED}
