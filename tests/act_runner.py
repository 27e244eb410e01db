"""Runs a workflow with act, and gives back what its steps printed and handed on."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

STAND_INS = Path(__file__).parent / "e2e" / "stand_ins"
LIMIT = 300  # seconds after which it hangs
# Whatever they are called, act has only this machine and its processor.
SYSTEMS = ("ubuntu-latest", "ubuntu-24.04-arm", "macos-latest", "windows-latest")


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of a workflow that is over."""

    code: int
    rows: list[dict[str, Any]] = field(repr=False)

    @property
    def printed(self) -> list[str]:
        """What all steps printed, line by line."""
        return [row["msg"].rstrip("\n") for row in self.rows if row.get("raw_output")]

    @property
    def outputs(self) -> dict[str, str]:
        """What the step `register` has set."""
        return self.outputs_of("register")

    def outputs_of(self, step: str) -> dict[str, str]:
        """Return what a step has set."""
        return {
            row["name"]: row["arg"]
            for row in self.rows
            if row.get("command") == "set-output" and row["stepID"][0] == step
        }

    @property
    def summary(self) -> str:
        """All step summaries, one after the other."""
        return "\n".join(row["msg"] for row in self.rows if "Summary - " in row["msg"])

    @property
    def jobs(self) -> dict[str, str]:
        """How each job ended; one that was skipped is not there."""
        return {
            row["job"].partition("/")[2].strip(): row["jobResult"]
            for row in self.rows
            if row.get("jobResult", "skipped") != "skipped"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A repository with workflows, and runners for its jobs."""

    program: str
    image: str  # of the jobs
    ours: Path  # the repository of the action
    root: Path

    @property
    def repository(self) -> Path:
        """The repository whose workflows are run."""
        return self.root / "repository"

    def prepare(self) -> None:
        """Make what act expects to find."""
        for place in ("act", "artifacts", "repository"):
            (self.root / place).mkdir(parents=True)
        (self.root / "act" / "actrc").touch()  # without one it asks which images to use

    def run(
        self,
        workflow: str,
        environ: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        event: str = "push",
        payload: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Ran:
        """Run a workflow of the repository as GitHub does on `event`; `variables` are `vars`."""
        (self.root / "event.json").write_text(json.dumps(payload or {}), encoding="utf-8")
        environ = {
            "GITHUB_REPOSITORY": "octo/model",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_RUN_ID": str(uuid.uuid4().int % 10**10),
            **environ,
        }
        ran = subprocess.run(
            [
                *(self.program, event, "--workflows", workflow, "--json"),
                *("--eventpath", self.root / "event.json"),
                *(f"--platform={system}={self.image}" for system in SYSTEMS),
                *("--pull=false", "--action-offline-mode", "--no-cache-server"),
                *("--container-options", f"--volume {self.root / 'artifacts'}:/artifacts"),
                # Its table of local repositories is not made for two jobs at once.
                *("--concurrent-jobs", "1"),
                *self._repositories(workflow),
                *(f"--env={name}={text}" for name, text in environ.items()),
                *(f"--var={name}={text}" for name, text in (variables or {}).items()),
                *(f"--secret={name}" for name in secrets),
            ],
            cwd=self.repository,
            env={
                **os.environ,
                **secrets,
                "XDG_CONFIG_HOME": str(self.root),
                "XDG_CACHE_HOME": str(self.root / "cache"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        rows = [json.loads(row) for row in ran.stdout.splitlines() if row.startswith("{")]
        assert rows, ran.stdout
        assert not [row for secret in secrets.values() for row in _leaks(rows, secret)]
        return Ran(ran.returncode, rows)

    def _repositories(self, workflow: str) -> list[str]:
        """Return where each action that the workflow names lies on this machine."""
        jobs = yaml.safe_load((self.repository / workflow).read_text(encoding="utf-8"))["jobs"]
        used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
        options = []
        for owner, _, rest in (action.partition("/") for action in sorted(used)):
            path, _, ref = rest.partition("@")
            name = path.partition("/")[0]
            place = self.ours if owner == "hokusai" else STAND_INS / name
            if owner != "." and place.exists():
                options.append(f"--local-repository={owner}/{name}@{ref}={place}")
        return options


def _leaks(rows: list[dict[str, Any]], secret: str) -> Iterator[dict[str, Any]]:
    """Yield the rows that show a secret, but for that of the command that hides it."""
    for row in rows:
        if row.get("command") != "add-mask" and json.dumps(secret)[1:-1] in json.dumps(row):
            yield row
