"""Runs an image as GitHub's runner runs a container action: its mounts, variables and files.

As `ContainerActionHandler.cs`, `DockerCommandManager.cs` and `FileCommandManager.cs` of
actions/runner have it.
"""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runner_rules import runner_records

ACTION = Path(__file__).parent.parent / "action.yml"
# Of hosted runners, and never root; where the tests are not root's, nothing can be given away.
USER = 1001 if os.geteuid() == 0 else os.geteuid()
MOUNTS = {
    "_temp/_github_home": "/github/home",
    "_temp/_github_workflow": "/github/workflow",
    "_temp/_runner_file_commands": "/github/file_commands",
    "_temp": "/github/runner_temp",
    "work/model/model": "/github/workspace",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that is over: what the runner has of it."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    raw: bytes = field(repr=False)  # all that it printed and wrote for the runner


@dataclass(frozen=True, slots=True)
class ActionsRunner:
    """One job of a runner that keeps everything below `root`."""

    docker: str
    image: str
    root: Path

    @property
    def workspace(self) -> Path:
        """The workspace, as this machine sees it."""
        return self.root / "work/model/model"

    def prepare(self) -> None:
        """Make the directories, as the runner's user."""
        for place in MOUNTS:
            (self.root / place).mkdir(parents=True, exist_ok=True)
        (self.root / "_temp/_github_workflow/event.json").write_text("{}", encoding="utf-8")
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, USER, -1)

    def step(self, given: Mapping[str, str], *, attempt: int = 1, **environ: str) -> Ended:
        """Run the action with what stands in `with:` and in `env:`."""
        output, summary = (self._command_file(name) for name in ("set_output", "step_summary"))
        variables = {
            **environ,
            **self._inputs(given),
            **self._variables(attempt),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        translated = {name: self._inside(value) for name, value in variables.items()}
        ran = subprocess.run(
            self._command(translated),
            env={**os.environ, **translated},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=120,
        )
        outputs, trouble = runner_records(output.read_bytes())
        assert not trouble, trouble
        return Ended(
            ran.returncode,
            ran.stdout.decode(),
            outputs,
            summary.read_text(encoding="utf-8"),
            ran.stdout + output.read_bytes() + summary.read_bytes(),
        )

    def _command(self, variables: Mapping[str, str]) -> list[str]:
        """Return the command line; the values come from the environment of Docker's client."""
        run = uuid.uuid4().hex
        mounts = {"/var/run/docker.sock": "/var/run/docker.sock"}
        mounts |= {str(self.root / here): there for here, there in MOUNTS.items()}
        return [
            *(self.docker, "run", "--name", f"e2e_{run}", "--label", run[:6]),
            *("--workdir", "/github/workspace", "--rm"),
            *(part for name in variables for part in ("-e", name)),
            *("-e", "GITHUB_ACTIONS=true", "-e", "CI=true"),
            *("--network", "host"),  # the one thing of our own: the sandbox is on this machine
            *(part for here, there in mounts.items() for part in ("-v", f"{here}:{there}")),
            *(self.image, *yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["args"]),
        ]

    def _inputs(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return a variable for each input: what is given, else the default, else nothing."""
        known: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]
        values = {name: str(about.get("default", "")) for name, about in known.items()}
        values |= given
        return {f"INPUT_{name.replace(' ', '_').upper()}": text for name, text in values.items()}

    def _variables(self, attempt: int) -> dict[str, str]:
        return {
            "HOME": str(self.root / "_temp/_github_home"),
            "GITHUB_ACTION": "register",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(self.root / "_temp/_github_workflow/event.json"),
            "GITHUB_JOB": "train",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "octo/model",
            "GITHUB_REPOSITORY_ID": "42",
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_RUN_ID": "1234",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "c" * 40,
            "GITHUB_WORKFLOW": "Train",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.root / "_temp"),
            "RUNNER_WORKSPACE": str(self.workspace.parent),
            "ACTIONS_RUNTIME_TOKEN": "token-of-the-runtime",
        }

    def _command_file(self, name: str) -> Path:
        """Make one of the files that a step writes to: the runner's user's own, 0644."""
        path = self.root / "_temp/_runner_file_commands" / f"{name}_{uuid.uuid4()}"
        path.touch(mode=0o644)
        os.chown(path, USER, -1)
        return path

    def _inside(self, value: str) -> str:
        """Return a value with a path of this machine as the container sees it, only as a whole."""
        for here, there in MOUNTS.items():
            place = str(self.root / here)
            if value == place or value.startswith(f"{place}/"):
                return there + value.removeprefix(place)
        return value
