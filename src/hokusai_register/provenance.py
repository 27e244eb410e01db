"""Where a model comes from, as the runner tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hokusai_register.model import Provenance

# Events that run on a merge commit which nobody pushed; pull_request_target has the base branch.
_MERGED = ("pull_request", "pull_request_review", "pull_request_review_comment")
EVENT_LIMIT = 10 << 20  # bytes; GitHub's own payloads stay far below


def provenance(environ: Mapping[str, str]) -> Provenance:
    """Return what the variables and the event file of a GitHub runner say; blank outside of CI."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return Provenance()
    server = environ.get("GITHUB_SERVER_URL", "").rstrip("/")
    repository, run_id = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    address = f"{server}/{repository}" if server and repository else ""
    return Provenance(
        commit=_commit(environ),
        ref=environ.get("GITHUB_REF", ""),
        repository=repository,
        repository_id=environ.get("GITHUB_REPOSITORY_ID", "") or repository,
        repository_url=address,
        workflow=environ.get("GITHUB_WORKFLOW", ""),
        run_id=run_id,
        run_url=f"{address}/actions/runs/{run_id}" if address and run_id else "",
        attempt=environ.get("GITHUB_RUN_ATTEMPT", ""),
        job=environ.get("GITHUB_JOB", ""),
        action=environ.get("GITHUB_ACTION", ""),
        actor=environ.get("GITHUB_ACTOR", ""),
    )


def stranger(environ: Mapping[str, str]) -> str:
    """Return who is behind an event that gets no secrets, by GitHub's rules; blank for others."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return ""
    if environ.get("GITHUB_ACTOR") == "dependabot[bot]":
        return "Dependabot"
    if environ.get("GITHUB_EVENT_NAME") not in _MERGED:
        return ""
    head = _head(environ).get("repo")
    # A fork that was deleted in the meantime is null here.
    name = head.get("full_name") if isinstance(head, dict) else None
    return "" if name == environ.get("GITHUB_REPOSITORY") else "a pull request of a fork"


def _commit(environ: Mapping[str, str]) -> str:
    """Return the commit that was built: of a pull request its head, not the merge commit."""
    if environ.get("GITHUB_EVENT_NAME") in _MERGED:
        sha = _head(environ).get("sha")
        if isinstance(sha, str) and sha:
            return sha
    return environ.get("GITHUB_SHA", "")


def _head(environ: Mapping[str, str]) -> dict[str, Any]:
    pull_request = _event(environ).get("pull_request")
    head = pull_request.get("head") if isinstance(pull_request, dict) else None
    return head if isinstance(head, dict) else {}


def _event(environ: Mapping[str, str]) -> dict[str, Any]:
    path = Path(environ.get("GITHUB_EVENT_PATH", ""))
    try:
        if not path.is_file() or path.stat().st_size > EVENT_LIMIT:
            return {}
        event = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
