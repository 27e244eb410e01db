"""What no workflow of ours, and no example, may do; and what SECURITY.md says of the release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples/workflows").glob("*.yml"))
PROSE = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
RELEASE = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")
OWN = re.compile(r"hokusai/register-model(/[\w-]+)*@v1")
LOCAL = re.compile(r"\./\S*")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def jobs(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["jobs"]
    return found


def steps(text: str) -> Iterator[dict[str, Any]]:
    for job in jobs(text).values():
        yield from job.get("steps", ())


def problems(text: str) -> Iterator[str]:
    """Yield what is wrong with a workflow."""
    if yaml.safe_load(text).get("permissions") != {}:
        yield "the workflow has permissions"
    for used in re.findall(r"\buses: (.*)", text):
        if not any(allowed.fullmatch(used) for allowed in (PINNED, OWN, LOCAL)):
            yield f"{used} is not pinned"
    for job, about in jobs(text).items():
        if "permissions" not in about:
            yield f"{job} does not say what it may do"
    for step in steps(text):
        if "${{" in step.get("run", ""):
            yield "a script is made of what somebody wrote"
        checkout = step.get("uses", "").startswith("actions/checkout@")
        if checkout and step.get("with", {}).get("persist-credentials") is not False:
            yield "a token is left in the work tree"


@pytest.mark.parametrize("path", [*OURS, *EXAMPLES], ids=name)
def test_a_workflow_may_do_only_what_it_must(path: Path) -> None:
    assert list(problems(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("\npermissions: {}", "\npermissions: read-all", "has permissions"),
        ("\npermissions: {}\n", "\n", "has permissions"),
        ("@59d89421af93a897026c735860bf21b6eb4f7b26 # v4.1.0", "@v4", "not pinned"),
        ("6eb4f7b26 # v4.1.0", "6eb4f7b26", "not pinned"),
        (
            "    permissions:\n      contents: read # to check out\n    uses",
            "    uses",
            "ci does not",
        ),
        ("persist-credentials: false", "fetch-depth: 0", "token"),
        ('check "$VERSION"', 'check "${{ inputs.version }}"', "script"),
    ],
    ids=["all", "default", "tag", "comment", "job", "token", "script"],
)
def test_each_of_these_is_noticed(right: str, wrong: str, problem: str) -> None:
    assert right in RELEASE
    assert any(problem in one for one in problems(RELEASE.replace(right, wrong)))


def versions(*texts: str) -> dict[str, set[str]]:
    """Return the majors of each action of GitHub's own, pinned or not."""
    found: dict[str, set[str]] = {}
    for action, major in re.findall(r"uses: (actions/\S+?)@(?:\w{40} # )?v(\d+)", "".join(texts)):
        found.setdefault(action, set()).add(major)
    return found


def test_an_action_has_one_version() -> None:
    workflows = [path.read_text("utf-8") for path in (*OURS, *EXAMPLES)]
    used = re.findall(r"uses: (\S+)@(\S+)", "\n".join(workflows))
    assert len(set(used)) == len(dict(used))
    shown = versions(*workflows, *(path.read_text("utf-8") for path in PROSE))
    assert {action for action, majors in shown.items() if len(majors) > 1} == set()
    assert versions(workflows[0], "uses: actions/checkout@v4")["actions/checkout"] == {"4", "6"}


def test_a_release_takes_nothing_out_of_a_cache() -> None:
    assert "cache" not in RELEASE
    assert "cache" not in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")


def test_what_leaves_waits_for_somebody() -> None:
    writing = {
        job: about.get("environment")
        for job, about in jobs(RELEASE).items()
        if {"contents", "packages"} & {k for k, v in about["permissions"].items() if v == "write"}
    }
    # What is signed is what was agreed to.
    assert writing == {"build": "release", "sign": None, "publish": "release"}
    assert jobs(RELEASE)["sign"]["needs"] == "build"


def test_a_release_is_tested_as_it_is_each_night() -> None:
    nightly = (ROOT / ".github/workflows/self-test.yml").read_text(encoding="utf-8")
    wanted = nightly.partition("    steps:\n")[2].replace("hokusai/register-model@v1", "./")
    assert wanted in RELEASE


def test_security_md_tells_what_a_release_does() -> None:
    test = jobs(RELEASE)["self-test"]
    (verify,) = (step["run"] for step in test["steps"] if "attestation" in step.get("run", ""))
    for word in (
        *("gh attestation verify", "--repo", "--signer-workflow", "--predicate-type"),
        *("hokusai/register-model", ".github/workflows/release.yml", "https://cyclonedx.org/bom"),
    ):
        assert word in SECURITY
        assert word in verify.replace("$GITHUB_REPOSITORY", "hokusai/register-model")
