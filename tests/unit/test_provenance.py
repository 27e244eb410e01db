"""What the runner tells about where a model comes from, and what is not believed of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hokusai_register import provenance as module
from hokusai_register.model import Provenance
from hokusai_register.provenance import provenance, stranger

CI = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": "merge",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_REPOSITORY": "owner/repository",
    "GITHUB_REPOSITORY_ID": "42",
    "GITHUB_SERVER_URL": "https://github.com/",
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_WORKFLOW": "train",
    "GITHUB_JOB": "register",
    "GITHUB_ACTION": "__run_2",
    "GITHUB_ACTOR": "somebody",
}
HEAD = json.dumps({"pull_request": {"head": {"sha": "head"}}})


def test_a_push_tells_everything() -> None:
    assert provenance({**CI, "GITHUB_EVENT_NAME": "push"}) == Provenance(
        commit="merge",
        ref="refs/heads/main",
        repository="owner/repository",
        repository_id="42",
        repository_url="https://github.com/owner/repository",
        workflow="train",
        run_id="7",
        run_url="https://github.com/owner/repository/actions/runs/7",
        attempt="2",
        job="register",
        action="__run_2",
        actor="somebody",
    )


@pytest.mark.parametrize("environ", [{}, {**CI, "GITHUB_ACTIONS": ""}])
def test_nobody_tells_anything_outside_of_ci(environ: dict[str, str]) -> None:
    assert provenance(environ) == Provenance()


def test_what_a_runner_does_not_say_stays_blank() -> None:
    bare = provenance({"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "owner/repository"})
    assert bare == Provenance(repository="owner/repository", repository_id="owner/repository")


@pytest.mark.parametrize(
    ("event", "content", "commit"),
    [
        ("pull_request", HEAD, "head"),
        ("pull_request_review", HEAD, "head"),
        ("pull_request_review_comment", HEAD, "head"),
        ("pull_request_target", HEAD, "merge"),  # runs on the base branch, and GITHUB_SHA is that
        ("push", HEAD, "merge"),
        ("pull_request", "", "merge"),
        ("pull_request", "no JSON", "merge"),
        ("pull_request", "[]", "merge"),
        ("pull_request", "[" * 100_000, "merge"),
        ("pull_request", '{"pull_request": []}', "merge"),
        ("pull_request", '{"pull_request": {"head": "head"}}', "merge"),
        ("pull_request", '{"pull_request": {"head": {"sha": 7}}}', "merge"),
        ("pull_request", '{"pull_request": {"head": {"sha": ""}}}', "merge"),
    ],
)
def test_the_commit_is_the_one_that_somebody_pushed(
    event: str, content: str, commit: str, tmp_path: Path
) -> None:
    path = tmp_path / "event.json"
    path.write_text(content)
    said = {**CI, "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(path)}
    assert provenance(said).commit == commit


@pytest.mark.parametrize("path", ["", "/no/such/file", ".", "/dev/zero", "a\0b"])
def test_an_event_file_that_is_none_is_passed_over(path: str) -> None:
    said = {**CI, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": path}
    assert provenance(said).commit == "merge"


def test_a_huge_event_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    with path.open("wb") as stream:
        stream.write(HEAD.encode())
        stream.truncate(module.EVENT_LIMIT + 1)
    said = {**CI, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(path)}
    assert provenance(said).commit == "merge"


STRANGERS = [
    ({}, None, ""),
    ({"GITHUB_ACTOR": "dependabot[bot]"}, None, "Dependabot"),
    ({"GITHUB_EVENT_NAME": "pull_request"}, {"full_name": "a/b"}, ""),
    ({"GITHUB_EVENT_NAME": "pull_request"}, {"full_name": "x/b"}, "a pull request of a fork"),
    ({"GITHUB_EVENT_NAME": "pull_request"}, None, "a pull request of a fork"),
    ({"GITHUB_EVENT_NAME": "pull_request_target"}, {"full_name": "x/b"}, ""),
    ({"GITHUB_EVENT_NAME": "push"}, None, ""),
    ({"GITHUB_ACTIONS": "", "GITHUB_ACTOR": "dependabot[bot]"}, None, ""),
]


@pytest.mark.parametrize(("changed", "repo", "who"), STRANGERS)
def test_who_gets_no_secrets(
    tmp_path: Path, changed: dict[str, str], repo: dict[str, str] | None, who: str
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"head": {"repo": repo}}}))
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_EVENT_PATH": str(event),
        **changed,
    }
    assert stranger(environ) == who
