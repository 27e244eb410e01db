"""A release, step by step, in a real repository with a real origin; and all that it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from releases import Repository

BASE = f"sha256:{'b' * 64}"
IMAGE = f"ghcr.io/hokusai/register-model@sha256:{'a' * 64}"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.ready(tmp_path, "1.2.3")


def released(repository: Repository, version: str) -> str:
    """Release a version, and return its commit."""
    made = repository.release("commit", version, IMAGE, BASE)
    repository.release("tag", version)
    repository.release("move", version)
    repository.git("reset", "--quiet", "--hard", "origin/main")
    return made


def test_the_whole_order(repository: Repository, tmp_path: Path) -> None:
    head = repository.git("rev-parse", "HEAD")
    assert repository.release("check", "1.2.3") == ""
    assert repository.release("notes", "1.2.3") == "### Added\n\n- What is new."
    assert repository.release("base") == "python:3.13-slim"

    tester = repository.clone(tmp_path / "tester")
    tested = tester.release("commit", "1.2.3", IMAGE, BASE)
    assert repository.tags() == {}, "nothing is seen before it is tested"

    publisher = repository.clone(tmp_path / "publisher")
    assert publisher.release("commit", "1.2.3", IMAGE, BASE) == tested
    publisher.release("tag", "1.2.3")
    assert repository.tags() == {"v1.2.3": tested}
    publisher.release("tag", "1.2.3")  # as after a failure between the two tags
    publisher.release("move", "1.2.3")
    assert repository.tags() == {"v1.2.3": tested, "v1": tested}
    assert repository.git("ls-remote", "origin", "refs/heads/*").split()[0] == head

    user = repository.clone(tmp_path / "user", "v1")
    runs = yaml.safe_load((user.place / "action.yml").read_text(encoding="utf-8"))["runs"]
    assert runs == {"using": "docker", "image": f"docker://{IMAGE}", "args": ["action"]}
    bases = re.findall("^FROM.*", (user.place / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert bases == [f"FROM python:3.13-slim@{BASE} AS build", f"FROM python:3.13-slim@{BASE}"]
    user.git("fetch", "--quiet", "--depth=2", "origin", "v1")
    assert user.git("diff", "--numstat", head, "HEAD") == "2\t2\tDockerfile\n1\t1\taction.yml"
    assert user.git("rev-parse", "HEAD~") == head


def test_the_commit_follows_from_what_it_says(repository: Repository, tmp_path: Path) -> None:
    made = repository.clone(tmp_path / "a").release("commit", "1.2.3", IMAGE, BASE)
    other = repository.clone(tmp_path / "b").release("commit", "1.2.3", IMAGE, BASE[:-1] + "0")
    assert made != other


def test_v1_moves_on_and_v1_2_3_stays(repository: Repository) -> None:
    first = released(repository, "1.2.3")
    repository.prepare("1.3.0")
    repository.release("check", "1.3.0")
    second = released(repository, "1.3.0")
    repository.prepare("2.0.0")
    third = released(repository, "2.0.0")
    assert repository.tags() == {
        "v1.2.3": first,
        "v1.3.0": second,
        "v1": second,
        "v2.0.0": third,
        "v2": third,
    }
    repository.prepare("1.3.1")  # of the older line: that is newer there
    repository.release("check", "1.3.1")


def test_check_refuses_a_tag_that_exists(repository: Repository) -> None:
    released(repository, "1.2.3")
    assert "v1.2.3 is there already" in repository.refusal("check", "1.2.3")


def test_check_refuses_to_go_backwards(repository: Repository) -> None:
    released(repository, "1.2.3")
    repository.prepare("1.2.2")
    assert "v1.2.3 is newer: v1 would move backwards" in repository.refusal("check", "1.2.2")


@pytest.mark.parametrize("name", ["action.yml", "a-new-file"])
def test_a_work_tree_with_changes_is_refused(repository: Repository, name: str) -> None:
    repository.write(name, "something else")
    for step in (("check", "1.2.3"), ("commit", "1.2.3", IMAGE, BASE)):
        assert "the work tree has changes" in repository.refusal(*step)


def test_another_version_than_the_package_has_is_refused(repository: Repository) -> None:
    assert "__version__ is not 1.2.4" in repository.refusal("check", "1.2.4")


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        ("## [1.2.3]", "## [1.2.4]", "begins with no"),
        (" - 2026-11-22", "", "begins with no"),
        ("2026-11-22", "2026-11-31", "begins with no"),
        ("2026-11-22", "soon", "begins with no"),
        ("- What is new.", "", "begins with no"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n- Not yet dated.\n", "has unreleased entries"),
    ],
    ids=["other", "undated", "no-day", "no-date", "no-text", "unreleased"],
)
def test_a_changelog_that_says_something_else_is_refused(
    repository: Repository, right: str, wrong: str, why: str
) -> None:
    text = (repository.place / "CHANGELOG.md").read_text(encoding="utf-8")
    assert right in text
    text = text.replace("### Added\n\n- What is new.", "- What is new.").replace(right, wrong)
    repository.write("CHANGELOG.md", text)
    repository.commit("Spoil the changelog")
    assert f"CHANGELOG.md {why}" in repository.refusal("check", "1.2.3")


def test_a_tag_does_not_move(repository: Repository) -> None:
    released(repository, "1.2.3")
    repository.release("commit", "1.2.3", IMAGE, BASE[:-1] + "0")
    assert "v1.2.3 is another commit already" in repository.refusal("tag", "1.2.3")


def test_only_a_release_commit_gets_a_tag(repository: Repository) -> None:
    assert "no release commit" in repository.refusal("tag", "1.2.3")
    repository.release("commit", "1.2.3", IMAGE, BASE)
    assert "__version__ is not 1.2.4" in repository.refusal("tag", "1.2.4")
    assert repository.tags() == {}


def test_v1_moves_last(repository: Repository) -> None:
    repository.release("commit", "1.2.3", IMAGE, BASE)
    assert "v1.2.3 is not this commit: v1 moves last" in repository.refusal("move", "1.2.3")


def test_v1_does_not_move_backwards(repository: Repository) -> None:
    repository.release("commit", "1.2.3", IMAGE, BASE)
    repository.release("tag", "1.2.3")
    repository.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.10.0")
    assert "v1.10.0 is newer" in repository.refusal("move", "1.2.3")
    assert "v1" not in repository.tags()


@pytest.mark.parametrize("name", ["Dockerfile", "action.yml"])
def test_what_is_pinned_already_is_refused(repository: Repository, name: str) -> None:
    text = (repository.place / name).read_text(encoding="utf-8")
    text = text.replace("13-slim", f"13-slim@{BASE}").replace("image: Dockerfile", "image: other")
    repository.write(name, text)
    repository.commit("Pin one of the two")
    assert f"{name} " in repository.refusal("commit", "1.2.3", IMAGE, BASE)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("", "release.py STEP [ARGUMENT...]"),
        ("publish 1.2.3", "release.py STEP [ARGUMENT...]"),
        ("check", "release.py STEP [ARGUMENT...]"),
        ("check v1.2.3", "no version"),
        ("check 1.2", "no version"),
        ("check 1.02.3", "no version"),
        ("check 1.2.3-rc1", "no version"),
        (f"commit 1.2.3 ghcr.io/hokusai/register-model:v1 {BASE}", "no image"),
        (f"commit 1.2.3 register-model@{BASE} {BASE}", "no image"),
        (f"commit 1.2.3 {IMAGE[:-1]} {BASE}", "no digest"),
        (f"commit 1.2.3 {IMAGE} {BASE[:-1]}", "no digest"),
        ("pin-base latest", "no digest"),
    ],
)
def test_what_has_another_form_is_refused(repository: Repository, step: str, why: str) -> None:
    assert why in repository.refusal(*step.split())
    assert repository.git("status", "--porcelain") == ""
