"""A model in the registry's terms: its tags, its MLmodel file, the addresses of what was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from hokusai_register import __version__
from hokusai_register.errors import Reason, RejectedError
from hokusai_register.model import Model, canonical, sha256_hex
from hokusai_register.tokenized import TAGS

V = TypeVar("V", float, str)

KEY = "hokusai.idempotency_key"
MODEL_SHA256 = "hokusai.model_sha256"
METRICS_SHA256 = "hokusai.metrics_sha256"
STATE = "hokusai.state"
COMPLETE = "complete"
EVENT = "hokusai.event"
PENDING = "pending"  # the event is certainly not sent

# The user's own tags that name a token's proposal, the first one first, as the service reads them.
_PROPOSALS = ("proposal_identifier", "proposal_ticker", "canonical_identifier", "ticker")


def version_tags(model: Model, digest: str) -> dict[str, str]:
    """Return the tags of a model version: what it is, where it comes from, and the user's own."""
    came_from = model.provenance
    ours = {
        KEY: model.key(digest),
        MODEL_SHA256: digest,
        METRICS_SHA256: model.metrics_digest,
        STATE: COMPLETE,
        "hokusai.client": f"hokusai-register-model {__version__}",
        "hokusai.model_type": model.kind,
        "hokusai.version": model.version,
        "hokusai.git_commit": came_from.commit,
        "hokusai.git_ref": came_from.ref,
        "hokusai.repository": came_from.repository,
        "hokusai.workflow": came_from.workflow,
        "hokusai.workflow_run_url": came_from.run_url,
        "hokusai.workflow_run_attempt": came_from.attempt,
        "hokusai.actor": came_from.actor,
    }
    return {**model.tags, **{name: value for name, value in ours.items() if value}}


def token_tags(model: Model, run_id: str) -> dict[str, str]:
    """Return the tags of a tokenized version, which must be there from its first moment on."""
    token = model.token
    if token is None:
        return {}
    values = (token.id, token.metric, repr(token.baseline), "registered", proposal(model), run_id)
    return {**dict(zip(TAGS, values, strict=True)), **token.tags, EVENT: PENDING}


def proposal(model: Model) -> str:
    """Return what a token was proposed as: a tag of the user's, else the token itself."""
    named = (model.tags.get(name, "").strip() for name in _PROPOSALS)
    return next(filter(None, named), model.token.id if model.token else "")


def run_tags(model: Model, digest: str) -> dict[str, str]:
    """Return the tags of a run of ours: the version's, and MLflow's own names for the source."""
    came_from = model.provenance
    mlflow = {
        "mlflow.source.type": "JOB" if came_from.run_url else "LOCAL",
        "mlflow.source.name": came_from.run_url or "hokusai-register",
        "mlflow.source.git.commit": came_from.commit,
        "mlflow.source.git.branch": came_from.ref.removeprefix("refs/heads/"),
        "mlflow.source.git.repoURL": came_from.repository_url,
        "mlflow.user": came_from.actor,
        "mlflow.note.content": model.description,
    }
    given = {name: value for name, value in mlflow.items() if value}
    return {**version_tags(model, digest), **given, STATE: "pending"}


def mlmodel(run_id: str, key: str) -> bytes:
    """Return an MLmodel file without a flavour: MLflow shows and downloads the files, runs nothing.

    The same for the same run and key, so that uploading it again changes nothing.
    """
    fields = {
        "artifact_path": "model",
        "flavors": {},
        "model_uuid": sha256_hex(key)[:32],
        "run_id": run_id,
    }
    return "".join(f"{name}: {canonical(value)}\n" for name, value in fields.items()).encode()


def lacking(run: Any, wanted: Mapping[str, V], there: Mapping[str, V]) -> dict[str, V]:
    """Return what of `wanted` the run lacks; raise where it says otherwise."""
    for name in sorted(wanted.keys() & there.keys()):
        if wanted[name] != there[name]:
            raise RejectedError(
                f"the run {run.info.run_id} says otherwise about {name}",
                why=f"it has {there[name]}, and the step was given {wanted[name]}",
                fix="correct the value, or leave it out",
                reason=Reason.CONFLICT,
            )
    return {name: value for name, value in wanted.items() if name not in there}
