"""What all tests of the image share: Docker, the image as both builders make it, and a sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from act_runner import Act
from actions_runner import USER, ActionsRunner
from canaries import leaks
from e2e.case_table import pytest_terminal_summary
from e2e.written import everything
from hokusai_register.render import OUTPUTS
from markdown_rules import page
from runner_rules import act_commands, runner_commands
from runner_step import Ended, Expect, Step
from sandboxes import Sandbox, running
from tools import missing

__all__ = ["pytest_terminal_summary"]  # the table of cases

OURS = {"add-mask", "notice", "warning", "error"}
INERT = {
    *("page", "h3", "table", "thead", "tbody", "tr", "th", "td", "code", "a", "p", "ul", "li"),
    *("blockquote", "pre", "strong"),
}
ROOT = Path(__file__).parents[2]
BASE = "python:3.13-slim"
# What the Dockerfile copies or the composite action installs, and what says so.
SHIPPED = (
    *("action.yml", "composite", "Dockerfile", "pyproject.toml", "README.md", "LICENSE"),
    *("requirements", "src"),
)


@pytest.fixture(scope="session")
def docker() -> str:
    """Docker's client, with a daemon and the base image behind it."""
    client = os.environ.get("DOCKER", "docker")
    if not shutil.which(client) or not (
        _succeeds(client, "image", "inspect", BASE) or _succeeds(client, "pull", BASE)
    ):
        missing(f"needs Docker and the image {BASE}; on Debian as root: .ci/docker make e2e")
    return client


@pytest.fixture
def act() -> str:
    """The command act."""
    program = os.environ.get("ACT", "act")
    if not shutil.which(program):
        missing("needs act, which make e2e builds if there is go")
    return program


@pytest.fixture(scope="session")
def images(docker: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The images by their builders, built with the runner's command."""
    built = {}
    # By its id, since somebody else's build may take the tag.
    about = tmp_path_factory.mktemp("image") / "id"
    # act uses the classic builder, hosted runners the other one.
    for builder, switch in (("classic", "0"), ("buildkit", "1")):
        tag = f"hokusai-register-e2e:{builder}"
        ran = subprocess.run(
            [docker, "build", "-t", tag, "-f", ROOT / "Dockerfile", "--iidfile", about, ROOT],
            env={**os.environ, "DOCKER_BUILDKIT": switch},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        built[builder] = about.read_text(encoding="utf-8")
    return built


@pytest.fixture
def runner(docker: str, images: dict[str, str], tmp_path: Path) -> ActionsRunner:
    """A runner with a trained model in its workspace."""
    made = ActionsRunner(docker=docker, image=images["buildkit"], root=tmp_path)
    (made.workspace / "model").mkdir(parents=True)
    (made.workspace / "model" / "weights.bin").write_bytes(bytes(range(256)) * 4096)
    (made.workspace / "metrics.json").write_text('{"accuracy": 0.9}', encoding="utf-8")
    made.prepare()
    return made


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that the runner knows nothing of."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture
def given(sandbox: Sandbox) -> dict[str, str]:
    """What stands in `with:`, all of it right."""
    return {
        "api-key": sandbox.create_key(),
        "model-path": "model",
        "model-name": f"model-{uuid.uuid4().hex}",
        "metrics-file": "metrics.json",
        "tracking-uri": sandbox.tracking_uri,
    }


@pytest.fixture
def expect(runner: ActionsRunner, record_property: Callable[[str, object], None]) -> Expect:
    """Check how a step ended, for the table too, and what every end has to leave behind."""

    def check(ended: Ended, how: str) -> Ended:
        record_property("expected", how)
        record_property("seen", ended.how)
        assert ended.how == how, ended.log
        for commands in (runner_commands, act_commands):
            assert {one.name for one in commands(ended.log)} <= OURS, ended.log
        # What belongs to root, a self-hosted runner cannot remove before its next job.
        assert {path for path in runner.root.rglob("*") if path.lstat().st_uid != USER} == set()
        return ended

    return check


@pytest.fixture
def inert(expect: Expect) -> Expect:
    """Check that nothing of what a step shows is more than text."""

    def check(ended: Ended, how: str) -> Ended:
        expect(ended, how)
        rows = ended.log.splitlines()
        assert all(row.startswith(("hokusai-register: ", "::")) for row in rows)
        shown = [*rows, *ended.outputs.values(), *ended.summary.splitlines()]
        assert [row for row in shown if not row.isprintable()] == []
        assert all(set(command.properties) <= {"title"} for command in runner_commands(ended.log))
        assert set(ended.outputs) == set(OUTPUTS)
        root = page(ended.summary)
        assert {one.tag for one in root.iter()} <= INERT
        links = [link.get("href", "") for link in root.iter("a")]
        assert all(link.startswith("http://127.0.0.1:") for link in links)
        return ended

    return check


@pytest.fixture
def kept(runner: ActionsRunner) -> ActionsRunner:
    """The runner, but what a container leaves behind can be looked at."""
    return replace(runner, options=("--network", "host"))


@pytest.fixture
def search(runner: ActionsRunner) -> Iterator[Callable[..., None]]:
    """Search everything that a step wrote for any part of a secret; remove its container."""
    seen: set[str] = set()

    def check(step: Step, ended: Ended, *secrets: str, places: tuple[Path, ...] = ()) -> None:
        seen.add(step.container)
        written = everything(runner, step, ended, places)
        found = [
            (place, secret, *leaks(secret, content))
            for place, content in written.items()
            for secret in secrets
            if leaks(secret, content)
        ]
        assert found == []

    yield check
    for container in seen:
        subprocess.run([runner.docker, "rm", container], capture_output=True, check=True)


@pytest.fixture(scope="session")
def job_image(docker: str) -> str:
    """The image of act's jobs, with what hosted runners have."""
    tag = "hokusai-register-e2e:job"
    subprocess.run([docker, "build", "--quiet", "--tag", tag, ROOT / "tests/e2e/job"], check=True)
    return tag


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the action, without what is only here."""
    place = tmp_path_factory.mktemp("ours")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place / name)
    return place


@pytest.fixture
def jobs(act: str, job_image: str, ours: Path, tmp_path: Path) -> Act:
    """A repository for workflows, and act to run them."""
    made = Act(program=act, image=job_image, ours=ours, root=tmp_path / "act")
    made.prepare()
    return made


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox on this machine's loopback."""
    with running(tmp_path_factory.mktemp("sandbox") / "place") as started:
        yield started


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
