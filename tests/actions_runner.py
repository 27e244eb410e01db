"""Runs an image as GitHub's runner runs a container action: its mounts, variables and files.

As `ContainerActionHandler.cs`, `DockerCommandManager.cs` and `FileCommandManager.cs` of
actions/runner have it.
"""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

import noisy
from runner_step import Ended, Step

ACTION = Path(__file__).parent.parent / "action.yml"
# Of hosted runners, and never root; where the tests are not root's, nothing can be given away.
USER = 1001 if os.geteuid() == 0 else os.geteuid()
SITE = "/opt/hokusai/lib/python3.13/site-packages"  # of the image
MOUNTS = {
    "_temp/_github_home": "/github/home",
    "_temp/_github_workflow": "/github/workflow",
    "_temp/_runner_file_commands": "/github/file_commands",
    "_temp": "/github/runner_temp",
    "work/model/model": "/github/workspace",
}
# What the runner reads when a step has ended, by the variables that tell the step.
FILES = {
    "GITHUB_OUTPUT": "set_output",
    "GITHUB_STEP_SUMMARY": "step_summary",
    "GITHUB_ENV": "set_env",
    "GITHUB_PATH": "add_path",
    "GITHUB_STATE": "save_state",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsRunner:
    """One job of a runner that keeps everything below `root`.

    `options` are those of `docker run` that are not the runner's own; `mode` is how the workspace
    is mounted.
    """

    docker: str
    image: str
    root: Path
    options: tuple[str, ...] = ("--rm", "--network", "host")  # the sandbox is on this machine
    mode: str = "rw"

    @property
    def workspace(self) -> Path:
        """The workspace, as this machine sees it."""
        return self.root / "work/model/model"

    @property
    def event(self) -> Path:
        """The event that the job was started by."""
        return self.root / "_temp/_github_workflow/event.json"

    def with_library(self, place: Path, text: str) -> ActionsRunner:
        """Return the same runner with a library in the image that MLflow imports."""
        noisy.install(place, text)
        mounts = (f"{path}:{SITE}/{path.name}:ro" for path in place.iterdir())
        return replace(self, options=(*self.options, *(f"--volume={mount}" for mount in mounts)))

    def prepare(self) -> None:
        """Make the directories, as the runner's user."""
        for place in MOUNTS:
            (self.root / place).mkdir(parents=True, exist_ok=True)
        self.event.write_text("{}", encoding="utf-8")
        self.give_away()

    def give_away(self) -> None:
        """Let everything belong to the runner's user."""
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, USER, -1)

    def step(self, given: Mapping[str, str], **environ: str) -> Ended:
        """Run the action with what stands in `with:`, and with other variables than usual."""
        return self.start(given, **environ).end()

    def start(self, given: Mapping[str, str], **environ: str) -> Step:
        """Begin the same; what is blank in `environ` is no variable at all."""
        files = {name: self._command_file(kind) for name, kind in FILES.items()}
        told = {name: str(path) for name, path in files.items()}
        others = {**self._variables(), **told, **environ}
        variables = self._inputs(given) | {name: text for name, text in others.items() if text}
        translated = {name: self._inside(text) for name, text in variables.items()}
        container = f"e2e_{uuid.uuid4().hex}"
        process = subprocess.Popen(
            self._command(container, translated),
            env={**os.environ, **translated},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return Step(process, container, files, time.monotonic())

    def _command(self, container: str, variables: Mapping[str, str]) -> list[str]:
        """Return the command line; the values come from the environment of Docker's client."""
        mounts = {"/var/run/docker.sock": "/var/run/docker.sock"}
        mounts |= {str(self.root / here): there for here, there in MOUNTS.items()}
        mounts[str(self.workspace)] += f":{self.mode}"
        return [
            *(self.docker, "run", "--name", container, "--label", container[-6:]),
            *("--workdir", "/github/workspace", *self.options),
            *(part for name in variables for part in ("-e", name)),
            *("-e", "GITHUB_ACTIONS=true", "-e", "CI=true"),
            *(part for here, there in mounts.items() for part in ("-v", f"{here}:{there}")),
            *(self.image, *yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["args"]),
        ]

    def _inputs(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return a variable for each input: what is given, else the default, else nothing."""
        known: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["inputs"]
        values = {name: str(about.get("default", "")) for name, about in known.items()}
        values |= given
        return {f"INPUT_{name.replace(' ', '_').upper()}": text for name, text in values.items()}

    def _variables(self) -> dict[str, str]:
        return {
            "HOME": str(self.root / "_temp/_github_home"),
            "GITHUB_ACTION": "register",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_JOB": "train",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "octo/model",
            "GITHUB_REPOSITORY_ID": "42",
            "GITHUB_RUN_ATTEMPT": "1",
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
