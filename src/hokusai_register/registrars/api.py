"""Registers a baseline with the Hokusai API: the metrics and the digest, not the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from hokusai_register.errors import (
    NotTheServiceError,
    Reason,
    RejectedError,
    UnavailableError,
    UnconfirmedError,
)
from hokusai_register.http import Effect, Http, senseless
from hokusai_register.model import Artifact, Attempt, Backend, Model, Receipt
from hokusai_register.register import Watcher
from hokusai_register.registrars import late, terms

ENDPOINT = "/api/v1/models/baseline"
REPLAYED = "idempotent-replayed"
TRIES = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline as the service shows it, the model's digest, and whether it is new."""

    shown: Mapping[str, Any]
    digest: str
    created: bool


class HokusaiApi:
    """The baseline endpoint below one origin."""

    def __init__(self, http: Http, watcher: Watcher) -> None:
        self._http = http
        self._watcher = watcher

    def register(self, model: Model, _: Sequence[Attempt]) -> Receipt:
        """Register a baseline for `model` and read it back."""
        with closing(self._http):
            baseline = self.record(model)
        return Receipt(
            backend=Backend.API,
            host=self._http.where,
            created=baseline.created,
            digest=baseline.digest,
            model_version=str(baseline.shown["version"]),
            remarks=(f"{_NO_FILES} {baseline.digest} yourself",),
        )

    def record(self, model: Model) -> Baseline:
        """Register a baseline for `model` and read it back; one without files has metrics alone."""
        digest, shown = self._look(model)
        created = False
        if shown is None:
            self._watcher.step("registering a baseline")
            try:
                shown, created = self._send(model, digest)
            except RejectedError as error:
                shown = self._same(model, digest, error)
        self._compare(model, digest, shown)
        return Baseline(shown, digest, created)

    def check(self, model: Model) -> tuple[str, ...]:
        """Say what `register` would do; the right to write shows only in writing."""
        with closing(self._http):
            _, baseline = self._look(model)
        if baseline:
            return (f"the same baseline is there already: {model.name} {baseline['version']}",)
        return (f"would register a baseline of {model.name}",)

    def _look(self, model: Model) -> tuple[str, dict[str, Any] | None]:
        """Return the digest of the model, and the baseline that speaks of it, if there is one."""
        self._watcher.step(f"asking {self._http.where} (Hokusai API)")
        if isinstance(model.source, str) and model.source:
            raise RejectedError(
                "the Hokusai API cannot register what is logged in MLflow",
                why=f"only the MLflow server can say whether {model.source} exists",
                fix="give `model-path`, or make the MLflow server reachable",
            )
        digest = model.source.digest if isinstance(model.source, Artifact) else ""
        return digest, self._find(model, digest)

    def _find(self, model: Model, digest: str) -> dict[str, Any] | None:
        """Return the baseline that was made under this key, as the service shows it."""
        key = model.key(digest)
        named = {"model_id": model.name} if model.name else {}  # else the service names it
        shown = self._list(**named, idempotency_key=key)
        return next((b for b in shown if _facts(b).get("idempotency_key") == key), None)

    def _same(self, model: Model, digest: str, error: RejectedError) -> dict[str, Any]:
        """Return the baseline in the way, if another job registered the very same; else raise."""
        if error.reason is Reason.CONFLICT and model.version:
            facts = _body(model, digest)["metadata"]["hokusai"]
            for shown in self._list(model_id=model.name, version=model.version):
                if all(_facts(shown).get(name) == facts.get(name) for name in _DIGESTS):
                    return shown
        raise error

    def _list(self, **wanted: str) -> list[dict[str, Any]]:
        answer = self._http.request("GET", ENDPOINT, Effect.READ, params=wanted)
        found = answer.json_object().get("baselines")
        if not isinstance(found, list):
            raise senseless(answer, "its list of baselines is missing")
        return [baseline for baseline in found if isinstance(baseline, dict)]

    def _send(self, model: Model, digest: str) -> tuple[dict[str, Any], bool]:
        """Send the baseline until the service shows it; only a doubt makes it go out again.

        Return it, and whether it is new. It is not if the service answers the first try with what
        another job had sent. After a doubt such an answer may speak of what this job had sent: what
        was missing when it began is taken for its own then.
        """
        doubt: UnconfirmedError | None = None
        new = True
        for attempt in range(TRIES):
            doubt = None
            try:
                new = self._post(model, digest) or attempt > 0
            except UnconfirmedError as error:
                doubt = error
            try:
                shown = self._find(model, digest) if doubt else self._late(model, digest)
            except (UnavailableError, NotTheServiceError):
                break
            if shown is not None:
                return shown, new
            if doubt is None:
                break
        raise doubt or UnconfirmedError(
            f"{self._http.host} took the baseline, and does not show it",
            why="the list of baselines does not have it",
            fix="run the job again: it looks first; if that does not help, report the service",
            reason=Reason.VERIFY_FAILED,
        )

    def _late(self, model: Model, digest: str) -> dict[str, Any] | None:
        """Return the baseline that the service has taken, when it shows it."""
        for _ in late.looks():
            shown = self._find(model, digest)
            if shown is not None:
                return shown
        return None

    def _post(self, model: Model, digest: str) -> bool:
        """Send the baseline once; return False if the service says that it had it already."""
        headers = {"Idempotency-Key": model.key(digest)}
        body = _body(model, digest)
        answer = self._http.request("POST", ENDPOINT, Effect.ONCE, json=body, headers=headers)
        answer.json_object()
        return answer.headers.get(REPLAYED, "").strip().lower() != "true"

    def _compare(self, model: Model, digest: str, shown: dict[str, Any]) -> None:
        """Raise unless the service shows what was sent."""
        sent = _body(model, digest)
        facts = sent.pop("metadata")["hokusai"]
        sent |= {name: facts.get(name) for name in _DIGESTS}
        kept = shown | {name: _facts(shown).get(name) for name in _DIGESTS}
        for name, value in sent.items():
            if kept.get(name) != value:
                raise UnconfirmedError(
                    f"what {self._http.host} shows is not what was registered",
                    why=f"{name} is {kept.get(name)!a} there, and {value!a} was sent",
                    fix="look at the baseline before using it; report it to the service",
                    reason=Reason.VERIFY_FAILED,
                )
        if not shown.get("version"):
            raise UnconfirmedError(
                f"{self._http.host} shows a baseline without a version",
                why="its answer has another shape",
                fix="check that `api-url` is the root of the Hokusai API",
                reason=Reason.VERIFY_FAILED,
            )


_NO_FILES = "the API keeps a model's metrics and digest, not its files: keep those with SHA-256"
_DIGESTS = ("model_sha256", "metrics_sha256")  # the key is what a baseline was found by


def _body(model: Model, digest: str) -> dict[str, Any]:
    """Return the union of the forms that the service's documents show; blank fields left out."""
    tags = terms.version_tags(model, digest)
    facts = {
        name.removeprefix("hokusai."): tags[name] for name in tags if name.startswith("hokusai.")
    }
    if model.token:
        facts |= {"token_id": model.token.id, "benchmark_metric": model.token.metric}
        facts |= {"benchmark_value": repr(model.token.baseline)}
    fields = {
        "model_id": model.name,
        "model_type": model.kind,
        "version": model.version,
        "metrics": dict(model.metrics),
        "mlflow_run_id": model.run_id,
        "metadata": {**model.metadata, "hokusai": facts},
    }
    return {name: value for name, value in fields.items() if value}


def _facts(baseline: dict[str, Any]) -> dict[str, Any]:
    metadata = baseline.get("metadata")
    facts = metadata.get("hokusai") if isinstance(metadata, dict) else None
    return facts if isinstance(facts, dict) else {}
